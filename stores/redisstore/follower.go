package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// follower keeps a local copy of a part of the store: it reads that part again and
// again, in one goroutine, from the first use on until the Store is closed.
type follower struct {
	store    *Store
	what     string
	interval time.Duration
	read     func(context.Context) error

	start  sync.Once
	loaded chan struct{} // closed once it was read

	epoch time.Time
	asked atomic.Int64 // since the epoch, when that was asked whose answer is the copy; 0: there is none

	mu    sync.Mutex
	begun bool
	err   error // of the last read
}

func newFollower(s *Store, what string, interval time.Duration, read func(context.Context) error) follower {
	return follower{store: s, what: what, interval: interval, read: read, epoch: time.Now(), loaded: make(chan struct{})}
}

func (f *follower) follow() {
	f.start.Do(func() {
		f.store.closing.Lock()
		defer f.store.closing.Unlock()
		if f.store.life.Err() != nil {
			return
		}
		f.mu.Lock()
		f.begun = true
		f.mu.Unlock()
		f.store.followers.Go(f.run)
	})
}

func (f *follower) run() {
	tick := time.NewTicker(f.interval)
	defer tick.Stop()
	for {
		f.once(f.store.life)
		select {
		case <-f.store.life.Done():
			return
		case <-tick.C:
		}
	}
}

// once reads once, and notes how that went.
func (f *follower) once(ctx context.Context) {
	asked := max(1, time.Since(f.epoch))
	err := f.read(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	if err == nil && f.asked.Swap(int64(asked)) == 0 {
		close(f.loaded)
	}
}

// age returns how old the copy is, negative if there is none.
func (f *follower) age() time.Duration {
	asked := f.asked.Load()
	if asked == 0 {
		return -1
	}
	return time.Since(f.epoch) - time.Duration(asked)
}

// within returns an error if the copy is older than that.
func (f *follower) within(most time.Duration) error {
	age := f.age()
	if 0 <= age && age <= most {
		return nil
	}
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err == nil {
		err = errors.New("there is no answer yet")
	}
	if age < 0 {
		return fmt.Errorf("redisstore: the %s was never read: %w", f.what, err)
	}
	return fmt.Errorf("redisstore: the %s was read %v ago, more than %v: %w", f.what, age.Round(time.Millisecond), most, err)
}

// ready waits until the part was read, if it is used.
func (f *follower) ready(ctx context.Context) error {
	f.mu.Lock()
	begun := f.begun
	f.mu.Unlock()
	if !begun {
		return nil
	}
	select {
	case <-f.loaded:
		return nil
	case <-ctx.Done():
		return f.within(-1)
	}
}

// Status is the state of a local copy of what is shared.
type Status struct {
	// Age is how old the copy is; negative if there is none yet.
	Age time.Duration
	// Err is why it could not be read last, nil if it could.
	Err error
}

func (f *follower) status() Status {
	age := f.age()
	f.mu.Lock()
	defer f.mu.Unlock()
	return Status{Age: age, Err: f.err}
}

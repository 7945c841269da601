package jwks

import (
	"context"
	"time"
)

// The fetches of a Fetcher, one after another: a timer starts each, and no
// goroutine waits for the next.

// arm sets the timer to the next fetch. Its caller holds the lock. While a fetch
// is under way it does nothing: that one arms the timer when it has ended.
func (f *Fetcher) arm(now time.Time) {
	if f.closed || f.fetching {
		return
	}
	wait := max(0, f.policy.next().Sub(now))
	if f.timer == nil {
		f.timer = time.AfterFunc(wait, f.attempt)
		return
	}
	f.timer.Reset(wait)
}

// run makes the fetch that is due, and arms the timer for the one after it.
// ctx is the Fetcher's own, and ends with Close.
func (f *Fetcher) run(ctx context.Context) {
	e, due := f.begin()
	if !due {
		return
	}
	defer f.running.Done()
	f.fetch(ctx, e)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fetching = false
	f.arm(time.Now())
}

// begin starts a fetch, if one is due: a timer may fire while it is set anew, or
// together with Close.
func (f *Fetcher) begin() (e Event, due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	switch {
	case f.closed || f.fetching:
		return Event{}, false
	case now.Before(f.policy.next()):
		f.arm(now)
		return Event{}, false
	}
	f.fetching = true
	f.running.Add(1)
	return Event{Forced: f.policy.begin(now)}, true
}

// fetch makes one fetch and publishes what it brought: to readers first, then to
// the hook, then to the callers that wait.
func (f *Fetcher) fetch(ctx context.Context, e Event) {
	spanned, end := f.telemetry.start(ctx, e.Forced)
	got, err := f.source.fetch(spanned, e.Forced)
	if ctx.Err() != nil {
		end(Failed, got.url, 0, ErrClosed)
		return
	}
	var round chan struct{}
	if err != nil {
		round = f.fail(&e, got.url, err)
	} else {
		round = f.succeed(&e, got)
	}
	end(e.Kind, got.url, len(e.Status.Keys), err)
	f.emit(e)
	close(round)
}

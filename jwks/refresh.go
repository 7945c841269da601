package jwks

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// run fetches whenever the policy says so. It is the Fetcher's goroutine; what
// is in this file runs in it alone.
func (f *Fetcher) run(ctx context.Context) {
	defer f.source.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil { // a timer that fires together with Close starts nothing
		timer.Reset(f.untilNext())
		select {
		case <-ctx.Done():
		case <-f.wake:
		case <-timer.C:
			f.fetch(ctx)
		}
	}
}

func (f *Fetcher) untilNext() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(0, time.Until(f.policy.next()))
}

// fetch makes one fetch and puts what it brought in force. Readers see it
// first, then the hooks, then those who wait.
func (f *Fetcher) fetch(ctx context.Context) {
	start, forced := f.begin()
	spanned, end := f.telemetry.start(ctx, forced)
	got, err := f.source.fetch(spanned, forced)
	e := Event{Issuer: f.cfg.Issuer, URL: got.url, Duration: time.Since(start), Forced: forced, Skipped: got.skipped}
	if ctx.Err() != nil {
		e.Kind, e.Err = Failed, ErrClosed
		end(e)
		return
	}
	var round chan struct{}
	if err != nil {
		round = f.fail(&e, err)
	} else {
		round = f.succeed(&e, got)
	}
	end(e)
	f.emit(e)
	close(round)
}

func (f *Fetcher) begin() (start time.Time, forced bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	start = time.Now()
	return start, f.policy.begin(start)
}

// fail keeps the snapshot, and ends the round.
func (f *Fetcher) fail(e *Event, err error) (round chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	e.Kind, e.Err = Failed, err
	f.policy.fail(now, delayOf(err), jitter())
	f.report.Failures++
	f.report.LastError, f.report.LastErrorAt = err, now
	return f.settle(e, now)
}

// succeed puts a new snapshot in force, and ends the round.
func (f *Fetcher) succeed(e *Event, got fetched) (round chan struct{}) {
	now := time.Now()
	old := f.Snapshot()
	set, diff := old.set, change{}
	if !got.notModified {
		set, diff = old.set.merge(got.keys)
	}
	next := &Snapshot{set: set, generation: old.generation, fetchedAt: now, expires: now.Add(f.cfg.MaxStaleness)}
	if len(diff.removed) > 0 {
		next.generation++
	}
	h := f.harvest(set, diff)
	h.due = now.Add(f.schedule.interval(got.lifetime, got.stated, jitter()))
	e.describe(got, diff, old.Len() > 0)

	f.mu.Lock()
	defer f.mu.Unlock()
	f.snapshot.Store(next)
	f.policy.succeed(h)
	f.report.URL = got.url
	if got.notModified {
		f.report.NotModified++
	} else {
		f.report.Skipped = texts(got.skipped)
	}
	return f.settle(e, now)
}

// settle is the end of every fetch. Its caller holds the lock, and closes the
// round.
func (f *Fetcher) settle(e *Event, now time.Time) (round chan struct{}) {
	f.report.Fetches++
	s := f.Snapshot()
	e.Keys, e.Generation, e.Next = s.Len(), s.Generation(), f.policy.due.Sub(now)
	round, f.round = f.round, make(chan struct{})
	return round
}

// harvest is what the policy needs to know of a set.
func (f *Fetcher) harvest(set *index, diff change) harvest {
	h := harvest{changed: diff.any(), kids: make(kidSet, len(set.byID))}
	for kid := range set.byID {
		h.kids[f.hash(kid)] = struct{}{}
	}
	for _, k := range diff.removed {
		if _, still := set.byID[k.ID()]; !still && k.ID() != "" {
			h.removed = append(h.removed, f.hash(k.ID()))
		}
	}
	return h
}

func (e *Event) describe(got fetched, diff change, loaded bool) {
	e.Kind = Fetched
	if got.notModified {
		e.Kind = NotModified
	}
	e.Added, e.Removed = displayedIDs(diff.added), displayedIDs(diff.removed)
	e.rotated = loaded && diff.any()
}

func (f *Fetcher) emit(e Event) {
	if f.cfg.OnEvent == nil {
		return
	}
	f.cfg.OnEvent(e)
	if e.rotated {
		e.Kind = Rotated
		f.cfg.OnEvent(e)
	}
}

// delayOf is the Retry-After of an answer.
func delayOf(err error) time.Duration {
	var refused *statusError
	if errors.As(err, &refused) {
		return refused.delay
	}
	return 0
}

func texts(errs []error) []string {
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

// jitter is in [0, 1).
func jitter() float64 {
	return rand.Float64() //nolint:gosec // spreads load, guards nothing
}

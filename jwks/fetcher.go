package jwks

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Fetcher is a [KeySet] that fetches an issuer's keys and keeps them fresh. It
// dials lazily: the first Ready or Refresh starts the fetches, Close ends them.
// Between two fetches it has a timer and no goroutine, so that there may be
// thousands. It is safe for concurrent use. The zero value is not usable: call
// [NewFetcher].
type Fetcher struct {
	cfg       FetcherConfig
	schedule  schedule
	source    *source // used by one fetch at a time
	telemetry telemetry
	seed      maphash.Seed

	snapshot atomic.Pointer[Snapshot] // written under mu

	attempt func()         // runs a fetch, by the timer
	running sync.WaitGroup // the fetch in flight
	closing chan struct{}
	stop    context.CancelFunc
	unwatch func() error // ends what metrics read

	mu              sync.Mutex  // guards what follows; never held across I/O or a hook
	timer           *time.Timer // of the next fetch; nil before the first
	fetching        bool        // from the start of a fetch until its hook has returned
	policy          policy
	round           chan struct{} // closed when the fetch in flight, or else the next one, has ended
	waiting         int           // callers of Refresh
	distrusted      distrusted
	started, closed bool
	report          Status // counts, errors and addresses
}

// NewFetcher returns a Fetcher, or the error of [FetcherConfig.Validate]. It
// does not dial.
func NewFetcher(cfg FetcherConfig) (*Fetcher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	t, err := newTelemetry(cfg)
	if err != nil {
		return nil, err
	}
	f := &Fetcher{
		cfg:       cfg,
		schedule:  schedule{usual: cfg.RefreshInterval, least: cfg.MinRefreshInterval, most: cfg.MaxRefreshInterval, staleness: cfg.MaxStaleness},
		source:    newSource(cfg),
		telemetry: t,
		seed:      maphash.MakeSeed(),
		closing:   make(chan struct{}),
		round:     make(chan struct{}),
		report:    Status{Issuer: cfg.Issuer, URL: cfg.JWKSURL},
	}
	f.policy = newPolicy(limits{
		spacing:  minSpacing,
		cooldown: cfg.Cooldown,
		longest:  maxMemory,
		idle:     maxIdle,
		backoff:  minSpacing,
		most:     max(minSpacing, min(cfg.RefreshInterval, maxBackoff)),
	})
	f.source.trusted, f.source.telemetry = f.trusted, &f.telemetry
	f.snapshot.Store(NewSnapshot(SnapshotConfig{}))
	ctx, stop := context.WithCancel(context.Background()) // fetches are not tied to any caller's context
	f.stop = stop
	f.attempt = func() { f.run(ctx) }
	if f.unwatch, err = f.watch(cfg.MeterProvider); err != nil {
		stop()
		f.source.close()
		return nil, err
	}
	return f, nil
}

// Snapshot returns the current keys: one atomic load, whatever a fetch does.
// After Close it returns the last ones.
func (f *Fetcher) Snapshot() *Snapshot { return f.snapshot.Load() }

// Refresh asks for newer keys because kid is missing from the snapshot. Where a
// fetch may help it waits for one that all callers share; else it returns at
// once. With kid "", for a token that names no key, it asks for any that is new.
// See [KeySet].
func (f *Fetcher) Refresh(ctx context.Context, kid string) error {
	c := caller{kid: kid}
	defer f.leave(&c)
	for {
		next, round, err := f.decide(&c)
		if c.unknown {
			c.unknown = false
			f.telemetry.unknownKid(ctx)
		}
		if next != wait {
			return err
		}
		select {
		case <-round:
			c.lookup.waited = true
		case <-f.closing:
		case <-ctx.Done():
			return fmt.Errorf("jwks: gave up waiting for keys: %w", ctx.Err())
		}
	}
}

// Ready waits until there are usable keys, through failures, as long as ctx
// allows. Its error wraps ctx.Err() and the last failure; after Close it is
// [ErrClosed]. A program need not call it: without it, the first token waits.
// With a ctx that has ended it starts the first fetch and returns at once.
func (f *Fetcher) Ready(ctx context.Context) error {
	for {
		c := caller{owner: true} // a new one each time: a failure does not end the wait
		next, round, err := f.decide(&c)
		switch {
		case next == settled:
			return nil
		case errors.Is(err, ErrClosed):
			return ErrClosed
		}
		select {
		case <-round:
		case <-f.closing:
		case <-ctx.Done():
			return f.notReady(ctx.Err())
		}
	}
}

func (f *Fetcher) notReady(err error) error {
	if last := f.Status().LastError; last != nil {
		return fmt.Errorf("jwks: no usable keys yet: %w; last failure: %w", err, last)
	}
	return fmt.Errorf("jwks: no usable keys yet, the first fetch has not ended: %w", err)
}

// Close ends the fetches, and waits for the one in flight. Callers that wait for
// keys get [ErrClosed], and metrics of the state end. The error is always nil;
// closing twice is fine.
func (f *Fetcher) Close() error {
	f.mu.Lock()
	first := !f.closed
	if first {
		f.closed = true
		close(f.closing)
		f.stop()
		if f.timer != nil {
			f.timer.Stop()
		}
	}
	f.mu.Unlock()
	if first {
		_ = f.unwatch() // the provider is its owner's, and may have ended before
	}
	f.running.Wait()
	if first {
		f.source.close()
	}
	return nil
}

// fail keeps the snapshot, and ends the round.
func (f *Fetcher) fail(e *Event, url string, err error) (round chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	e.Kind = Failed
	f.policy.fail(now, retryAfterOf(err), jitter())
	f.report.Failures++
	f.report.LastError, f.report.LastErrorAt = err, now
	return f.endRound(e, url, now)
}

// succeed publishes a new snapshot, and ends the round.
func (f *Fetcher) succeed(e *Event, got fetched) (round chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	old := f.Snapshot()
	set, diff := old.set, change{}
	if !got.notModified {
		keys, skipped := f.distrusted.split(got.keys) // again: Distrust may have been called meanwhile
		set, diff = old.set.merge(keys, got.skipped)
		f.report.Skipped = texts(append(got.skipped, skipped...))
	}
	f.snapshot.Store(&Snapshot{set: set, fetchedAt: now, expires: now.Add(f.cfg.MaxStaleness)})
	r := f.result(set, diff)
	r.due = now.Add(f.schedule.interval(got.lifetime, got.stated, jitter()))
	f.policy.succeed(r)
	e.describe(got, diff, len(old.set.keys) > 0)
	return f.endRound(e, got.url, now)
}

// endRound ends every fetch. Its caller holds the lock, and closes the round.
func (f *Fetcher) endRound(e *Event, url string, now time.Time) (round chan struct{}) {
	f.report.Fetches++
	if url != "" {
		f.report.URL = url
	}
	e.Status = f.status(now)
	round, f.round = f.round, make(chan struct{})
	return round
}

// result tells the policy about a set.
func (f *Fetcher) result(set *index, diff change) fetchResult {
	r := fetchResult{changed: diff.any(), fresh: len(diff.added) > 0, kids: make(kidSet, len(set.byID))}
	for kid := range set.byID {
		r.kids[f.hash(kid)] = struct{}{}
	}
	for _, k := range diff.removed {
		if _, still := set.byID[k.ID()]; !still && k.ID() != "" {
			r.removed = append(r.removed, f.hash(k.ID()))
		}
	}
	return r
}

// jitter returns a number in [0, 1).
func jitter() float64 { return rand.Float64() } //nolint:gosec // spreads load, guards nothing

// maxWaiting bounds the callers that wait for a fetch: each holds a request of
// the API, and anybody can send tokens of unknown kids.
const maxWaiting = 1000

// caller is one call of Refresh or, as owner, one look of Ready.
type caller struct {
	kid     string
	owner   bool
	known   bool // lookup has what holds for the whole call
	waiting bool // it is counted
	unknown bool // its key is not in the set, which is not counted yet
	lookup  lookup
}

// decide returns what c does now. round ends with the fetch in flight or, if
// there is none, with the next.
func (f *Fetcher) decide(c *caller) (o outcome, round <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	switch {
	case f.closed:
		return unavailable, f.round, &UnavailableError{RetryAfter: time.Second, Err: ErrClosed}
	case f.distrusted.kids[c.kid]:
		return settled, f.round, nil
	}
	f.update(c, now)
	next := f.policy.next()
	o = f.policy.decide(c.lookup)
	if !f.started || !f.policy.next().Equal(next) {
		f.started = true
		f.arm(now)
	}
	if o == wait && !c.owner && !c.waiting {
		c.waiting = true
		f.waiting++
	}
	if o == unavailable {
		err = &UnavailableError{RetryAfter: f.policy.retryAfter(now), Err: f.cause(c)}
	}
	return o, f.round, err
}

// leave ends a call.
func (f *Fetcher) leave(c *caller) {
	if !c.waiting {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting--
}

func (f *Fetcher) update(c *caller, now time.Time) {
	s, l := f.Snapshot(), &c.lookup
	l.now, l.found, l.usable = now, s.has(c.kid), s.usableAt(now)
	l.crowded = !c.owner && !c.waiting && f.waiting >= maxWaiting
	if !c.known {
		c.known = true
		l.kid, l.arrived = f.hash(c.kid), f.policy.started
		l.any = c.owner || c.kid == "" && !l.usable
		c.unknown = !c.owner && l.usable && !l.found
	}
}

// cause returns why there are no keys, never nil.
func (f *Fetcher) cause(c *caller) error {
	switch {
	case f.policy.failures > 0 && f.report.LastError != nil:
		return f.report.LastError
	case c.lookup.crowded:
		return fmt.Errorf("jwks: %d callers wait for the keys already", maxWaiting)
	case len(f.Snapshot().set.keys) == 0:
		return errors.New("jwks: no key is left that is trusted")
	}
	return errors.New("jwks: the keys are older than MaxStaleness")
}

// hash returns the hash of a kid. That of none is nameless, and of no other.
func (f *Fetcher) hash(kid string) kidHash {
	if kid == "" {
		return nameless
	}
	return max(nameless+1, kidHash(maphash.String(f.seed, kid)))
}

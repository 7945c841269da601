package jwks

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Fetcher is a [KeySet] that fetches an issuer's keys and keeps them fresh. It
// dials lazily: the first Ready or Refresh starts its one goroutine, Close ends
// it. It is safe for concurrent use. NewFetcher makes one; the zero Fetcher is
// of no use.
type Fetcher struct {
	cfg       FetcherConfig
	schedule  schedule
	source    *source // of the goroutine alone
	telemetry telemetry
	seed      maphash.Seed

	snapshot atomic.Pointer[Snapshot] // written by the goroutine alone, under mu

	launch  func() // starts the goroutine
	running sync.WaitGroup
	wake    chan struct{} // the policy has changed its mind
	closing chan struct{}
	stop    context.CancelFunc

	mu              sync.Mutex // guards what follows; never held across I/O or a hook
	policy          policy
	round           chan struct{} // closed when the fetch in flight, or else the next one, has ended
	started, closed bool
	report          Status // counts, errors and addresses
}

// NewFetcher makes a Fetcher, or reports all mistakes in cfg together. It does
// not dial.
func NewFetcher(cfg FetcherConfig) (*Fetcher, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
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
		wake:      make(chan struct{}, 1),
		closing:   make(chan struct{}),
		round:     make(chan struct{}),
		report:    Status{Issuer: cfg.Issuer, URL: cfg.JWKSURL},
	}
	f.policy.limits = limits{
		spacing:  minSpacing,
		cooldown: cfg.Cooldown,
		backoff:  minSpacing,
		most:     max(minSpacing, min(cfg.RefreshInterval, maxBackoff)),
	}
	f.snapshot.Store(NewSnapshot(SnapshotConfig{Generation: 1}))
	ctx, stop := context.WithCancel(context.Background()) // fetches are nobody's in particular
	f.stop = stop
	f.launch = func() { f.running.Go(func() { f.run(ctx) }) }
	return f, nil
}

// Snapshot is the keys as they are now: one atomic load, whatever a fetch does.
// After Close it is the last one.
func (f *Fetcher) Snapshot() *Snapshot { return f.snapshot.Load() }

// Refresh asks for newer keys because kid is missing from the snapshot. It
// waits for a fetch that all callers share, where one may help; else it returns
// at once. See [KeySet].
func (f *Fetcher) Refresh(ctx context.Context, kid string) error {
	c := caller{kid: kid}
	for {
		verdict, round, err := f.ask(&c)
		if verdict != wait {
			return err
		}
		select {
		case <-round:
			c.question.waited = true
		case <-f.closing:
		case <-ctx.Done():
			return fmt.Errorf("jwks: gave up waiting for keys: %w", ctx.Err())
		}
	}
}

// Ready waits until there are usable keys, through failures, as long as ctx
// allows. Its error wraps ctx.Err() and the last failure; after Close it is
// [ErrClosed]. A program need not call it: without it, the first token waits.
func (f *Fetcher) Ready(ctx context.Context) error {
	for {
		var c caller // a new one each time: it takes no failure for an answer
		verdict, round, err := f.ask(&c)
		switch {
		case verdict == settled:
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

// Close ends the goroutine and the fetch in flight, and waits for both. Those
// who wait for keys get [ErrClosed]. The error is always nil; closing twice is
// fine.
func (f *Fetcher) Close() error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.closing)
		f.stop()
	}
	f.mu.Unlock()
	f.running.Wait()
	return nil
}

// Status is how it does. It never waits for a fetch.
func (f *Fetcher) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, now := f.report, time.Now()
	snapshot := f.Snapshot()
	s.Usable, s.Keys, s.Generation, s.FetchedAt = snapshot.Usable(), keyStatuses(snapshot), snapshot.Generation(), snapshot.FetchedAt()
	s.Skipped = append([]string(nil), f.report.Skipped...)
	if !s.FetchedAt.IsZero() {
		s.Age = now.Sub(s.FetchedAt)
	}
	if f.started && !f.closed {
		s.NextRefresh = later(f.policy.next(), now)
	}
	return s
}

// caller is one call of Refresh.
type caller struct {
	kid      string
	known    bool // question has the hash and the time of arrival
	question question
}

// ask is what c does now. round ends with the fetch in flight or, if there is
// none, with the next.
func (f *Fetcher) ask(c *caller) (v verdict, round <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.closed {
		return unavailable, f.round, &UnavailableError{RetryAfter: time.Second, Err: ErrClosed}
	}
	f.prepare(c, now)
	next := f.policy.next()
	v = f.policy.ask(c.question)
	if !f.started {
		f.started = true
		f.launch()
	} else if !f.policy.next().Equal(next) {
		f.nudge()
	}
	if v == unavailable {
		err = &UnavailableError{RetryAfter: f.policy.retryAfter(now), Err: f.trouble()}
	}
	return v, f.round, err
}

func (f *Fetcher) prepare(c *caller, now time.Time) {
	if !c.known {
		c.known = true
		c.question.kid, c.question.named, c.question.arrived = f.hash(c.kid), c.kid != "", f.policy.started
	}
	s := f.Snapshot()
	c.question.now, c.question.found, c.question.usable = now, s.has(c.kid), s.Usable()
}

// trouble is why there are no keys: never nil.
func (f *Fetcher) trouble() error {
	if f.policy.failures > 0 && f.report.LastError != nil {
		return f.report.LastError
	}
	return errors.New("jwks: the keys are older than MaxStaleness")
}

func (f *Fetcher) hash(kid string) kidHash { return kidHash(maphash.String(f.seed, kid)) }

// nudge has the goroutine look at the policy again.
func (f *Fetcher) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

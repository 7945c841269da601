package sallyport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/internal/directory"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/verifier"
)

// state is a configuration of a Gate and the parts that it is made of.
type state struct {
	cfg      *Config
	verifier *verifier.Verifier
	asking   *introspection.Verifier // nil: nobody is asked
	issuers  []*issuerKeys           // that are configured
	tenants  *tenants                // that come at run time; nil: none do
	count    func(directory.Outcome) // calls of Resolve
	watching metric.Registration
	done     func() // once it is in force: ends what it takes the place of

	made       []*jwks.Fetcher // for it; the others are taken over
	ownTenants bool            // likewise
}

var refusing = state{verifier: new(verifier.Verifier)} // refuses everything

// state returns the configuration in force.
func (g *Gate) state() *state {
	if g != nil {
		if now := g.now.Load(); now != nil {
			return now
		}
	}
	return &refusing
}

// build makes the parts of a configuration, from the keys outwards, and takes over
// from the one before what has not changed. before may be nil.
func (g *Gate) build(cfg *Config, fetches []fetch, before *state) (*state, error) {
	s := &state{cfg: cfg, done: func() {}}
	err := g.fill(s, fetches, before)
	if err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

func (g *Gate) fill(s *state, fetches []fetch, before *state) (err error) {
	cfg := s.cfg
	how := make(map[int]*jwks.FetcherConfig, len(fetches))
	for i := range fetches {
		how[fetches[i].issuer] = &fetches[i].keys
	}
	for n := range cfg.Verifier.Issuers {
		tokens := &cfg.Verifier.Issuers[n]
		own := &issuerKeys{name: tokens.Name, policy: policyFor(*tokens, how[n])}
		if how[n] != nil {
			if own.fetcher = before.fetcherOf(own); own.fetcher == nil {
				if own.fetcher, err = jwks.NewFetcher(*how[n]); err != nil {
					return err
				}
				s.made = append(s.made, own.fetcher)
			}
			tokens.Keys = own.fetcher
		}
		own.keys = tokens.Keys
		s.issuers = append(s.issuers, own)
	}
	if err := g.fillVerifier(s, before); err != nil {
		return err
	}
	cfg.Guard.Verifier = s.verifier
	if len(cfg.Introspection) > 0 {
		if s.asking, err = introspection.New(s.verifier, cfg.Introspection...); err != nil {
			return err
		}
		cfg.Guard.Verifier = s.asking
	}
	if before != nil && sameOne(before.cfg.MeterProvider, cfg.MeterProvider) {
		return nil // what the metrics read is that of the Gate
	}
	return g.watchCache(s)
}

func (g *Gate) fillVerifier(s *state, before *state) (err error) {
	if s.cfg.Resolve != nil {
		if s.count, err = countResolve(s.cfg.MeterProvider); err != nil {
			return err
		}
		if before != nil {
			s.tenants = before.tenants
		}
		if s.tenants == nil {
			s.tenants, s.ownTenants = directory.New(g.directory(s)), true
		}
		s.cfg.Verifier.Lookup = lookup(s.tenants)
	}
	if before == nil {
		s.verifier, err = verifier.New(s.cfg.Verifier)
		return err
	}
	s.verifier, s.done, err = before.verifier.Replacement(s.cfg.Verifier)
	return err
}

// fetcherOf returns the Fetcher of an issuer whose whole policy is the same.
func (s *state) fetcherOf(i *issuerKeys) *jwks.Fetcher {
	if s == nil {
		return nil
	}
	for _, own := range s.issuers {
		if own.name == i.name && own.policy.equal(&i.policy) {
			return own.fetcher
		}
	}
	return nil
}

// load waits for the keys of issuers that the configuration before has not.
func (s *state) load(ctx context.Context, before *state) error {
	var wg sync.WaitGroup
	errs := make([]error, len(s.issuers))
	for n, own := range s.issuers {
		if slices.ContainsFunc(before.issuers, func(i *issuerKeys) bool { return sameOne(i.keys, own.keys) }) {
			continue
		}
		wg.Go(func() {
			if err := own.load(ctx); err != nil {
				errs[n] = fmt.Errorf("sallyport: Replace: the keys of %.200q: %w", own.name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// load waits for keys.
func (i *issuerKeys) load(ctx context.Context) error {
	if f, ok := i.keys.(*jwks.Fetcher); ok {
		return f.Ready(ctx)
	}
	if i.usable() {
		return nil
	}
	if err := i.keys.Refresh(ctx, ""); err != nil {
		return err
	}
	if !i.usable() {
		return errors.New("no usable keys")
	}
	return nil
}

// discard ends what belongs to this configuration alone: all of it, for the first of
// a Gate.
func (s *state) discard() error {
	s.unwatch()
	if s.ownTenants {
		s.tenants.Close()
	}
	errs := []error{s.asking.Close()}
	for _, f := range s.made {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

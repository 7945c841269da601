package sallyport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/jwks"
)

// Replace puts another configuration into force while the Gate is in use: the whole
// of it, or nothing and an error with every mistake. cfg is all that holds then:
// nothing is taken from the configuration before, nor from the environment.
//
// The keys of issuers that are new or changed are loaded first. If ctx ends before
// they are there nothing is replaced. No call is refused for the change: those that
// are under way end as they began, and handlers, tables and adapters that were made
// with the Gate follow with their next call.
//
// An issuer keeps its keys and its verified tokens if its whole policy is unchanged,
// down to the last setting of Keys; of functions, as Keys.OnEvent, it cannot be said
// whether they are, so with one keys are fetched anew. All else takes effect at once, for
// tokens too that were verified before. Issuers that Resolve found are asked for again
// before their next token is accepted. What [Gate.Distrust] was told goes on to hold.
//
// Guard.Resource and Guard.Exempt cannot be replaced. Calls of Replace wait for one
// another. See docs/guide/reconfigure.md.
func (g *Gate) Replace(ctx context.Context, cfg Config) error {
	g = g.orZero()
	if g == &zeroGate {
		return errNotOpened
	}
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return fmt.Errorf("sallyport: Replace: another one is under way: %w", ctx.Err())
	}
	before := g.state()
	cfg.inherit()
	fetches, err := cfg.compose(nil)
	if err := errors.Join(err, cfg.fixed(before.cfg), g.canList(&cfg)); err != nil {
		return err
	}
	s, err := g.build(&cfg, fetches, before)
	if err != nil {
		return err
	}
	err = g.begin(s)
	defer g.end()
	if err == nil {
		err = s.load(ctx, before)
	}
	if err == nil {
		err = g.putIntoForce(s, before)
	}
	if err != nil {
		return errors.Join(err, s.discard())
	}
	return nil
}

// begin has Close end what is being loaded: nobody is to wait for keys that no call
// will ask for.
func (g *Gate) begin(s *state) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errClosed
	}
	g.next = s
	return nil
}

func (g *Gate) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next = nil
}

var errClosed = fmt.Errorf("sallyport: Replace: %w", jwks.ErrClosed)

// putIntoForce makes s take the place of before. It changes nothing, or all.
func (g *Gate) putIntoForce(s, before *state) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errClosed
	}
	for _, i := range s.issuers {
		if err := g.distrusted.apply(i.name, i.keys); err != nil {
			return err
		}
	}
	if err := g.Guard.Replace(s.cfg.Guard); err != nil {
		return err
	}
	g.now.Store(s)
	s.done()
	if sameOne(before.cfg.MeterProvider, s.cfg.MeterProvider) {
		s.watching = before.watching
	} else {
		before.unwatch()
	}
	switch {
	case before.tenants == nil:
	case s.tenants == nil:
		before.tenants.End()
		g.closing.after(0, before.tenants.Close) // which waits for Resolve
	default:
		s.tenants.Reconfigure(g.directory(s))
	}
	g.retire(s, before)
	return nil
}

// retire takes over the Fetchers that s goes on to use, and closes the others when no
// call can wait for them any more.
func (g *Gate) retire(s, before *state) {
	var gone []*jwks.Fetcher
	for _, f := range before.made {
		if slices.ContainsFunc(s.issuers, func(i *issuerKeys) bool { return i.fetcher == f }) {
			s.made = append(s.made, f)
		} else {
			gone = append(gone, f)
		}
	}
	asking := before.asking
	g.closing.after(linger(&before.cfg.Keys), func() {
		_ = asking.Close()
		for _, f := range gone {
			_ = f.Close()
		}
	})
}

// fixed reports what a configuration would change that others have taken already.
func (cfg *Config) fixed(before *Config) error {
	var errs []error
	if cfg.Guard.Resource != before.Guard.Resource {
		errs = append(errs, errors.New("sallyport: Replace: Guard.Resource cannot be replaced: clients know the API by it, and routers have the path of its metadata. Open another Gate"))
	}
	if !slices.Equal(cfg.Guard.Exempt, before.Guard.Exempt) {
		errs = append(errs, errors.New("sallyport: Replace: Guard.Exempt cannot be replaced: tables were made with it. Open another Gate"))
	}
	return errors.Join(errs...)
}

// canList reports that a configuration leaves no issuer for a handler of metadata
// that names them.
func (g *Gate) canList(cfg *Config) error {
	if !g.listed.Load() {
		return nil
	}
	for i := range cfg.Verifier.Issuers {
		if isServer(cfg.Verifier.Issuers[i].Name) {
			return nil
		}
	}
	return errors.New("sallyport: Replace: a MetadataHandler names the issuers as authorization servers, and none would be left whose name is a URL: open another Gate")
}

// isServer reports whether the name of an issuer can be that of an authorization
// server in metadata: it is a URL, and no template, whose tenants have issuers of
// their own.
func isServer(name string) bool { return strings.Contains(name, "://") && !strings.Contains(name, "{") }

// servers are the authorization servers of a configuration.
func (s *state) servers() (names []string) {
	for _, i := range s.issuers {
		if isServer(i.name) {
			names = append(names, i.name)
		}
	}
	return names
}

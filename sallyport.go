// Package sallyport protects an API with OAuth 2.0 bearer JWTs: an issuer and
// an audience, and every call needs a good access token (RFC 6750, 9068).
//
//	gate, err := sallyport.New("https://issuer.example/", "api://orders")
//	if err != nil { ... }
//	defer gate.Close()
//	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(list))
//
// It answers 401 when the token is not good, 403 when it may not do this, and
// 503 when the issuer's keys could not be had and so nobody can tell.
package sallyport

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

// Config is the whole of a [Gate]. Only Providers is needed; the rest is for
// those who want to change something behind the door.
type Config struct {
	_ [0]func() // keyed literals only

	// Providers are the authorization servers to trust. At least one.
	Providers []providers.Provider

	// Keys is how keys are fetched, the same for all issuers. Issuer,
	// DiscoveryURL and JWKSURL are each provider's own and stay empty here.
	Keys jwks.FetcherConfig
	// Verifier is what is checked beyond what the providers say. Its Issuers
	// are trusted beside those of the Providers.
	Verifier verifier.Config
	// Guard is how requests are answered. Its Verifier stays empty here.
	Guard middleware.Config

	// Logger, MeterProvider and TracerProvider go to every part that has none
	// of its own. nil is silence.
	Logger         *slog.Logger
	MeterProvider  metric.MeterProvider
	TracerProvider trace.TracerProvider
}

// Gate is a Guard with everything behind it: keys that refresh themselves, a
// verifier, its cache. It is safe for concurrent use. Close it when done. The
// zero Gate refuses everything.
type Gate struct {
	*middleware.Guard

	verifier *verifier.Verifier
	fetchers []*jwks.Fetcher
}

// New protects an API with the tokens of one issuer. issuer is the iss claim,
// byte for byte; audience is the aud value that means this API. Nothing is
// fetched before the first call, or before [Gate.Ready].
func New(issuer, audience string) (*Gate, error) {
	return NewFrom(providers.Generic(issuer, audience))
}

// NewFrom protects an API with the tokens of these providers.
func NewFrom(from ...providers.Provider) (*Gate, error) {
	return Open(Config{Providers: from})
}

// Open protects an API as cfg says. Every mistake in cfg is reported at once.
func Open(cfg Config) (*Gate, error) {
	g := new(Gate)
	if err := errors.Join(cfg.misplaced(), cfg.trust(g), cfg.check(g), cfg.guard(g)); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// misplaced are settings that the Gate would have to ignore.
func (cfg *Config) misplaced() error {
	var problems []error
	if cfg.Keys.Issuer != "" || cfg.Keys.DiscoveryURL != "" || cfg.Keys.JWKSURL != "" {
		problems = append(problems, errors.New("sallyport: Keys names an issuer or an address: those are each provider's own, see providers.Source"))
	}
	if cfg.Guard.Verifier != nil {
		problems = append(problems, errors.New("sallyport: Guard has a Verifier: the Gate makes its own; for another one use middleware.New"))
	}
	return errors.Join(problems...)
}

// trust turns the providers into issuers, each with a fetcher of its own.
func (cfg *Config) trust(g *Gate) error {
	keys := cfg.Keys
	keys.MeterProvider = cmp.Or(keys.MeterProvider, cfg.MeterProvider)
	keys.TracerProvider = cmp.Or(keys.TracerProvider, cfg.TracerProvider)
	var problems []error
	cfg.Verifier.Issuers = slices.Clone(cfg.Verifier.Issuers)
	for _, p := range cfg.Providers {
		problems = append(problems, p.Err)
		for n := range p.Issuers {
			tokens := p.Issuers[n].Tokens
			if tokens.Keys == nil {
				f, err := fetcher(keys, p.Issuers[n].Source)
				if err != nil {
					problems = append(problems, err)
					tokens.Keys = new(jwks.Fetcher) // so that the verifier tells the issuer's other mistakes
				} else {
					g.fetchers = append(g.fetchers, f)
					tokens.Keys = f
				}
			}
			cfg.Verifier.Issuers = append(cfg.Verifier.Issuers, tokens)
		}
	}
	err := errors.Join(problems...)
	if err != nil && len(cfg.Verifier.Issuers) == 0 {
		cfg.Verifier.Issuers = []verifier.Issuer{standIn()}
	}
	return err
}

// standIn takes the place of issuers that have said what is wrong with them:
// the verifier would call them missing.
func standIn() verifier.Issuer {
	return verifier.Issuer{Name: "stand-in", Audiences: []string{"stand-in"}, Keys: new(jwks.Fetcher)}
}

// check makes the verifier.
func (cfg *Config) check(g *Gate) (err error) {
	g.verifier, err = verifier.New(cfg.Verifier)
	return err
}

// guard makes the Guard over the verifier. One that could not be made has said
// why; the Guard's own mistakes are reported all the same.
func (cfg *Config) guard(g *Gate) (err error) {
	cfg.Guard.Verifier = g.verifier
	if g.verifier == nil {
		cfg.Guard.Verifier = new(verifier.Verifier)
	}
	cfg.Guard.Logger = cmp.Or(cfg.Guard.Logger, cfg.Logger)
	cfg.Guard.MeterProvider = cmp.Or(cfg.Guard.MeterProvider, cfg.MeterProvider)
	g.Guard, err = middleware.New(cfg.Guard)
	return err
}

func fetcher(keys jwks.FetcherConfig, from providers.Source) (*jwks.Fetcher, error) {
	keys.Issuer, keys.DiscoveryURL, keys.JWKSURL = from.Issuer, from.DiscoveryURL, from.JWKSURL
	return jwks.NewFetcher(keys)
}

// Verify checks a token without a request, as the Guard does with one. An
// error is a [*verifier.Error].
func (g *Gate) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	return g.trusted().Verify(ctx, token)
}

// Explain says, check after check, what a token has and what was expected. The
// report holds claim values: it is for people, not for logs.
func (g *Gate) Explain(ctx context.Context, token string) verifier.Report {
	return g.trusted().Explain(ctx, token)
}

// trusted is the verifier; that of the zero Gate trusts nobody.
func (g *Gate) trusted() *verifier.Verifier {
	return cmp.Or(g.verifier, &nobody)
}

var nobody verifier.Verifier

// Ready waits until the keys of every issuer are there, for as long as ctx
// allows. Use it before a process reports that it is ready, or not at all: a
// Gate without keys answers 503 and fetches them by itself.
func (g *Gate) Ready(ctx context.Context) error {
	errs := make([]error, len(g.fetchers))
	var wg sync.WaitGroup
	for i, f := range g.fetchers {
		wg.Go(func() { errs[i] = f.Ready(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Keys is the state of every issuer's keys, for a status page or an alarm.
func (g *Gate) Keys() []jwks.Status {
	out := make([]jwks.Status, len(g.fetchers))
	for i, f := range g.fetchers {
		out[i] = f.Status()
	}
	return out
}

// Close ends the background refreshes. Requests that come later are answered
// with the keys that are there, for as long as those may be used.
func (g *Gate) Close() error {
	var errs []error
	for _, f := range g.fetchers {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

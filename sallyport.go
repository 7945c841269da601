// Package sallyport protects an API with OAuth 2.0 bearer JWTs: an issuer and
// an audience, and every call needs a good access token (RFC 6750, 9068).
//
//	gate, err := sallyport.New("https://issuer.example/", "api://orders")
//	if err != nil { ... }
//	defer gate.Close()
//	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(list))
//
// It answers 401 when the token is not good, 403 when it may not do this, and
// 503 when the issuer's keys are not available, so that the token could not be
// checked.
package sallyport

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

// Config is the configuration of a [Gate]. Only Providers or Resolve is required; the
// rest changes the parts behind it.
type Config struct {
	_ [0]func() // keyed literals only

	// Providers are the authorization servers to trust. At least one, unless there is
	// a Resolve.
	Providers []providers.Provider

	// Resolve finds an issuer that is not configured, by the iss of a token: for
	// tenants that come while the program runs, in a row of a database. Nothing
	// vouches for iss yet: it is a key to look up, and never an address to ask. Of
	// the Provider only what is for exactly that iss counts, and no template.
	//
	// [reason.UnknownIssuer] means that there is no such tenant: its tokens get 401.
	// After any other error, or no answer in time, the tokens of this issuer get
	// 503. Callers that come at once share a call, whose context is none of theirs; it
	// must heed it, and be safe for concurrent use. Close waits for it. See Resolving
	// for what it may cost, and docs/guide/new-tenants.md.
	//
	// [reason.UnknownIssuer]: https://pkg.go.dev/github.com/sallyport-go/sallyport/reason#UnknownIssuer
	Resolve func(ctx context.Context, iss string) (providers.Provider, error)
	// Resolving bounds what Resolve costs.
	Resolving Resolving

	// Keys is how keys are fetched, the same for all issuers. Issuer,
	// DiscoveryURL, JWKSURL and BearerFile are each provider's own and stay empty
	// here; a CAFile is for those providers that bring none.
	Keys jwks.FetcherConfig
	// Verifier is what is checked beyond what the providers say. Its Issuers
	// are trusted beside those of the Providers.
	Verifier verifier.Config
	// Introspection is how issuers are asked about opaque tokens, or about JWTs that
	// may have been revoked, each by its name: one of the Providers or of the
	// Verifier. Empty asks nobody.
	//
	// RFC 7662: https://www.rfc-editor.org/rfc/rfc7662
	Introspection []introspection.Config
	// Guard is how requests are answered. Its Verifier stays empty here.
	Guard middleware.Config

	// Profile makes issuers and Guard as strict as a standard. "" is none.
	Profile Profile

	// Logger, MeterProvider and TracerProvider are used by every part that has
	// none of its own. nil is no log, no metric, no trace. A TracerProvider also
	// sets Guard.SpanAttributes. See docs/guide/telemetry.md.
	Logger         *slog.Logger
	MeterProvider  metric.MeterProvider
	TracerProvider trace.TracerProvider

	// fromEnv is one more provider, whose settings are environment variables.
	fromEnv []providers.Provider
}

// Gate is a Guard with all that it needs: keys that refresh themselves, a
// verifier and its cache. It is safe for concurrent use, and changes by
// [Gate.Replace] alone. Close it when done. The zero Gate and a nil one refuse
// everything.
type Gate struct {
	*middleware.Guard

	now        atomic.Pointer[state] // the configuration in force
	turn       chan struct{}         // of Replace: one at a time
	distrusted distrusted
	closing    closing
	listed     atomic.Bool // a MetadataHandler names the issuers

	mu     sync.Mutex // held while a configuration takes the place of another
	next   *state     // what Replace loads
	closed bool
}

// New returns a Gate for the tokens of one issuer. issuer is the iss claim,
// byte for byte; audience is the aud value that means this API. Nothing is
// fetched before the first call, or before [Gate.Ready].
func New(issuer, audience string) (*Gate, error) {
	return NewFrom(providers.Generic(issuer, audience))
}

// NewFrom returns a Gate for the tokens of these providers.
func NewFrom(from ...providers.Provider) (*Gate, error) {
	return Open(Config{Providers: from})
}

// Open returns a Gate, or every mistake in cfg at once.
func Open(cfg Config) (*Gate, error) {
	cfg.inherit()
	fetches, err := cfg.compose(nil)
	if err != nil {
		return nil, err
	}
	g := &Gate{turn: make(chan struct{}, 1)}
	s, err := g.build(&cfg, fetches, nil)
	if err != nil {
		return nil, err
	}
	if g.Guard, err = middleware.New(cfg.Guard); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	g.now.Store(s)
	return g, nil
}

// inherit gives the parts what they have none of.
func (cfg *Config) inherit() {
	cfg.Keys.MeterProvider = cmp.Or(cfg.Keys.MeterProvider, cfg.MeterProvider)
	cfg.Keys.TracerProvider = cmp.Or(cfg.Keys.TracerProvider, cfg.TracerProvider)
	cfg.Guard.Logger = cmp.Or(cfg.Guard.Logger, cfg.Logger)
	cfg.Guard.MeterProvider = cmp.Or(cfg.Guard.MeterProvider, cfg.MeterProvider)
	cfg.Guard.SpanAttributes = cfg.Guard.SpanAttributes || cfg.TracerProvider != nil

	cfg.Introspection = slices.Clone(cfg.Introspection)
	for i := range cfg.Introspection {
		one := &cfg.Introspection[i]
		one.MeterProvider = cmp.Or(one.MeterProvider, cfg.MeterProvider)
	}
}

// fieldNames are what mistakes call the settings of a key configuration that a
// Config has in other places.
var fieldNames = setting.Names{
	"JWKSURL":              "WithJWKS",
	"DiscoveryURL":         "WithDiscovery",
	"DangerouslyPlainHTTP": "Keys.DangerouslyPlainHTTP",
}

// compose adds the issuers of the providers to those of the Verifier. It
// returns how keys are fetched, and every mistake in cfg. missing is why a
// provider is not there that should be.
func (cfg *Config) compose(missing error) ([]fetch, error) {
	fetches, err := cfg.addProviders()
	err = errors.Join(err, cfg.applyProfile())
	faulty := errors.Join(err, missing)
	if faulty != nil && len(fetches) == 0 {
		err = errors.Join(err, cfg.validateKeys())
	}
	return fetches, errors.Join(cfg.misplaced(), cfg.validateResolve(), err, cfg.validateVerifier(faulty), cfg.validateIntrospection(), cfg.Guard.Validate())
}

func (cfg *Config) validateIntrospection() error {
	var problems []error
	for i := range cfg.Introspection {
		problems = append(problems, cfg.Introspection[i].Validate())
	}
	return errors.Join(problems...)
}

// misplaced reports settings that the Gate would have to ignore.
func (cfg *Config) misplaced() error {
	var problems []error
	if cfg.Keys.Issuer != "" || cfg.Keys.DiscoveryURL != "" || cfg.Keys.JWKSURL != "" {
		problems = append(problems, errors.New("sallyport: Keys names an issuer or an address: those are each provider's own, see providers.Source"))
	}
	if cfg.Keys.BearerFile != "" {
		problems = append(problems, errors.New("sallyport: Keys has a BearerFile, which would be sent to the servers of all issuers: give it to the provider whose server asks for it, by WithBearerFile"))
	}
	if cfg.Guard.Verifier != nil {
		problems = append(problems, errors.New("sallyport: Guard has a Verifier: the Gate makes its own; for another one use middleware.New"))
	}
	return errors.Join(problems...)
}

// fetch is how the keys of one of Verifier.Issuers are fetched.
type fetch struct {
	issuer int // its index
	keys   jwks.FetcherConfig
}

// addProviders adds the issuers of the providers to those of the Verifier. It
// returns how the keys of those are fetched that have none of their own, and
// every mistake in that.
func (cfg *Config) addProviders() (fetches []fetch, err error) {
	var problems []error
	cfg.Verifier.Issuers = slices.Clone(cfg.Verifier.Issuers)
	for n, p := range slices.Concat(cfg.Providers, cfg.fromEnv) {
		problems = append(problems, p.Err)
		for i := range p.Issuers {
			tokens, source := p.Issuers[i].Tokens, p.Issuers[i].Source
			if tokens.Keys == nil {
				keys := cfg.Keys
				keys.Issuer, keys.DiscoveryURL, keys.JWKSURL = source.Issuer, source.DiscoveryURL, source.JWKSURL
				keys.CAFile, keys.BearerFile = cmp.Or(source.CAFile, keys.CAFile), source.BearerFile
				if n >= len(cfg.Providers) {
					setting.NameFetches(&keys, variableNames())
				}
				setting.NameFetches(&keys, fieldNames)
				keys.Label = cmp.Or(keys.Label, tokens.Name) // as the metrics of requests have it
				problems = append(problems, setting.Rename(keys.Validate(), "sallyport: ", fieldNames))
				fetches = append(fetches, fetch{len(cfg.Verifier.Issuers), keys})
			}
			cfg.Verifier.Issuers = append(cfg.Verifier.Issuers, tokens)
		}
	}
	return fetches, errors.Join(problems...)
}

// standIn is an issuer without a mistake, in place of those of faulty providers:
// that there is none then is no mistake of its own.
const standIn = "https://issuer.invalid"

// validateVerifier returns the mistakes of the Verifier.
func (cfg *Config) validateVerifier(faulty error) error {
	v := cfg.Verifier
	if faulty != nil && len(v.Issuers) == 0 {
		v.Issuers = []verifier.Issuer{{Name: standIn, Audiences: []string{standIn}}}
	}
	if cfg.Resolve != nil && v.Lookup == nil {
		v.Lookup = lookup(nil)
	}
	return v.Validate()
}

// validateKeys returns the mistakes of Keys where no provider is there to be
// asked for keys.
func (cfg *Config) validateKeys() error {
	keys := cfg.Keys
	keys.Issuer, keys.DiscoveryURL, keys.JWKSURL = standIn, "", ""
	return setting.Rename(keys.Validate(), "sallyport: ", fieldNames)
}

// Verify verifies a token without a request, as the Guard does with one, but
// for a token that is bound to its sender by a cnf claim: that is refused, for
// there is no request to check it by. An error is a [*verifier.Error].
func (g *Gate) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	return g.state().tokens().Verify(ctx, token)
}

// Explain reports, check after check, what a token has and what was expected.
// Its result is that of Verify. The report holds claim values: it is for
// people, not for logs.
func (g *Gate) Explain(ctx context.Context, token string) verifier.Report {
	return g.state().tokens().Explain(ctx, token)
}

// ExplainRule is [Gate.Explain] for a route: its rule is the last check. The
// hint says what a good token lacks for it, and where its issuer grants that.
func (g *Gate) ExplainRule(ctx context.Context, token string, rule claims.Rule) verifier.Report {
	return g.state().tokens().ExplainRule(ctx, token, rule)
}

// tokens returns what verifies and explains tokens.
func (s *state) tokens() interface {
	Verify(ctx context.Context, token string) (*claims.Claims, error)
	Explain(ctx context.Context, token string) verifier.Report
	ExplainRule(ctx context.Context, token string, rule claims.Rule) verifier.Report
} {
	if s.asking != nil {
		return s.asking
	}
	return s.verifier
}

// ExplainBound is [Gate.ExplainRule] for a token whose cnf claim is checked apart,
// for instance by the Explain method of a Binding of package middleware/dpop.
func (g *Gate) ExplainBound(ctx context.Context, token string, rule claims.Rule) verifier.Report {
	return g.state().verifier.ExplainBound(ctx, token, rule)
}

// Ready waits until the keys of every configured issuer are fetched, for as long as
// ctx allows. For a probe, which must not wait, there is [Gate.Readiness]. A program
// need not call either: a Gate without keys answers 503 and fetches them by
// itself.
func (g *Gate) Ready(ctx context.Context) error {
	s := g.state()
	if s == &refusing {
		return errNotOpened
	}
	fetchers := s.allFetchers()
	errs := make([]error, len(fetchers))
	var wg sync.WaitGroup
	for i, f := range fetchers {
		wg.Go(func() { errs[i] = f.Ready(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Keys returns the state of every configured issuer's keys that are fetched, for a
// status page or an alarm. It starts no fetch: before the first call their Started is
// false.
func (g *Gate) Keys() []jwks.Status {
	fetchers := g.state().allFetchers()
	out := make([]jwks.Status, len(fetchers))
	for i, f := range fetchers {
		out[i] = f.Status()
	}
	return out
}

// allFetchers returns the Fetchers of all issuers, also those that were given, in
// the order of the issuers. Several issuers may share one.
func (s *state) allFetchers() []*jwks.Fetcher {
	var all []*jwks.Fetcher
	for _, i := range s.issuers {
		if f, ok := i.keys.(*jwks.Fetcher); ok && !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// Close ends the background refreshes, the questions to issuers, the calls of Resolve
// and what metrics read. Later requests are answered with the keys that were fetched,
// for as long as those may be used; nobody is asked any more, and tokens of issuers
// that Resolve found get 503.
func (g *Gate) Close() error {
	g = g.orZero()
	g.mu.Lock()
	g.closed = true
	s, next := g.state(), g.next
	g.mu.Unlock()
	err := s.discard()
	if next != nil {
		err = errors.Join(err, next.discard())
	}
	if s.tenants != nil {
		s.tenants.Close()
	}
	g.closing.all()
	return err
}

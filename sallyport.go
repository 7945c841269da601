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
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/directory"
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
	// for what it may cost, and docs/guide/tenants.md.
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
// verifier and its cache. It is safe for concurrent use. Close it when done.
// The zero Gate and a nil one refuse everything.
type Gate struct {
	*middleware.Guard

	verifier *verifier.Verifier
	asking   *introspection.Verifier // nil: nobody is asked
	fetchers []*jwks.Fetcher         // which the Gate owns
	issuers  []issuerKeys            // of every issuer, those of the fetchers too
	watching metric.Registration

	tenants    *tenants // that come at run time; nil: none do
	distrusted distrusted
	closing    closing
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
	fetches, err := cfg.compose(nil)
	if err != nil {
		return nil, err
	}
	g := new(Gate)
	if err := g.open(cfg, fetches); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
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

// open makes the parts of a Gate, from the keys outwards.
func (g *Gate) open(cfg Config, fetches []fetch) (err error) {
	for i := range fetches {
		from := &fetches[i]
		f, err := jwks.NewFetcher(from.keys)
		if err != nil {
			return err
		}
		g.fetchers = append(g.fetchers, f)
		cfg.Verifier.Issuers[from.issuer].Keys = f
	}
	if cfg.Resolve != nil {
		g.tenants = directory.New(g.directory(&cfg))
		cfg.Verifier.Lookup = lookup(g.tenants)
	}
	if g.verifier, err = verifier.New(cfg.Verifier); err != nil {
		return err
	}
	for i := range cfg.Verifier.Issuers {
		g.issuers = append(g.issuers, issuerKeys{cfg.Verifier.Issuers[i].Name, cfg.Verifier.Issuers[i].Keys})
	}
	cfg.Guard.Verifier = g.verifier
	if len(cfg.Introspection) > 0 {
		if g.asking, err = introspection.New(g.verifier, cfg.Introspection...); err != nil {
			return err
		}
		cfg.Guard.Verifier = g.asking
	}
	if g.Guard, err = middleware.New(cfg.Guard); err != nil {
		return err
	}
	return g.watchCache(cfg.MeterProvider)
}

// Verify verifies a token without a request, as the Guard does with one, but
// for a token that is bound to its sender by a cnf claim: that is refused, for
// there is no request to check it by. An error is a [*verifier.Error].
func (g *Gate) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	return g.orZero().tokens().Verify(ctx, token)
}

// Explain reports, check after check, what a token has and what was expected.
// Its result is that of Verify. The report holds claim values: it is for
// people, not for logs.
func (g *Gate) Explain(ctx context.Context, token string) verifier.Report {
	return g.orZero().tokens().Explain(ctx, token)
}

// ExplainRule is [Gate.Explain] for a route: its rule is the last check. The
// hint says what a good token lacks for it, and where its issuer grants that.
func (g *Gate) ExplainRule(ctx context.Context, token string, rule claims.Rule) verifier.Report {
	return g.orZero().tokens().ExplainRule(ctx, token, rule)
}

// tokens returns what verifies and explains tokens.
func (g *Gate) tokens() interface {
	Verify(ctx context.Context, token string) (*claims.Claims, error)
	Explain(ctx context.Context, token string) verifier.Report
	ExplainRule(ctx context.Context, token string, rule claims.Rule) verifier.Report
} {
	if g.asking != nil {
		return g.asking
	}
	return g.verifier
}

// ExplainBound is [Gate.ExplainRule] for a token whose cnf claim is checked apart,
// for instance by the Explain method of a Binding of package middleware/dpop.
func (g *Gate) ExplainBound(ctx context.Context, token string, rule claims.Rule) verifier.Report {
	return g.orZero().verifier.ExplainBound(ctx, token, rule)
}

// Ready waits until the keys of every issuer are fetched, for as long as ctx
// allows. For a probe, which must not wait, there is [Gate.Readiness]. A program
// need not call either: a Gate without keys answers 503 and fetches them by
// itself.
func (g *Gate) Ready(ctx context.Context) error {
	g = g.orZero()
	if g == &zeroGate {
		return errNotOpened
	}
	fetchers := g.allFetchers()
	errs := make([]error, len(fetchers))
	var wg sync.WaitGroup
	for i, f := range fetchers {
		wg.Go(func() { errs[i] = f.Ready(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Keys returns the state of every issuer's keys that are fetched, for a status
// page or an alarm. It starts no fetch: before the first call their Started is
// false.
func (g *Gate) Keys() []jwks.Status {
	g = g.orZero()
	fetchers := g.allFetchers()
	out := make([]jwks.Status, len(fetchers))
	for i, f := range fetchers {
		out[i] = f.Status()
	}
	return out
}

// allFetchers returns the Fetchers of all issuers, also those that were given, in
// the order of the issuers. Several issuers may share one.
func (g *Gate) allFetchers() []*jwks.Fetcher {
	var all []*jwks.Fetcher
	for _, i := range g.issuers {
		if f, ok := i.keys.(*jwks.Fetcher); ok && !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// Distrust refuses an issuer's key from now on, whatever the issuer says, and
// every token that it signed, also those that were verified before: for a key
// that is known to have leaked. issuer is the name as configured, of a template
// with its placeholder; an issuer's v1.0 and v2.0 tokens are two issuers. It lasts
// as long as this Gate: call it in every instance, and open another Gate to trust
// the key again. See [jwks.Fetcher.Distrust].
//
// An issuer that [Config.Resolve] finds is named as there, before it is found or after.
//
// It fails, and changes nothing, if there is no such issuer, if kid is "", or if
// the issuer's keys were given and not fetched: then leave the key out of those
// and open another Gate.
func (g *Gate) Distrust(issuer, kid string) error {
	g = g.orZero()
	issuers := g.issuers
	i := slices.IndexFunc(issuers, func(i issuerKeys) bool { return i.name == issuer })
	switch {
	case i < 0 && g.tenants != nil && kid != "":
		return g.distrustTenant(issuer, kid)
	case i < 0:
		return fmt.Errorf("sallyport: Distrust: issuer %.200q is not configured: give its name as in the configuration", issuer)
	}
	f, fetched := issuers[i].keys.(*jwks.Fetcher)
	switch {
	case kid == "":
		return errors.New("sallyport: Distrust: no kid is given: keys without one cannot be told apart")
	case !fetched:
		return fmt.Errorf("sallyport: Distrust: the keys of issuer %.200q were given, not fetched: open another Gate without the key", issuer)
	}
	g.distrusted.add(issuer, kid)
	f.Distrust(kid)
	return nil
}

// distrustTenant is Distrust for an issuer that came at run time, or may come.
func (g *Gate) distrustTenant(issuer, kid string) error {
	g.distrusted.add(issuer, kid) // first: it may be resolved right now
	t, ok := g.tenants.Peek(issuer)
	switch {
	case !ok:
		g.tenants.Forget(issuer) // a call that began before does not know it
		return nil
	case t.fetcher == nil:
		return fmt.Errorf("sallyport: Distrust: the keys of issuer %.200q were given, not fetched: have Resolve leave the key out, and call Forget", issuer)
	}
	t.fetcher.Distrust(kid)
	return nil
}

// Close ends the background refreshes, the questions to issuers and what metrics
// read. Later requests are answered with the keys that were fetched, for as long as
// those may be used; nobody is asked any more.
func (g *Gate) Close() error {
	g = g.orZero()
	g.unwatch()
	errs := []error{g.asking.Close()}
	if g.tenants != nil {
		g.tenants.Close()
	}
	g.closing.all()
	for _, f := range g.fetchers {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

package sallyport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/sallyport-go/sallyport/internal/directory"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Resolving bounds what [Config.Resolve] costs and how long its answers hold. Zero
// values are the defaults; negative ones are mistakes.
type Resolving struct {
	_ [0]func() // keyed literals only

	// MaxIssuers is how many resolved issuers are kept at a time. With more, the one
	// goes whose tokens were not seen for longest. Default 10 000.
	MaxIssuers int
	// MaxIdle is how long an issuer without a good token is kept, with its keys.
	// Default 1 h.
	MaxIdle time.Duration
	// GoodFor is how long an answer holds: a change of a row, and its removal, takes
	// effect within it. In its last quarter a token has Resolve asked again,
	// meanwhile; after it tokens wait for the answer. An answer that is equal to the
	// one before keeps the issuer's keys and verified tokens. Default 5 min.
	GoodFor time.Duration
	// UnknownFor is how long it is remembered that an issuer is not known. Default
	// 1 min. A tenant that signs up is known at once after [Gate.Forget].
	UnknownFor time.Duration
	// FailedFor is how long Resolve is not asked again about an issuer after an
	// error. Its tokens get 503 meanwhile, unless an answer still holds. Default 5 s.
	FailedFor time.Duration
	// Timeout bounds one call of Resolve. Default 5 s.
	Timeout time.Duration
	// Burst is how many calls for issuers that are not kept may bring none, one after
	// another; one more may each Every. When they are used up tokens of issuers that
	// are not kept get 503, and all others go on. It is also how many calls run at a
	// time, for issuers that are not kept and as many for those that are. Default
	// 100, and one more each 100 ms.
	Burst int
	Every time.Duration
	// DangerouslyPrivateNetworks lets keys be fetched from loopback, link-local and
	// private addresses, and by a proxy. Without it
	// [jwks.FetcherConfig.PublicNetworksOnly] holds: what a tenant enters as an
	// address must not lead into the network that this program is in.
	DangerouslyPrivateNetworks bool
}

// limits returns the bounds with their defaults.
func (r *Resolving) limits() directory.Limits {
	return directory.Limits{
		MaxEntries: cmp.Or(r.MaxIssuers, 10_000),
		MaxIdle:    cmp.Or(r.MaxIdle, time.Hour),
		GoodFor:    cmp.Or(r.GoodFor, 5*time.Minute),
		UnknownFor: cmp.Or(r.UnknownFor, time.Minute),
		FailedFor:  cmp.Or(r.FailedFor, 5*time.Second),
		Timeout:    cmp.Or(r.Timeout, 5*time.Second),
		Burst:      cmp.Or(r.Burst, 100),
		Every:      cmp.Or(r.Every, 100*time.Millisecond),
	}
}

// validateResolve returns the mistakes of Resolve and of its bounds.
func (cfg *Config) validateResolve() error {
	var problems []error
	say := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("sallyport: "+format, args...))
	}
	is, none := cfg.Resolving, Resolving{}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"MaxIssuers", int64(is.MaxIssuers)},
		{"MaxIdle", int64(is.MaxIdle)},
		{"GoodFor", int64(is.GoodFor)},
		{"UnknownFor", int64(is.UnknownFor)},
		{"FailedFor", int64(is.FailedFor)},
		{"Timeout", int64(is.Timeout)},
		{"Burst", int64(is.Burst)},
		{"Every", int64(is.Every)},
	} {
		if n.value < 0 {
			say("Resolving.%s is negative: 0 is the default", n.name)
		}
	}
	switch {
	case cfg.Resolve == nil && !reflect.DeepEqual(is, none):
		say("Resolving is set without Resolve, whose bounds it has")
	case cfg.Resolve != nil && cfg.Verifier.Lookup != nil:
		say("Verifier has a Lookup beside Resolve: the Gate makes its own of Resolve, leave one out")
	case cfg.Resolve != nil:
		keys := cfg.tenantKeys()
		keys.Issuer, keys.DiscoveryURL, keys.JWKSURL = standIn, "", ""
		if err := keys.Validate(); err != nil {
			problems = append(problems, setting.Rename(err, "sallyport: Resolve: ", fieldNames))
		}
	}
	return errors.Join(problems...)
}

// sharedLabel is what metrics call all issuers that come at run time: there is no
// bound to their number. Package middleware calls them the same.
const sharedLabel = "other"

// tenantKeys returns how the keys of issuers are fetched that come at run time.
func (cfg *Config) tenantKeys() jwks.FetcherConfig {
	keys := cfg.Keys
	keys.Label = sharedLabel
	keys.PublicNetworksOnly = keys.PublicNetworksOnly || !cfg.Resolving.DangerouslyPrivateNetworks
	return keys
}

// tenant is an issuer that came at run time.
type tenant struct {
	known   verifier.Known
	fetcher *jwks.Fetcher // nil if its keys were given
	policy  policy
}

// tenants are those of a Gate.
type tenants = directory.Directory[*tenant]

// lookup returns what the verifier asks for issuers that are not configured.
func lookup(all *tenants) func(context.Context, string) (verifier.Known, error) {
	return func(ctx context.Context, iss string) (verifier.Known, error) {
		if t, ok := all.Known(iss); ok {
			return t.known, nil
		}
		if setting.Flaw(iss) != "" { // no issuer can be configured by that name
			return verifier.Known{}, reason.UnknownIssuer
		}
		t, err := all.Find(ctx, iss)
		if err == nil {
			return t.known, nil
		}
		if u, ok := errors.AsType[*directory.UnavailableError](err); ok {
			return verifier.Known{}, &jwks.UnavailableError{RetryAfter: u.RetryAfter, Err: fmt.Errorf("sallyport: Resolve: %w", u.Err)}
		}
		if errors.Is(err, directory.ErrUnknown) {
			return verifier.Known{}, reason.UnknownIssuer
		}
		return verifier.Known{}, err
	}
}

// errConfigured is for a call that began before its issuer was configured. To answer
// it would renew what was verified by its row.
var errConfigured = errors.New("the issuer is configured since")

// directory returns how issuers are found that come at run time.
func (g *Gate) directory(s *state) directory.Config[*tenant] {
	cfg := s.cfg
	wait := linger(&cfg.Keys)
	return directory.Config[*tenant]{
		Limits: cfg.Resolving.limits(),
		Find: func(ctx context.Context, iss string, old *tenant, lease *directory.Lease) (*tenant, error) {
			if s.verifier.Configures(iss) {
				return nil, errConfigured
			}
			p, err := cfg.Resolve(ctx, iss)
			if err != nil {
				return nil, err
			}
			return g.tenant(cfg, p, iss, old, lease)
		},
		Count:     s.count,
		IsUnknown: func(err error) bool { return errors.Is(err, reason.UnknownIssuer) },
		Close: func(t *tenant, inUse bool) {
			switch {
			case t.fetcher == nil:
			case inUse:
				g.closing.after(wait, func() { _ = t.fetcher.Close() })
			default:
				_ = t.fetcher.Close()
			}
		},
	}
}

// tenant returns the issuer of that name as Resolve describes it: the old one, if
// nothing has changed.
func (g *Gate) tenant(cfg *Config, p providers.Provider, iss string, old *tenant, lease *directory.Lease) (*tenant, error) {
	tokens, keys, err := cfg.issuerOf(p, iss)
	if err != nil {
		return nil, err
	}
	t := &tenant{policy: policyFor(tokens, keys)}
	if old != nil && old.policy.equal(&t.policy) {
		return old, nil
	}
	if keys != nil {
		if t.fetcher, err = jwks.NewFetcher(*keys); err != nil {
			return nil, err
		}
		tokens.Keys = t.fetcher
	}
	t.known, err = tokens.Compile(lease.Use)
	if err == nil {
		err = g.distrusted.apply(iss, tokens.Keys)
	}
	if err != nil && t.fetcher != nil {
		_ = t.fetcher.Close()
	}
	return t, err
}

// issuerOf returns how the tokens of an issuer that came at run time are judged, and
// how its keys are fetched, nil if they were given. Of an answer only what is for
// exactly that name counts.
func (cfg *Config) issuerOf(p providers.Provider, iss string) (tokens verifier.Issuer, keys *jwks.FetcherConfig, err error) {
	only := providers.Provider{Err: p.Err}
	for i := range p.Issuers {
		if p.Issuers[i].Tokens.Name == iss {
			only.Issuers = append(only.Issuers, p.Issuers[i])
		}
	}
	if p.Err == nil && len(only.Issuers) != 1 {
		return tokens, nil, errors.New("the Provider is not for the issuer that was asked for: one of its Issuers must have exactly that name, as Tokens.Name")
	}
	one := Config{Providers: []providers.Provider{only}, Keys: cfg.tenantKeys(), Guard: cfg.Guard, Profile: cfg.Profile}
	fetches, err := one.addProviders()
	if err := errors.Join(err, one.applyProfile()); err != nil {
		return tokens, nil, err
	}
	if len(fetches) > 0 {
		keys = &fetches[0].keys
	}
	return one.Verifier.Issuers[0], keys, nil
}

// Forget drops what is known of an issuer that [Config.Resolve] was asked about: its
// policy, its keys and its verified tokens, or that it is not known. The next token
// that names it has Resolve asked. Call it in every instance when a tenant changes,
// signs up or leaves; without it that takes effect within [Resolving].GoodFor, or
// UnknownFor. Issuers that are configured are not touched.
func (g *Gate) Forget(iss string) {
	if all := g.state().tenants; all != nil {
		all.Forget(iss)
	}
}

package verifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
)

// The documented values of a [Config].
const (
	defaultLeeway        = 30 * time.Second
	maxLeeway            = 5 * time.Minute
	defaultMaxTokenBytes = 8 << 10
	defaultCacheBytes    = 32 << 20
)

// The settings that mistakes name.
const (
	nameName      setting.Name = "Name"
	nameAudiences setting.Name = "Audiences"
	nameClients   setting.Name = "Clients"
	nameTenants   setting.Name = "Tenants"
	nameLeeway    setting.Name = "Leeway"
)

// Config is the configuration of a [Verifier]. It is copied by [New]. The zero
// value is refused, because it names no issuer to trust.
type Config struct {
	_ [0]func() // keyed literals only

	// Issuers are the authorization servers whose tokens are accepted. At
	// least one, unless there is a Lookup.
	Issuers []Issuer

	// Lookup finds the issuer of a token whose iss is none of Issuers. iss is what
	// the token says, and nothing vouches for it yet: it is a key to look up, never
	// an address, and no longer than 512 bytes. The issuer has exactly that name. An
	// error with [reason.UnknownIssuer] in its chain refuses the token by that;
	// any other is keys_unavailable, with the RetryAfter of a
	// *jwks.UnavailableError. It is asked for each token that was not seen before,
	// so it must bound what strangers can make it do; sallyport.Config.Resolve does.
	//
	// [reason.UnknownIssuer]: https://pkg.go.dev/github.com/sallyport-go/sallyport/reason#UnknownIssuer
	Lookup func(ctx context.Context, iss string) (Known, error)

	// Leeway is granted to clocks that differ, on exp, nbf, iat and MaxAge.
	// 0 is 30 s, negative is none, more than 5 min is an error.
	Leeway time.Duration

	// MaxAge is how long ago a token may have been issued, whatever its exp. 0 is
	// no bound.
	MaxAge time.Duration

	// MaxTokenBytes bounds the length of a token. 0 is 8 KiB (8192 bytes).
	MaxTokenBytes int

	// CacheBytes bounds the memory of the verified-token cache. 0 is 32 MiB,
	// negative is no cache. The cache never changes an answer: what time, the
	// keys, a validator or a revocation can change is checked on every call.
	// Beside it, and without it too, a Verifier keeps up to 256 decoded headers
	// of verified tokens.
	CacheBytes int64

	// Validators are checks of your own. They get the claims of a token that
	// passed all other checks, on every call. An error refuses the token, with
	// the [reason.Code] in its chain or else with reason denied; its text goes to
	// logs, so it must not hold claim values. An error after ctx has ended is
	// reason canceled. A Validator must be safe for concurrent use and fast.
	//
	// [reason.Code]: https://pkg.go.dev/github.com/sallyport-go/sallyport/reason#Code
	Validators []Validator

	// Revoked reports whether a good token has been withdrawn, on every call. An
	// error refuses the call with reason revocation_unavailable: fail closed.
	Revoked func(ctx context.Context, c *claims.Claims) (bool, error)

	// Now is the clock that token times are judged by. nil is time.Now.
	Now func() time.Time
}

// Issuer is what is expected of the tokens of one authorization server.
type Issuer struct {
	_ [0]func() // keyed literals only

	// Name is the iss claim, compared byte for byte: a trailing slash counts
	// (RFC 9068 section 4). With {tenantid} in it, it is a template for many
	// tenants that share one key set; {tenantid} is the place of their GUID.
	Name string

	// Tenants are the tenant GUIDs that a template accepts.
	Tenants []string
	// DangerouslyAnyTenant makes a template accept every tenant there is, and
	// anyone can make a tenant.
	DangerouslyAnyTenant bool
	// KeyIssuer is the template that the signing JWK's own issuer member must
	// fit, for templates. "" is Name.
	KeyIssuer string

	// Audiences are the aud values that mean this API; one must match
	// (RFC 7519 section 4.1.3).
	Audiences []string
	// NoAudience accepts tokens without an audience by other evidence, for
	// issuers that know none: where aud is absent, null or an empty array. The
	// zero value accepts none.
	NoAudience AudienceBinding

	// Keys are the issuer's keys. The Verifier does not close them.
	Keys jwks.KeySet

	// Algorithms are the alg values accepted. nil is RS256, PS256, ES256 and
	// EdDSA, for which Ed25519 is another name. HMAC algorithms need an explicit
	// entry and an explicit secret. A key verifies one algorithm: an RSA key that
	// declares no alg verifies the first RSA algorithm of the list and no other
	// (RFC 8725 section 3.1).
	Algorithms []string

	// Types are the typ header values accepted. They are media types: case does
	// not count, and application/ may be left out (RFC 7515 section 4.1.9). ""
	// is no typ, and one that is empty. nil is at+jwt, JWT and no typ.
	Types []string

	// Markers tell access tokens from the issuer's other tokens. nil refuses
	// what is marked as an ID token, a refresh token or a security event: a typ
	// claim ID, Refresh, Offline or Logout, a token_use of id, and at_hash,
	// c_hash or events (RFC 8725 section 3.12).
	Markers []Marker

	// Required are claims that must be there besides iss, exp and aud.
	Required []string

	// Clients are the client ids accepted. Empty accepts every client.
	Clients []string

	// Limits narrow whose tokens are accepted by other claims than the client.
	// All of them must hold. Empty accepts everyone that the issuer knows.
	Limits []Limit

	// Claims names the claims that hold scopes, roles, permissions and the
	// client id. Each list that is nil is that of [claims.DefaultMapping].
	Claims claims.Mapping

	// Hints are sentences for the [Report] on a token that was refused, by what
	// is typical of the mistake: "iss:VALUE" of an unknown issuer, "aud:VALUE"
	// of a wrong audience, "header:NAME" of a header member under a bad
	// signature. A VALUE that ends in * is the beginning of one, {guid} is any
	// GUID, and aud:{issuer} the issuer itself; the most exact counts. "typ:VALUE" is of a typ that is not among
	// Types ("typ:" of none), "claim:NAME" of a claim that is missing or marks another kind of
	// token, and "claim:aud" of one for other APIs too, "token:opaque" of a token that is no JWT. "lacks:scope", "lacks:role",
	// "lacks:permission" and "lacks:level" say where this issuer grants what a
	// good token lacks for a rule. They decide nothing.
	Hints map[string]string
}

// Validator is a check of your own. It must be safe for concurrent use. An
// error refuses the token; see [Config.Validators].
type Validator func(ctx context.Context, c *claims.Claims) error

// AudienceBinding is what a token without an audience must have instead: its
// client is one of Clients, and one of its scopes begins with ScopePrefix.
type AudienceBinding struct {
	_ [0]func() // keyed literals only

	// Clients are the client ids accepted. At least one: a scope alone does not
	// say whose token this is.
	Clients []string
	// ScopePrefix is what a scope of this API begins with. "" asks for no scope:
	// then every token of these clients is for this API, so that they must use no
	// other API of the issuer. For Amazon Cognito add the [Marker] {Claim:
	// "token_use", Is: []string{"access"}}.
	ScopePrefix string
}

func (b AudienceBinding) isZero() bool { return len(b.Clients) == 0 && b.ScopePrefix == "" }

// Marker is a claim that tells the kind of a token. With Is, the claim
// must be one of these strings; with Not, it must not be; with neither, it must
// not be there at all.
type Marker struct {
	_ [0]func() // keyed literals only

	Claim string
	Is    []string
	Not   []string
}

// RFC9068 returns the issuer held to the JWT profile for access tokens: typ is
// at+jwt, and all claims that RFC 9068 section 2.2 requires are there.
func (cfg Issuer) RFC9068() Issuer {
	cfg.Types = []string{"at+jwt"}
	cfg.Required = append([]string{"sub", "client_id", "iat", "jti"}, cfg.Required...)
	return cfg
}

func defaultAlgorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

func defaultTypes() []string { return []string{"at+jwt", "JWT", ""} }

func defaultMarkers() []Marker {
	return []Marker{
		{Claim: "typ", Not: []string{"ID", "Refresh", "Offline", "Logout"}},
		{Claim: "token_use", Not: []string{"id"}},
		{Claim: "at_hash"}, // OpenID Connect Core 1.0 section 3.1.3.6: ID tokens only
		{Claim: "c_hash"},  // OpenID Connect Core 1.0 section 3.3.2.11: ID tokens only
		{Claim: "events"},  // RFC 8417 section 2.2: security event tokens
	}
}

// New returns the Verifier of cfg, or every mistake in cfg at once.
func New(cfg Config) (*Verifier, error) {
	problems := []error{cfg.Validate()}
	for n := range cfg.Issuers {
		if i := &cfg.Issuers[n]; isNil(i.Keys) {
			problems = append(problems, issuerMistake(n, i, errNoKeys))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	cache, err := newCache(cfg.CacheBytes)
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		issuers:       make(map[string]*issuer, len(cfg.Issuers)),
		hints:         map[string]string{},
		leeway:        duration(cfg.Leeway, defaultLeeway),
		maxAge:        cfg.MaxAge,
		maxTokenBytes: cmp.Or(cfg.MaxTokenBytes, defaultMaxTokenBytes),
		validators:    slices.Clone(cfg.Validators),
		revoked:       cfg.Revoked,
		now:           cfg.Now,
		lookup:        cfg.Lookup,
		headers:       new(headers),
		cache:         cache,
	}
	v.tooLarge = fmt.Sprintf("more than %d bytes: raise MaxTokenBytes if such tokens are meant to pass", v.maxTokenBytes)
	for n := range cfg.Issuers {
		i := cfg.Issuers[n].compile()
		v.names = append(v.names, i.name)
		if i.isTemplate() {
			v.templates = append(v.templates, i)
		} else {
			v.issuers[i.name] = i
		}
		maps.Copy(v.hints, cfg.Issuers[n].Hints)
	}
	return v, nil
}

// Validate reports every mistake in cfg at once. It does not report an issuer
// without Keys, which may be filled in later: [New] does.
func (cfg Config) Validate() error {
	var problems []error
	if len(cfg.Issuers) == 0 && cfg.Lookup == nil {
		problems = append(problems, errors.New("verifier: no Issuers: name at least one authorization server to trust"))
	}
	if cfg.Leeway > maxLeeway {
		problems = append(problems, fmt.Errorf("verifier: %w", setting.Errorf("%s %v is more than %v: fix the clocks instead", nameLeeway, cfg.Leeway, maxLeeway)))
	}
	if cfg.MaxAge < 0 {
		problems = append(problems, fmt.Errorf("verifier: MaxAge %v is negative: 0 is no bound", cfg.MaxAge))
	}
	if cfg.MaxTokenBytes < 0 {
		problems = append(problems, fmt.Errorf("verifier: MaxTokenBytes %d is negative: 0 is %d", cfg.MaxTokenBytes, defaultMaxTokenBytes))
	}
	for i, f := range cfg.Validators {
		if f == nil {
			problems = append(problems, fmt.Errorf("verifier: Validators[%d] is nil", i))
		}
	}
	seen := make(map[string]bool)
	for n := range cfg.Issuers {
		i := &cfg.Issuers[n]
		mistakes := slices.Concat(i.validateName(), i.validateAudience(), i.validateLists())
		if i.Name != "" && seen[i.Name] {
			mistakes = append(mistakes, errors.New("the same Name twice: put all audiences and tenants into one Issuer"))
		}
		seen[i.Name] = true
		if err := errors.Join(mistakes...); err != nil {
			problems = append(problems, issuerMistake(n, i, err))
		}
	}
	return errors.Join(problems...)
}

func issuerMistake(n int, i *Issuer, err error) error {
	return fmt.Errorf("verifier: Issuers[%d] %q: %w", n, i.Name, err)
}

func (cfg *Issuer) compile() *issuer {
	i := &issuer{
		name:       cfg.Name,
		anyTenant:  cfg.DangerouslyAnyTenant,
		keys:       cfg.Keys,
		algorithms: orDefault(cfg.Algorithms, defaultAlgorithms),
		types:      mediaTypes(orDefault(cfg.Types, defaultTypes)),
		emptyType:  slices.Contains(cfg.Types, ""),
		audiences:  slices.Clone(cfg.Audiences),
		noAudience: AudienceBinding{Clients: slices.Clone(cfg.NoAudience.Clients), ScopePrefix: cfg.NoAudience.ScopePrefix},
		markers:    orDefault(cfg.Markers, defaultMarkers),
		required:   slices.Clone(cfg.Required),
		clients:    slices.Clone(cfg.Clients),
		limits:     cloneLimits(cfg.Limits),
		mapping:    cfg.Claims,
		hints:      maps.Clone(cfg.Hints),
		policy:     policyOf(cfg),
	}
	i.mapping.OpenToAnyClient = i.mapping.OpenToAnyClient && len(i.clients) == 0
	if t, ok := parseTemplate(cfg.Name); ok {
		i.template = t
		i.keyIssuer = t
		if cfg.KeyIssuer != "" {
			i.keyIssuer, _ = parseTemplate(cfg.KeyIssuer)
		}
		i.tenants = make(map[string]struct{}, len(cfg.Tenants))
		for _, t := range cfg.Tenants {
			i.tenants[t] = struct{}{}
		}
	}
	return i
}

// orDefault returns a copy of list, or the default for nil.
func orDefault[T any](list []T, otherwise func() []T) []T {
	if list == nil {
		return otherwise()
	}
	return slices.Clone(list)
}

// duration returns the default for 0 and none for a negative duration.
func duration(d, otherwise time.Duration) time.Duration {
	switch {
	case d == 0:
		return otherwise
	case d < 0:
		return 0
	default:
		return d
	}
}

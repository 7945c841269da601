package verifier

import (
	"context"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
)

// The documented values of a [Config].
const (
	defaultLeeway        = 30 * time.Second
	maxLeeway            = 5 * time.Minute
	defaultMaxTokenBytes = 8 << 10
	defaultCacheBytes    = 32 << 20
)

// Config is the configuration of a [Verifier]. It is copied by [New]. The zero
// value is refused, because it names no issuer to trust.
type Config struct {
	_ [0]func() // keyed literals only

	// Issuers are the authorization servers whose tokens are accepted. At
	// least one.
	Issuers []Issuer

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
	Validators []func(ctx context.Context, c *claims.Claims) error

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
	// NoAudience accepts tokens without aud, for issuers that write none: then
	// the client must be one of Clients, and one of the scopes must begin with
	// NoAudience. "" accepts no token without aud.
	NoAudience string

	// Keys are the issuer's keys. The Verifier does not close them.
	Keys jwks.KeySet

	// Algorithms are the alg values accepted. nil is RS256, PS256, ES256 and
	// EdDSA. HMAC algorithms need an explicit entry and an explicit secret.
	Algorithms []string

	// Types are the typ header values accepted, without regard to case; "" is
	// no typ. nil is at+jwt, application/at+jwt, JWT and none.
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

	// Claims names the claims that hold scopes, roles, permissions and the
	// client id. Each list that is nil is that of [claims.DefaultMapping].
	Claims claims.Mapping

	// Hints are sentences for the [Report] on a token that was refused, by what
	// is typical of the mistake: "iss:VALUE" of an unknown issuer, "aud:VALUE"
	// of a wrong audience, "header:NAME" of a header member under a bad
	// signature. A VALUE that ends in * is the beginning of one, and {guid} is
	// any GUID; the most exact counts. They decide nothing.
	Hints map[string]string
}

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
func (i Issuer) RFC9068() Issuer {
	i.Types = []string{"at+jwt", "application/at+jwt"}
	i.Required = append([]string{"sub", "client_id", "iat", "jti"}, i.Required...)
	return i
}

func defaultAlgorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

func defaultTypes() []string { return []string{"at+jwt", "application/at+jwt", "JWT", ""} }

func defaultMarkers() []Marker {
	return []Marker{
		{Claim: "typ", Not: []string{"ID", "Refresh", "Offline", "Logout"}},
		{Claim: "token_use", Not: []string{"id"}},
		{Claim: "at_hash"}, // OpenID Connect Core 1.0 section 3.1.3.6: ID tokens only
		{Claim: "c_hash"},  // OpenID Connect Core 1.0 section 3.3.2.11: ID tokens only
		{Claim: "events"},  // RFC 8417 section 2.2: security event tokens
	}
}

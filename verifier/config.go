package verifier

import (
	"context"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
)

// Defaults and bounds of a [Config].
const (
	DefaultLeeway        = 30 * time.Second
	MaxLeeway            = 5 * time.Minute
	DefaultMaxTokenBytes = 8 << 10
	DefaultCacheBytes    = 32 << 20
)

// TenantSegment stands in an issuer template for the tenant's GUID.
const TenantSegment = "{tenantid}"

// Config is everything a [Verifier] needs to know. It is copied by [New]; the
// zero value is refused, because it names nobody to trust.
type Config struct {
	_ [0]func() // keyed literals only

	// Issuers are the authorization servers whose tokens are accepted. At
	// least one.
	Issuers []Issuer

	// Leeway is granted to clocks that differ, on exp, nbf, iat and MaxAge.
	// 0 is 30 s, negative is none, more than 5 min is an error.
	Leeway time.Duration

	// MaxAge refuses tokens issued longer ago, whatever their exp. 0 is no bound.
	MaxAge time.Duration

	// MaxTokenBytes bounds the length of a token. 0 is 8 KiB.
	MaxTokenBytes int

	// CacheBytes bounds the memory of the verified-token cache. 0 is 32 MiB,
	// negative is no cache. The cache never changes an answer: what time, the
	// keys, a validator or a revocation can change is checked on every call.
	// Beside it, and without it too, a Verifier remembers what up to 256 headers
	// of proven tokens say.
	CacheBytes int64

	// Validators look at a token after everything else held, on every call.
	Validators []Validator

	// Revoked says whether a good token has been withdrawn, on every call. An
	// error refuses the call with reason revocation_unavailable: fail closed.
	Revoked func(ctx context.Context, c *claims.Claims) (bool, error)

	// Confirmations are the members of a cnf claim (RFC 7800) that whoever
	// calls Verify checks against the request, such as "jkt". A token bound
	// by any other member is refused.
	Confirmations []string

	// Now is the clock that token times are judged by. nil is time.Now.
	Now func() time.Time
}

// Validator is a check of one's own. An error refuses the token, with the
// [reason.Code] in its chain or else with reason denied; its text goes to logs,
// so it must not hold claim values. An error after ctx has ended is the
// caller's own: canceled. It must be safe for concurrent use and should be quick.
//
// [reason.Code]: https://pkg.go.dev/github.com/sallyport-go/sallyport/reason#Code
type Validator func(ctx context.Context, c *claims.Claims) error

// Issuer is what is expected of one authorization server's tokens.
type Issuer struct {
	_ [0]func() // keyed literals only

	// Name is the iss claim, compared byte for byte: a trailing slash counts
	// (RFC 9068 section 4). With [TenantSegment] in it, it is a template for
	// many tenants that share one key set.
	Name string

	// Tenants are the tenant GUIDs that a template accepts.
	Tenants []string
	// DangerouslyAnyTenant makes a template accept every tenant there is:
	// anybody can make one.
	DangerouslyAnyTenant bool
	// KeyIssuer is the template that the signing JWK's own issuer member must
	// fit, for templates. "" is Name.
	KeyIssuer string

	// Audiences are the aud values that mean this API; one must match
	// (RFC 7519 section 4.1.3).
	Audiences []string
	// NoAudience accepts tokens without any aud by other evidence, for
	// issuers that know none (Cognito). The zero value accepts none.
	NoAudience AudienceBinding

	// Keys is where the issuer's keys come from. The Verifier does not close it.
	Keys jwks.KeySet

	// Algorithms are the alg values accepted. nil is RS256, PS256, ES256 and
	// EdDSA. HMAC algorithms need an explicit entry and an explicit secret.
	Algorithms []string

	// Types are the typ header values accepted, without regard to case; ""
	// stands for no typ. nil is at+jwt, application/at+jwt, JWT and none.
	Types []string

	// Markers tell access tokens from the issuer's other tokens. nil is
	// [DefaultMarkers].
	Markers []Marker

	// Required are claims that must be there besides iss, exp and aud.
	Required []string

	// Clients are the client ids accepted. Empty accepts every client.
	Clients []string

	// Claims says where scopes, roles, permissions and the client id are.
	// Each list that is nil is that of [claims.DefaultMapping].
	Claims claims.Mapping
}

// AudienceBinding is what stands in for an aud claim: the client must be one of
// Clients, and one of the scopes must begin with ScopePrefix. Both are needed.
type AudienceBinding struct {
	_ [0]func() // keyed literals only

	Clients     []string
	ScopePrefix string
}

func (b AudienceBinding) isZero() bool { return len(b.Clients) == 0 && b.ScopePrefix == "" }

// Marker is a claim that tells what kind of token this is. With Is, the claim
// must be one of these strings; with Not, it must not be; with neither, it must
// not be there at all.
type Marker struct {
	_ [0]func() // keyed literals only

	Claim string
	Is    []string
	Not   []string
}

// DefaultMarkers refuse what is marked as an ID token, a refresh token or a
// security event, whichever issuer it comes from (RFC 8725 section 3.12).
func DefaultMarkers() []Marker {
	return []Marker{
		{Claim: "typ", Not: []string{"ID", "Refresh", "Offline", "Logout"}}, // Keycloak
		{Claim: "token_use", Not: []string{"id"}},                           // Cognito
		{Claim: "at_hash"}, // OIDC Core 3.1.3.6: ID tokens only
		{Claim: "c_hash"},  // OIDC Core 3.3.2.11: ID tokens only
		{Claim: "events"},  // RFC 8417, OIDC logout tokens
	}
}

// RFC9068 is the issuer held to the JWT profile for access tokens: typ is
// at+jwt, and all claims that RFC 9068 section 2.2 requires are there.
func (i Issuer) RFC9068() Issuer {
	i.Types = []string{"at+jwt", "application/at+jwt"}
	i.Required = append([]string{"sub", "client_id", "iat", "jti"}, i.Required...)
	return i
}

func defaultAlgorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

func defaultTypes() []string { return []string{"at+jwt", "application/at+jwt", "JWT", ""} }

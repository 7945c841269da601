// Package reason names why a request was refused.
//
// A [Code] is stable: logs, metrics, events and explain reports use it, and a
// release that renames one is a major release. Callers of the API never see a
// Code; they see the error codes of RFC 6750 section 3.1, which say less on
// purpose.
//
// Every Code is an error, so that a cause can be asked for by name:
//
//	if errors.Is(err, reason.Expired) { ... }
package reason

// Code is one reason for a refusal. It is comparable and safe to use as a
// metric label: there are few of them, and none carries data of a request.
type Code string

// Error makes a Code a sentinel for [errors.Is].
func (c Code) Error() string { return string(c) }

// Reasons found before a token is looked at.
const (
	NoToken           Code = "no_token"           // no credentials at all
	UnsupportedScheme Code = "unsupported_scheme" // credentials of another scheme, such as Basic
	InvalidRequest    Code = "invalid_request"    // malformed or doubled credentials
)

// Reasons that lie in the proof that comes with a token (DPoP, RFC 9449).
const (
	InvalidDPoPProof  Code = "invalid_dpop_proof"  // missing, malformed, or made for another request, token or time
	ReplayedDPoPProof Code = "replayed_dpop_proof" // used before
	UseDPoPNonce      Code = "use_dpop_nonce"      // without a nonce of this server, or with an old one
)

// Reasons that lie in the token.
const (
	Malformed          Code = "malformed"           // not a compact JWS with JSON objects in it
	TooLarge           Code = "too_large"           // longer than the configured limit
	UnsupportedAlg     Code = "unsupported_alg"     // alg missing, not allowed for the issuer or not fit for the key
	UnsupportedType    Code = "unsupported_type"    // typ or cty of another kind of token
	CriticalHeader     Code = "critical_header"     // crit or b64 in the header
	UnknownIssuer      Code = "unknown_issuer"      // iss is not configured
	UnknownTenant      Code = "unknown_tenant"      // iss fits a template, the tenant is not allowed
	UnknownKey         Code = "unknown_key"         // the issuer has no such key, or too many that fit
	UnusableKey        Code = "unusable_key"        // the issuer publishes that key for something else than tokens
	BadSignature       Code = "bad_signature"       // the signature does not verify
	MalformedClaims    Code = "malformed_claims"    // a claim has the wrong type or an impossible value
	MissingClaim       Code = "missing_claim"       // a required claim is absent
	Expired            Code = "expired"             // exp has passed
	NotYetValid        Code = "not_yet_valid"       // nbf lies ahead
	IssuedInFuture     Code = "issued_in_future"    // iat lies ahead
	TooOld             Code = "too_old"             // iat is older than the maximum age
	WrongAudience      Code = "wrong_audience"      // aud names another API
	WrongClient        Code = "wrong_client"        // the client is not on the allowlist
	UnsupportedBinding Code = "unsupported_binding" // cnf binds the token in a way that is not checked here
	WrongCertificate   Code = "wrong_certificate"   // the request has not the certificate that the token is bound to
	Revoked            Code = "revoked"             // the revocation hook reports it as revoked
	Inactive           Code = "inactive"            // the issuer's introspection endpoint says so: unknown, expired or revoked
)

// Reasons that lie on this side of the call, not in the token.
const (
	KeysUnavailable       Code = "keys_unavailable"       // the issuer's keys are not available
	RevocationUnavailable Code = "revocation_unavailable" // the revocation hook failed
	Canceled              Code = "canceled"               // the caller's own context ended
	ProofsUnavailable     Code = "proofs_unavailable"     // what proofs are compared with is not available, or full

	IntrospectionUnavailable Code = "introspection_unavailable" // the issuer's introspection endpoint gave no answer that can be used
)

// Reasons of a good token that may not do this.
const (
	InsufficientScope Code = "insufficient_scope" // a scope, permission or access level is missing
	InsufficientRole  Code = "insufficient_role"  // a role is missing
	WrongCaller       Code = "wrong_caller"       // an app where a user is required, or the reverse
	Denied            Code = "denied"             // another rule said no

	// InsufficientUserAuthentication is a user who must authenticate in another
	// way, or again (RFC 9470).
	InsufficientUserAuthentication Code = "insufficient_user_authentication"
)

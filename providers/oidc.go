package providers

import (
	"errors"
	"maps"

	"github.com/sallyport-go/sallyport/verifier"
)

// OIDC returns a Provider that expects access tokens of an OpenID Provider of
// which nothing special is known. It is [Generic], and refuses ID tokens by one
// mark more, their nonce: such a server hands out both to the same clients.
//
// OpenID Connect Core 1.0 section 2: https://openid.net/specs/openid-connect-core-1_0.html#IDToken
func OIDC(issuer string, audiences ...string) Provider {
	if err := errors.Join(checkSet(nameIssuer, issuer), checkAudiences(audiences)); err != nil {
		return failed("OIDC", err)
	}
	p := Generic(issuer, audiences...)
	t := &p.Issuers[0].Tokens
	t.Markers = oidcMarkers()
	t.Hints = maps.Clone(t.Hints)
	t.Hints["claim:nonce"] = "By its nonce this is an ID token: send the access_token of the response. If this server writes a nonce into access tokens too, use the preset generic."
	return p
}

func oidcNamed(s Settings) Provider {
	return OIDC(s.Issuer, s.Audiences...).WithNoAudience(s.ScopePrefix, s.NoAudienceClients...)
}

// oidcMarkers are the usual marks of tokens of another kind, and nonce: an ID token
// that came without an access token has no at_hash.
func oidcMarkers() []verifier.Marker {
	return []verifier.Marker{
		{Claim: "typ", Not: []string{"ID", "Refresh", "Offline", "Logout"}},
		{Claim: "token_use", Not: []string{"id"}},
		{Claim: "at_hash"},
		{Claim: "c_hash"},
		{Claim: "nonce"},
		{Claim: "events"},
	}
}

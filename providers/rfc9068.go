package providers

import (
	"errors"
	"slices"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/verifier"
)

// RFC9068 returns a Provider that expects access tokens that keep to the JWT
// profile to the letter: typ is at+jwt, and sub, client_id, iat and jti are there
// beside iss, exp and aud. Scopes are in scope, roles in roles.
//
// RFC 9068 section 2: https://www.rfc-editor.org/rfc/rfc9068#section-2
func RFC9068(issuer string, audiences ...string) Provider {
	if err := errors.Join(checkSet(nameIssuer, issuer), checkAudiences(audiences)); err != nil {
		return failed("RFC9068", err)
	}
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:      issuer,
			Audiences: slices.Clone(audiences),
			Claims: claims.Mapping{
				Scopes:   []claims.Source{{Path: claims.Path{"scope"}}},
				ClientID: []claims.Path{{"client_id"}},
			},
			Hints: hints(rfc9068Hints),
		}.RFC9068(),
		Source: Source{Issuer: issuer},
	}}}
}

func rfc9068Named(s Settings) Provider { return RFC9068(s.Issuer, s.Audiences...) }

var rfc9068Hints = map[string]string{
	"typ:":            "The header has no typ, and the profile wants at+jwt: have the server write it, or use the preset oidc if it cannot.",
	"typ:JWT":         "The header's typ is JWT, and the profile wants at+jwt: have the server write it, or use the preset oidc if it cannot.",
	"claim:sub":       "The profile wants a sub: have the server write one, for an app's own token its client id; or use the preset oidc if it cannot.",
	"claim:client_id": "The profile wants a client_id: have the server write it, or use the preset oidc if it cannot.",
	"claim:iat":       "The profile wants an iat: have the server write it, or use the preset oidc if it cannot.",
	"claim:jti":       "The profile wants a jti: have the server write it, or use the preset oidc if it cannot.",
}

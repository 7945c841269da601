package providers

import (
	"errors"
	"slices"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/verifier"
)

// Hydra returns a Provider that expects JWT access tokens of Ory Hydra. issuer is
// urls.self.issuer of its configuration, with the slash that it ends in.
//
// Scopes are in scp, or in scope where there is no scp. Hydra writes aud only if
// the client is allowed the audience and asks for it; otherwise aud is [], and
// the token is refused. Where clients cannot be made to ask, accept the tokens of
// known ones with [Provider.WithNoAudience].
//
// Hydra, audiences: https://www.ory.sh/docs/hydra/guides/audiences
func Hydra(issuer string, audiences ...string) Provider {
	if err := errors.Join(checkSet(nameIssuer, issuer), checkAudiences(audiences)); err != nil {
		return failed("Hydra", err)
	}
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:      issuer,
			Audiences: slices.Clone(audiences),
			Required:  []string{"client_id"}, // which Hydra's ID tokens do not have
			Claims: claims.Mapping{
				Scopes:      []claims.Source{{Path: claims.Path{"scp"}}, {Path: claims.Path{"scope"}}},
				Roles:       []claims.Source{},
				Permissions: []claims.Source{},
				ClientID:    []claims.Path{{"client_id"}},
				Caller:      []claims.Evidence{}, // nothing in the token tells
			},
			Hints: hints(hydraHints),
		},
		Source: Source{Issuer: issuer},
	}}}
}

func hydraNamed(s Settings) Provider {
	return Hydra(s.Issuer, s.Audiences...).WithNoAudience(s.ScopePrefix, s.NoAudienceClients...)
}

// hydraHints are what a refusal means at Ory Hydra.
//
// Hydra, JWT access tokens: https://www.ory.sh/docs/oauth2-oidc/jwt-access-token
var hydraHints = map[string]string{ //nolint:gosec // G101: sentences, and no credentials
	"token:opaque":     "In Hydra, set strategies.access_token to jwt, or access_token_strategy of this client: its access tokens are opaque by default.",
	"claim:client_id":  "Hydra's access tokens have client_id, and its ID tokens do not: send the access_token of the response.",
	"claim:aud":        "In Hydra, add this API to the client's audience, and have the client ask for it with the parameter audience; or accept the tokens of known clients by NoAudience.",
	"lacks:scope":      "In Hydra, add the scope to the client, and have the client ask for it; a user must be asked for consent to it too.",
	"lacks:role":       "Hydra puts no roles into access tokens by itself: have your consent endpoint or token hook write a claim into ext, and name it in Claims; or let the rule ask for a scope.",
	"lacks:permission": "Hydra has no permissions beside scopes: let the rule ask for a scope.",
	"lacks:level":      "In Hydra, add scopes called get, post, put and delete to the client, and have the client ask for them.",
}

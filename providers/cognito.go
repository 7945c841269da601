package providers

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/verifier"
)

// Cognito returns a Provider that expects access tokens of an Amazon Cognito user
// pool. issuer is https://cognito-idp.REGION.amazonaws.com/POOL, not the domain
// of the sign-in pages.
//
// Its access tokens have no aud. What tells that one is for this API is its
// client, which must be one of clients, and a scope that begins with scopePrefix:
// the identifier of the resource server and a slash, such as orders/. Without a
// scopePrefix every access token of these clients opens this API, so that they
// must use no other API of the pool.
//
// audiences are for clients that ask for a resource: their tokens have it in
// aud, and are refused unless it is one of these.
//
// Cognito, access tokens: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
func Cognito(issuer string, clients []string, scopePrefix string, audiences ...string) Provider {
	problems := []error{checkUserPool(issuer), checkSet(nameClients, clients...), setting.CheckList(nameClients, clients)}
	if len(audiences) > 0 {
		problems = append(problems, checkAudiences(audiences))
	}
	if flaw := setting.Flaw(scopePrefix); flaw != "" {
		problems = append(problems, setting.Errorf("%s %.100q %s", nameScopePrefix, scopePrefix, flaw))
	}
	if err := errors.Join(problems...); err != nil {
		return failed("Cognito", err)
	}
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:       issuer,
			Audiences:  slices.Clone(audiences),
			NoAudience: verifier.AudienceBinding{Clients: slices.Clone(clients), ScopePrefix: scopePrefix},
			Clients:    slices.Clone(clients),
			Algorithms: []string{"RS256"},
			Types:      []string{"", "JWT"},
			Markers:    []verifier.Marker{{Claim: "token_use", Is: []string{"access"}}},
			Claims: claims.Mapping{
				Scopes:      []claims.Source{{Path: claims.Path{"scope"}}},
				Roles:       []claims.Source{{Path: claims.Path{"cognito:groups"}}},
				Permissions: []claims.Source{},
				ClientID:    []claims.Path{{"client_id"}},
				Caller: []claims.Evidence{
					{Is: claims.CallerUser, Present: []string{"username"}},
					{Is: claims.CallerApp, Absent: []string{"username", "cognito:groups", "origin_jti"}},
				},
			},
			Hints: hints(cognitoHints),
		},
		Source: Source{Issuer: issuer},
	}}}
}

func cognitoNamed(s Settings) Provider {
	return Cognito(s.Issuer, s.Clients, s.ScopePrefix, s.Audiences...)
}

func checkUserPool(issuer string) error {
	if issuer == "" {
		return unset(nameIssuer)
	}
	u, err := url.Parse(issuer)
	switch {
	case err == nil && strings.HasSuffix(u.Hostname(), ".amazoncognito.com"):
		return setting.Errorf("%s %.200q is the domain of the sign-in pages: the iss of its tokens is https://cognito-idp.REGION.amazonaws.com/POOL", nameIssuer, issuer)
	case err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" || strings.HasSuffix(u.Path, "/"):
		return setting.Errorf("%s %.200q: the issuer of a user pool is https://cognito-idp.REGION.amazonaws.com/POOL, without anything behind", nameIssuer, issuer)
	}
	return nil
}

// cognitoHints are what a refusal means at Cognito.
//
// Cognito, resource servers: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html
var cognitoHints = map[string]string{ //nolint:gosec // G101: sentences, and no credentials
	"claim:token_use":  "By its token_use this is not Cognito's access token but its ID token: send the access_token of the response.",
	"claim:aud":        "Cognito writes aud only where the client asked for a resource: add that value to the audiences if it means this API.",
	"lacks:scope":      "In Cognito, add the scope to a resource server of the user pool and allow it to the app client under Custom scopes; it is called IDENTIFIER/SCOPE, and the client asks for it by that name.",
	"lacks:role":       "In Cognito, roles are the user's groups (cognito:groups), which an app's own token never has: add the user to the group, or let the rule ask for a scope.",
	"lacks:permission": "Cognito has no permissions beside scopes: let the rule ask for a scope.",
	"lacks:level":      "In Cognito, add scopes called get, post, put and delete to the resource server whose identifier is the resource, and allow them to the app client.",
}

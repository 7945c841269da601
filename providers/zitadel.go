package providers

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/verifier"
)

// Zitadel returns a Provider that expects JWT access tokens of a Zitadel
// instance. issuer is its domain without a slash at the end, audiences are the
// ids of the API's project, or of its applications.
//
// Roles are the names of the members of an object, one for each role. project is
// whose roles count: the project with that id, or "" for the project of the
// client that asked, which is right where clients and API share one.
//
// Zitadel, roles: https://zitadel.com/docs/guides/integrate/retrieve-user-roles
func Zitadel(issuer, project string, audiences ...string) Provider {
	problems := []error{checkSet(nameIssuer, issuer), checkAudiences(audiences)}
	if flaw := setting.ListFlaw(project); flaw != "" || strings.Contains(project, ":") {
		problems = append(problems, setting.Errorf("%s %.100q: give the id of a project", nameRolesFrom, project))
	}
	if err := errors.Join(problems...); err != nil {
		return failed("Zitadel", err)
	}
	roles := "urn:zitadel:iam:org:project:roles"
	if project != "" {
		roles = "urn:zitadel:iam:org:project:" + project + ":roles"
	}
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:      issuer,
			Audiences: slices.Clone(audiences),
			Markers:   oidcMarkers(), // its ID tokens have the project in aud too
			Claims: claims.Mapping{
				Scopes:      []claims.Source{{Path: claims.Path{"scope"}}},
				Roles:       []claims.Source{{Path: claims.Path{roles}, Keys: true}},
				Permissions: []claims.Source{},
				ClientID:    []claims.Path{{"client_id"}, {"azp"}},
				Caller:      []claims.Evidence{}, // users and service users look alike
			},
			Hints: hints(zitadelHints),
		},
		Source: Source{Issuer: issuer},
	}}}
}

func zitadelNamed(s Settings) Provider {
	if len(s.RolesFrom) > 1 {
		return failed("Zitadel", setting.Errorf("%s: give one project: the roles of several have to be told apart, in Claims", nameRolesFrom))
	}
	return Zitadel(s.Issuer, strings.Join(s.RolesFrom, ""), s.Audiences...)
}

// zitadelHints are what a refusal means at Zitadel.
//
// Zitadel, scopes: https://zitadel.com/docs/apis/openidoauth/scopes
var zitadelHints = map[string]string{ //nolint:gosec // G101: sentences, and no credentials
	"token:opaque":     "In Zitadel, choose JWT as the token type of the application, or as the access token type of the service user: opaque is the default.",
	"claim:nonce":      "By its nonce this is an ID token: send the access_token of the response.",
	"claim:aud":        "In Zitadel, have the client ask for the scope urn:zitadel:iam:org:project:id:PROJECT:aud, with the id of this API's project.",
	"lacks:scope":      "Zitadel's access tokens have no scope: let the rule ask for a role.",
	"lacks:role":       "In Zitadel, add the role to the project and grant it to the user or service user; then switch on Assert Roles on Authentication in the project, or have the client ask for the scope urn:zitadel:iam:org:projects:roles.",
	"lacks:permission": "Zitadel has no permissions beside roles: let the rule ask for a role.",
	"lacks:level":      "In Zitadel, add roles called get, post, put and delete to the project, and grant them to the service user.",
}

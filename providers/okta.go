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

// Okta returns a Provider that expects tokens of a custom authorization server
// of Okta. issuer is https://DOMAIN/oauth2/ID without a slash at the end, such as
// https://acme.okta.com/oauth2/default; audiences are those in the server's
// settings, api://default for the one that every org has.
//
// The org authorization server, whose issuer is the bare domain, is refused: its
// access tokens are for Okta's own API, and only Okta can verify them.
//
// Scopes are in scp. Okta writes no roles: a claim of your own, such as groups,
// goes into Claims.
//
// Okta, authorization servers: https://developer.okta.com/docs/concepts/auth-servers/
func Okta(issuer string, audiences ...string) Provider {
	if err := errors.Join(checkOktaIssuer(issuer), checkAudiences(audiences)); err != nil {
		return failed("Okta", err)
	}
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:       issuer,
			Audiences:  slices.Clone(audiences),
			Algorithms: []string{"RS256"},
			Required:   []string{"cid"}, // which Okta's ID tokens do not have
			Claims: claims.Mapping{
				Scopes:      []claims.Source{{Path: claims.Path{"scp"}}},
				Roles:       []claims.Source{},
				Permissions: []claims.Source{},
				ClientID:    []claims.Path{{"cid"}},
				Caller: []claims.Evidence{
					{Is: claims.CallerUser, Present: []string{"uid"}},
					{Is: claims.CallerApp, Present: []string{"cid"}, Absent: []string{"uid"}},
				},
			},
			Hints: hints(oktaHints(issuer)),
		},
		Source: Source{Issuer: issuer},
	}}}
}

func oktaNamed(s Settings) Provider { return Okta(s.Issuer, s.Audiences...) }

func checkOktaIssuer(issuer string) error {
	if issuer == "" {
		return unset(nameIssuer)
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return setting.Errorf("%s %.200q: give the issuer of a custom authorization server, such as https://acme.okta.com/oauth2/default", nameIssuer, issuer)
	}
	id, custom := strings.CutPrefix(u.Path, "/oauth2/")
	switch {
	case strings.Trim(u.Path, "/") == "":
		return setting.Errorf("%s %.200q is Okta's org authorization server, whose access tokens are for Okta's own API and cannot be verified by others: use a custom authorization server, such as https://%s/oauth2/default", nameIssuer, issuer, u.Host)
	case !custom || id == "" || strings.Contains(id, "/"):
		return setting.Errorf("%s %.200q: the issuer of a custom authorization server is https://DOMAIN/oauth2/ID, without anything behind", nameIssuer, issuer)
	case strings.HasSuffix(u.Hostname(), "-admin.okta.com"), strings.HasSuffix(u.Hostname(), "-admin.oktapreview.com"):
		return setting.Errorf("%s %.200q is the address of the admin console: the issuer has no -admin", nameIssuer, issuer)
	}
	return nil
}

// oktaHints are what a refusal means at Okta.
//
// Okta, API access management: https://developer.okta.com/docs/concepts/api-access-management/
func oktaHints(issuer string) map[string]string {
	const org = "This is a token of Okta's org authorization server, which only Okta can verify: have the client ask a custom authorization server, whose issuer ends in /oauth2/ID."
	domain, _, _ := strings.Cut(issuer, "/oauth2/")
	return map[string]string{
		"iss:" + domain:                        org,
		"typ:application/okta-internal-at+jwt": org,

		"claim:cid":        "Okta's access tokens have cid, and its ID tokens do not: send the access_token of the response.",
		"claim:aud":        "In Okta, aud is a setting of the custom authorization server (Security, API): give that value as the audience if the server is for this API alone, else make one that is.",
		"lacks:scope":      "In Okta, add the scope to the custom authorization server (Security, API), let a rule of an access policy grant it to the client, and have the client ask for it.",
		"lacks:role":       "Okta puts no roles into access tokens by itself: add a claim, such as groups, to the custom authorization server for access tokens, and name it in Claims; or let the rule ask for a scope.",
		"lacks:permission": "Okta has no permissions beside scopes: let the rule ask for a scope.",
		"lacks:level":      "In Okta, add scopes called get, post, put and delete to the custom authorization server, and let a rule of an access policy grant them to the client.",
	}
}

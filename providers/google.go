package providers

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/verifier"
)

// GoogleCallers are whose ID tokens are accepted. Everyone with a Google
// account, and every service account of anybody's project, can get an ID token
// for any audience, so that at least one list is needed; with both, both must
// hold. The zero value is refused.
type GoogleCallers struct {
	_ [0]func() // keyed literals only

	// Emails are those of the accounts, byte for byte.
	Emails []string
	// HostedDomains are the Google Workspace domains (hd) of users. Service
	// accounts have none.
	HostedDomains []string
}

// The names that Google writes into iss.
//
// Google, ID tokens: https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
const (
	googleIssuer = "https://accounts.google.com"
	googleBare   = "accounts.google.com"
)

// Google returns a Provider that expects Google's ID tokens, as services of
// Google Cloud send them to each other: Google's access tokens are opaque.
// audiences are what the callers ask for, by custom the URL of the service that
// they call, such as https://orders-abc123.run.app.
//
// The email must be on the list and email_verified be true. The client, for
// [claims.ClientIn], is the email.
//
// Google, service-to-service: https://cloud.google.com/run/docs/authenticating/service-to-service
//
// [claims.ClientIn]: https://pkg.go.dev/github.com/sallyport-go/sallyport/claims#ClientIn
func Google(callers GoogleCallers, audiences ...string) Provider {
	if err := errors.Join(callers.mistake(), checkAudiences(audiences)); err != nil {
		return failed("Google", err)
	}
	p := Provider{}
	for _, name := range []string{googleIssuer, googleBare} {
		p.Issuers = append(p.Issuers, Issuer{
			Tokens: verifier.Issuer{
				Name:       name,
				Audiences:  slices.Clone(audiences),
				Algorithms: []string{"RS256"},
				Types:      []string{"JWT"},
				Limits:     callers.limits(),
				Claims: claims.Mapping{
					Scopes:      []claims.Source{},
					Roles:       []claims.Source{},
					Permissions: []claims.Source{},
					ClientID:    []claims.Path{{"email"}},
					Caller:      []claims.Evidence{{Is: claims.CallerUser, Present: []string{"hd"}}},
				},
				Hints: hints(googleHints()),
			},
			Source: Source{Issuer: googleIssuer},
		})
	}
	return p
}

func googleNamed(s Settings) Provider {
	return Google(GoogleCallers{Emails: s.Emails, HostedDomains: s.HostedDomains}, s.Audiences...)
}

func (c *GoogleCallers) limits() []verifier.Limit {
	limits := []verifier.Limit{{Claims: []claims.Path{{"email_verified"}}, True: true}}
	if len(c.Emails) > 0 {
		limits = append(limits, only(c.Emails, "email"))
	}
	if len(c.HostedDomains) > 0 {
		limits = append(limits, only(c.HostedDomains, "hd"))
	}
	return limits
}

// only returns the limit that a claim is one of values.
func only(values []string, path ...string) verifier.Limit {
	return verifier.Limit{Claims: []claims.Path{path}, Values: slices.Clone(values)}
}

func (c *GoogleCallers) mistake() error {
	problems := []error{setting.CheckList(nameEmails, c.Emails), setting.CheckList(nameHostedDomains, c.HostedDomains)}
	if len(c.Emails)+len(c.HostedDomains) == 0 {
		problems = append(problems, setting.Errorf("%s is not set: give the email of each account that may call (or %s): everyone can get a token of Google's for any audience", nameEmails, nameHostedDomains))
	}
	for _, email := range c.Emails {
		if name, host, ok := strings.Cut(email, "@"); !ok || name == "" || host == "" || strings.Contains(email, "*") {
			problems = append(problems, setting.Errorf("%s: %.100q is no email address", nameEmails, email))
		}
	}
	for _, domain := range c.HostedDomains {
		if strings.ContainsAny(domain, "@/:*") || !strings.Contains(domain, ".") {
			problems = append(problems, setting.Errorf("%s: %.100q: give the domain alone, such as example.com", nameHostedDomains, domain))
		}
	}
	return errors.Join(problems...)
}

// googleHints are what a refusal means at Google.
//
// Google, ID tokens of service accounts: https://cloud.google.com/docs/authentication/get-id-token
func googleHints() map[string]string {
	return with(lacking("Google's ID tokens grant nothing: let the rule ask who calls, by claims.ClientIn and the email."), map[string]string{
		"token:opaque":                     "Google's access tokens (ya29...) are for Google's own APIs: the caller must send an ID token whose audience is this service.",
		"claim:email":                      "This Google account may not call, or the token does not name it: add its email to the emails; for a token without one, ask for it (includeEmail of generateIdToken, format=full of the metadata server).",
		"claim:email_verified":             "Google has not verified that the email is the account's: only email_verified true is accepted. If it is missing, ask for the email (includeEmail of generateIdToken, format=full of the metadata server).",
		"claim:hd":                         "The account is of no Google Workspace domain that may call: add its hd to the hosted domains. A service account has none: name it by its email.",
		"claim:at_hash":                    "This is the ID token of a user who signed in to an application: have the caller ask for an ID token with this service as its audience.",
		"iss:https://cloud.google.com/iap": "This is the assertion of the Identity-Aware Proxy, which comes in a header of its own and is signed with ES256: configure it as an issuer of its own.",
	})
}

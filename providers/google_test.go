package providers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	googleIssuer = "https://accounts.google.com"
	runService   = "https://orders-abc123.run.app"
	shopAccount  = "shop@acme-prod.iam.gserviceaccount.com"
)

func TestGoogleSamples(t *testing.T) {
	t.Parallel()
	w := newServer(t, googleIssuer, providers.Google(providers.GoogleCallers{Emails: []string{shopAccount, "ada@acme.example"}}, runService))
	w.accepts(t, map[string]seen{
		"google-service-account": {Client: shopAccount},
		"google-bare-issuer":     {Client: shopAccount},
		"google-user":            {Client: "ada@acme.example", Caller: claims.CallerUser},
	})
	domain := newServer(t, googleIssuer, providers.Google(providers.GoogleCallers{HostedDomains: []string{"acme.example"}}, runService))
	domain.accepts(t, map[string]seen{
		"google-service-account": {Reason: reason.MissingClaim},
		"google-user":            {Client: "ada@acme.example", Caller: claims.CallerUser},
	})
}

func TestGoogleTraps(t *testing.T) {
	t.Parallel()
	const (
		name   = "add its email to the emails"
		verify = "only email_verified true is accepted"
	)
	w := newServer(t, googleIssuer, providers.Google(providers.GoogleCallers{Emails: []string{shopAccount}}, runService))
	w.refuses(t, "google-service-account", map[string]trap{
		"a service account of somebody else":         {change: jwkstest.Claims{"email": "shop@evil.iam.gserviceaccount.com"}, want: reason.WrongClient, hint: name},
		"the other name of the issuer, another mail": {sample: "google-bare-issuer", change: jwkstest.Claims{"email": "x@evil.example"}, want: reason.WrongClient, hint: name},
		"an email in another case":                   {change: jwkstest.Claims{"email": "Shop@acme-prod.iam.gserviceaccount.com"}, want: reason.WrongClient, hint: name},
		"no email":                                   {change: jwkstest.Claims{"email": nil}, want: reason.MissingClaim, hint: "includeEmail of generateIdToken"},
		"an email that is not verified":              {change: jwkstest.Claims{"email_verified": false}, want: reason.WrongClient, hint: verify},
		"verified by a text":                         {change: jwkstest.Claims{"email_verified": "true"}, want: reason.WrongClient, hint: verify},
		"no word on the email":                       {change: jwkstest.Claims{"email_verified": nil}, want: reason.MissingClaim, hint: verify},
		"another service":                            {change: jwkstest.WithAudience("https://billing-abc123.run.app"), want: reason.WrongAudience, hint: "for another API"},
		"a path behind the service":                  {change: jwkstest.WithAudience(runService + "/orders"), want: reason.WrongAudience, hint: runService},
		"an access token, which is opaque":           {token: "ya29.a0ARrdaM-example_example-example", want: reason.Malformed, hint: "must send an ID token whose audience is this service"},
		"the ID token of a sign-in":                  {change: jwkstest.Claims{"at_hash": "x"}, want: reason.UnsupportedType, hint: "ask for an ID token with this service as its audience"},
		"the assertion of IAP":                       {change: jwkstest.Claims{"iss": "https://cloud.google.com/iap"}, want: reason.UnknownIssuer, hint: "Identity-Aware Proxy"},
		"an algorithm that Google does not use":      {change: jwkstest.WithAlgorithm("ES256"), want: reason.UnsupportedAlg, hint: `Add "ES256"`},
		"a token without a typ":                      {change: jwkstest.Header{"typ": nil}, want: reason.UnsupportedType, hint: "typ"},
	})

	both := newServer(t, googleIssuer, providers.Google(providers.GoogleCallers{Emails: []string{"ada@acme.example"}, HostedDomains: []string{"acme.example"}}, runService))
	both.refuses(t, "google-user", map[string]trap{
		"an email of the list on a private account": {change: jwkstest.Claims{"hd": nil}, want: reason.MissingClaim, hint: "add its hd to the hosted domains"},
		"of another domain":                         {change: jwkstest.Claims{"hd": "evil.example"}, want: reason.WrongClient, hint: "add its hd to the hosted domains"},
		"of the domain, and not on the list":        {change: jwkstest.Claims{"email": "bob@acme.example"}, want: reason.WrongClient, hint: name},
	})
}

func TestClientsDoNotWidenWhoMayCallFromGoogle(t *testing.T) {
	t.Parallel()
	p := providers.Google(providers.GoogleCallers{Emails: []string{shopAccount}}, runService)
	w := newServer(t, googleIssuer, p.WithClients())
	assert.Equal(t, reason.WrongClient, w.look(t, "google-service-account", jwkstest.Claims{"email": "x@evil.example"}).Reason)
}

func TestGoogleMistakes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		callers providers.GoogleCallers
		says    string
	}{
		"anybody":             {providers.GoogleCallers{}, "Emails is not set: give the email of each account that may call (or HostedDomains): everyone can get a token"},
		"no address":          {providers.GoogleCallers{Emails: []string{"acme.example"}}, `Emails: "acme.example" is no email address`},
		"all of a domain":     {providers.GoogleCallers{Emails: []string{"*@acme.example"}}, `Emails: "*@acme.example" is no email address`},
		"an empty email":      {providers.GoogleCallers{Emails: []string{""}}, `Emails: "" is no email address`},
		"several in one":      {providers.GoogleCallers{Emails: []string{"a@x.example,b@x.example"}}, "holds a comma"},
		"an email, no domain": {providers.GoogleCallers{HostedDomains: []string{"ada@acme.example"}}, `HostedDomains: "ada@acme.example": give the domain alone`},
		"an empty domain":     {providers.GoogleCallers{HostedDomains: []string{""}}, "give the domain alone"},
	} {
		p := providers.Google(row.callers)
		assert.ErrorContains(t, p.Err, row.says, name)
		assert.ErrorContains(t, p.Err, "audiences is not set", "%s: all at once", name)
		assert.Empty(t, p.Issuers, name)
	}
}

// Both names of the issuer are accepted. Whoever is on the list may call.
func ExampleGoogle() {
	p := providers.Google(providers.GoogleCallers{Emails: []string{"shop@acme-prod.iam.gserviceaccount.com"}}, "https://orders-abc123.run.app")
	for i := range p.Issuers {
		fmt.Println(p.Issuers[i].Tokens.Name, p.Issuers[i].Tokens.Limits[1].Values)
	}

	fmt.Println(providers.Google(providers.GoogleCallers{}, "https://orders-abc123.run.app").Err)
	// Output:
	// https://accounts.google.com [shop@acme-prod.iam.gserviceaccount.com]
	// accounts.google.com [shop@acme-prod.iam.gserviceaccount.com]
	// providers: Google: Emails is not set: give the email of each account that may call (or HostedDomains): everyone can get a token of Google's for any audience
}

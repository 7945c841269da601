package providers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// The recipes of the guide's page about providers, for servers without a preset.

func pingFederate() providers.Provider {
	p := providers.Generic("https://pf.example", "https://mcp.example.internal/mcp")
	p.Issuers[0].Tokens.Types = []string{"at+jwt"}
	p.Issuers[0].Tokens.Required = []string{"client_id"}
	return p
}

func dex() providers.Provider {
	p := providers.Generic("https://dex.example", "orders") // the id of the client, which its aud is
	p.Issuers[0].Tokens.Markers = []verifier.Marker{{Claim: "c_hash"}, {Claim: "events"}}
	p.Issuers[0].Tokens.Claims.Roles = []claims.Source{{Path: claims.Path{"groups"}}}
	return p
}

func curity() providers.Provider {
	p := providers.Generic("https://id.example/oauth/v2/oauth-anonymous", "api.example.com")
	p.Issuers[0].Tokens.Markers = []verifier.Marker{{Claim: "purpose", Is: []string{"access_token"}}}
	return p
}

func forgeRock() providers.Provider {
	p := providers.Generic("https://x.forgeblocks.example:443/am/oauth2/alpha", "a2b3") // the port counts; aud is the client's id
	t := &p.Issuers[0].Tokens
	t.Markers = []verifier.Marker{{Claim: "tokenName", Is: []string{"access_token"}}}
	t.Claims.Caller = []claims.Evidence{{Is: claims.CallerApp, Claim: "grant_type", Equals: "client_credentials"}}
	return p
}

func iap() providers.Provider {
	p := providers.Generic("https://cloud.google.com/iap", "/projects/1234/global/backendServices/5678")
	p.Issuers[0].Tokens.Algorithms = []string{"ES256"}
	return p.WithJWKS("https://www.gstatic.com/iap/verify/public_key-jwk")
}

// fromIAP judges by the proxy's header alone, whatever the caller sent.
func fromIAP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Authorization")
		if assertion := r.Header.Get("X-Goog-IAP-JWT-Assertion"); assertion != "" {
			r.Header.Set("Authorization", "Bearer "+assertion)
		}
		next.ServeHTTP(w, r)
	})
}

func TestRecipes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		provider providers.Provider
		want     seen
		traps    map[string]trap
	}{
		"pingfederate": {
			pingFederate(),
			seen{Client: "perf-agent-3", Scopes: []string{"mcp:tools:invoke"}},
			map[string]trap{
				"another token manager's typ": {change: jwkstest.Header{"typ": "JWT"}, want: reason.UnsupportedType, hint: "Types"},
				"no client":                   {change: jwkstest.Claims{"client_id": nil}, want: reason.MissingClaim, hint: "client_id"},
			},
		},
		"dex": {
			dex(),
			seen{Roles: []string{"staff"}, Caller: claims.CallerUnknown},
			map[string]trap{
				"another client's token": {change: jwkstest.WithAudience("webshop"), want: reason.WrongAudience, hint: "another API"},
				"an ID token by c_hash":  {change: jwkstest.Claims{"c_hash": "x"}, want: reason.UnsupportedType, hint: "c_hash"},
			},
		},
		"curity": {
			curity(),
			seen{Scopes: []string{"openid", "profile", "orders"}},
			map[string]trap{
				"an ID token":     {change: jwkstest.Claims{"purpose": "id"}, want: reason.UnsupportedType, hint: `purpose "id"`},
				"no purpose":      {change: jwkstest.Claims{"purpose": nil}, want: reason.UnsupportedType, hint: "purpose"},
				"an opaque token": {token: "_0XBPWQQ_3a7e4c4f", want: reason.Malformed, hint: "opaque token"},
			},
		},
		"forgerock": {
			forgeRock(),
			seen{Scopes: []string{"mail"}, Caller: claims.CallerApp},
			map[string]trap{
				"iss without the port": {change: jwkstest.Claims{"iss": "https://x.forgeblocks.example/am/oauth2/alpha"}, want: reason.UnknownIssuer, hint: "Only the port differs"},
				"a refresh token":      {change: jwkstest.Claims{"tokenName": "refresh_token"}, want: reason.UnsupportedType, hint: "tokenName"},
				"an ID token":          {change: jwkstest.Claims{"tokenName": "id_token"}, want: reason.UnsupportedType, hint: "tokenName"},
				"another client":       {change: jwkstest.WithAudience("c4d5"), want: reason.WrongAudience, hint: "another API"},
			},
		},
	} {
		w := newServer(t, row.provider.Issuers[0].Tokens.Name, row.provider)
		w.accepts(t, map[string]seen{name: row.want})
		w.refuses(t, name, row.traps)
	}
}

func TestTheRecipeForIAP(t *testing.T) {
	t.Parallel()
	c := cloud{}
	p := iap()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName(p.Issuers[0].Tokens.Name), jwkstest.WithAlgorithm("ES256"))
	c[p.Issuers[0].Source.JWKSURL] = iss
	gate := c.gate(t, p)
	good := load(t, "iap").mint(t, iss)
	h := fromIAP(gate.Authenticate(orders))
	for name, row := range map[string]struct {
		assertion, authorization string
		want                     int
	}{
		"the proxy's header":                          {good, "", http.StatusOK},
		"the proxy's header, whatever the caller has": {good, "Basic eDp5", http.StatusOK},
		"no header of the proxy's":                    {"", "", http.StatusUnauthorized},
		"the caller's own header":                     {"", "Bearer " + good, http.StatusUnauthorized},
		"another backend":                             {load(t, "iap").mint(t, iss, jwkstest.WithAudience("/projects/1234/global/backendServices/9")), "", http.StatusUnauthorized},
		"another algorithm":                           {load(t, "iap").mint(t, iss, jwkstest.WithAlgorithm("RS256")), "", http.StatusUnauthorized},
	} {
		r := httptest.NewRequest(http.MethodGet, "/orders", http.NoBody)
		r.Header.Set("X-Goog-IAP-JWT-Assertion", row.assertion)
		if row.authorization != "" {
			r.Header.Set("Authorization", row.authorization)
		}
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		assert.Equal(t, row.want, recorder.Code, name)
	}
}

// A server without a preset is Generic and what is peculiar to its tokens.
func ExampleGeneric() {
	p := providers.Generic("https://id.example/oauth/v2/oauth-anonymous", "api.example.com")
	p.Issuers[0].Tokens.Markers = []verifier.Marker{{Claim: "purpose", Is: []string{"access_token"}}}
	fmt.Println(p.Issuers[0].Tokens.Name, p.Issuers[0].Tokens.Markers[0].Claim)
	// Output:
	// https://id.example/oauth/v2/oauth-anonymous purpose
}

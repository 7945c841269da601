package sallyport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// allBound confirms jkt, whatever it is.
type allBound struct{}

func (allBound) Confirms() []string { return []string{"jkt"} }
func (allBound) Check(*http.Request, middleware.Credential, *claims.Claims) error {
	return nil
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	const resource = "https://api.example/mcp"
	strict := jwkstest.Header{"typ": "at+jwt"}
	bound := jwkstest.Claims{"cnf": map[string]any{"jkt": "x"}}
	for name, row := range map[string]struct {
		profile   sallyport.Profile
		algorithm string
		token     []jwkstest.TokenOption
		status    int
		challenge string
	}{
		"39 RFC 9068 takes at+jwt":              {profile: sallyport.RFC9068, token: []jwkstest.TokenOption{strict}, status: 200},
		"39 and not JWT":                        {profile: sallyport.RFC9068, token: []jwkstest.TokenOption{jwkstest.Header{"typ": "JWT"}}, status: 401},
		"43 it wants a jti":                     {profile: sallyport.RFC9068, token: []jwkstest.TokenOption{strict, jwkstest.Claims{"jti": nil}}, status: 401},
		"89 FAPI takes a token that is bound":   {profile: sallyport.FAPI2, token: []jwkstest.TokenOption{bound}, status: 200},
		"89 and none that is not":               {profile: sallyport.FAPI2, status: 401},
		"90 FAPI takes PS256":                   {profile: sallyport.FAPI2, algorithm: "PS256", token: []jwkstest.TokenOption{bound}, status: 200},
		"90 FAPI takes EdDSA":                   {profile: sallyport.FAPI2, algorithm: "EdDSA", token: []jwkstest.TokenOption{bound}, status: 200},
		"90 and not RS256":                      {profile: sallyport.FAPI2, algorithm: "RS256", token: []jwkstest.TokenOption{bound}, status: 401},
		"96 MCP takes a token for the resource": {profile: sallyport.MCP, token: []jwkstest.TokenOption{jwkstest.Claims{"aud": resource}}, status: 200},
		"96 and not for another":                {profile: sallyport.MCP, token: []jwkstest.TokenOption{jwkstest.Claims{"aud": "https://api.example/other"}}, status: 401},
		"94 MCP names the metadata and the scope": {
			profile: sallyport.MCP, token: []jwkstest.TokenOption{jwkstest.Claims{"aud": "x"}}, status: 401,
			challenge: `Bearer realm="api", error="invalid_token", resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp", scope="get"`,
		},
		"no profile takes any of the default algorithms": {algorithm: "RS256", status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			algorithm := row.algorithm
			if algorithm == "" {
				algorithm = "ES256"
			}
			iss := newIssuer(t, jwkstest.WithAlgorithm(algorithm))
			cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), iss.Audience(), resource)}, Profile: row.profile}
			switch row.profile {
			case sallyport.FAPI2:
				cfg.Guard.Bindings = []middleware.Binding{allBound{}}
			case sallyport.MCP:
				cfg.Guard.Resource = resource
			}
			gate, err := sallyport.Open(cfg)
			require.NoError(t, err)
			defer gate.Close()
			r := httptest.NewRequest(http.MethodGet, "/mcp", nil)
			r.Header.Set("Authorization", "Bearer "+iss.Token(append([]jwkstest.TokenOption{jwkstest.Claims{"scope": "get"}}, row.token...)...))
			w := httptest.NewRecorder()
			gate.Require(claims.AllScopes("get"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			assert.Equal(t, row.status, w.Code)
			if row.challenge != "" {
				assert.Equal(t, row.challenge, w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestProfilesThatCannotHold(t *testing.T) {
	t.Parallel()
	issuer := func(algorithms ...string) providers.Provider {
		p := providers.Generic("https://issuer.example", "api://orders")
		p.Issuers[0].Tokens.Algorithms = algorithms
		return p
	}
	for want, cfg := range map[string]sallyport.Config{
		`Profile "fapi3" is none: use rfc9068, fapi2 or mcp`:                              {Profile: "fapi3", Providers: []providers.Provider{issuer()}},
		"give Guard.Bindings one, of DPoP or of cert":                                     {Profile: sallyport.FAPI2, Providers: []providers.Provider{issuer()}},
		"signs with none of PS256, ES256 and EdDSA":                                       {Profile: sallyport.FAPI2, Providers: []providers.Provider{issuer("RS256")}, Guard: middleware.Config{Bindings: []middleware.Binding{allBound{}}}},
		"Profile mcp wants Guard.Resource":                                                {Profile: sallyport.MCP, Providers: []providers.Provider{issuer()}},
		"Profile rfc9068 wants an audience in each token: leave out NoAudience of issuer": {Profile: sallyport.RFC9068, Providers: []providers.Provider{issuer().WithNoAudience("", "partner")}},
		"Profile mcp wants an audience in each token": {
			Profile: sallyport.MCP, Providers: []providers.Provider{providers.Generic("https://issuer.example", "https://api.example/mcp").WithNoAudience("", "partner")},
			Guard: middleware.Config{Resource: "https://api.example/mcp"},
		},
		`are not "https://api.example/mcp"`: {Profile: sallyport.MCP, Providers: []providers.Provider{issuer()}, Guard: middleware.Config{Resource: "https://api.example/mcp"}},
	} {
		_, err := sallyport.Open(cfg)
		require.ErrorContains(t, err, want)
	}
}

// Verify and Explain run no Guard, and must not take what it would refuse.
func TestRow89NoTokenIsTakenWithoutARequestWhereEachMustBeBound(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, jwkstest.WithAlgorithm("ES256"))
	generic := []providers.Provider{providers.Generic(iss.Issuer(), iss.Audience())}
	guard := middleware.Config{Bindings: []middleware.Binding{allBound{}}}
	byHand := guard
	byHand.SenderConstrained = true
	for name, cfg := range map[string]sallyport.Config{
		"89 by the profile": {Providers: generic, Profile: sallyport.FAPI2, Guard: guard},
		"89 by the Guard":   {Providers: generic, Guard: byHand},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate, err := sallyport.Open(cfg)
			require.NoError(t, err)
			defer gate.Close()
			assert.Empty(t, generic[0].Issuers[0].Tokens.Required, "the caller's provider is not written to")
			for token, want := range map[string]reason.Code{
				iss.Token(): reason.MissingClaim,
				iss.Token(jwkstest.Claims{"cnf": map[string]any{"jkt": "x"}}): reason.UnsupportedBinding,
			} {
				_, err := gate.Verify(t.Context(), token)
				require.ErrorIs(t, err, want)
				assert.Equal(t, want, gate.Explain(t.Context(), token).Reason)
			}
		})
	}
}

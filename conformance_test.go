package sallyport_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/revocation"
)

// refusedTokens are of every kind that is refused.
func refusedTokens(a *api) map[string]string {
	return map[string]string{
		"opaque":                          "NgXCXRKcMz0Yjw=",
		"encrypted":                       "e30.e30.e30.e30.e30",
		"too large":                       a.token(jwkstest.Claims{"fill": strings.Repeat("x", 9000)}),
		"crit":                            a.token(jwkstest.Header{"crit": []string{"x"}}),
		"none":                            a.token(jwkstest.Header{"alg": "none"}),
		"another type":                    a.token(jwkstest.Header{"typ": "dpop+jwt"}),
		"an unknown key":                  a.token(jwkstest.Header{"kid": "unknown-canary"}),
		"another issuer":                  a.token(jwkstest.Claims{"iss": "https://other-canary.example"}),
		"another audience":                a.token(jwkstest.Claims{"aud": "audience-canary", "sub": "subject-canary"}),
		"expired":                         a.token(jwkstest.Claims{"exp": time.Now().Add(-time.Hour), "sub": "subject-canary"}),
		"not yet valid":                   a.token(jwkstest.Claims{"nbf": time.Now().Add(time.Hour), "jti": "jti-canary"}),
		"without exp":                     a.token(jwkstest.Claims{"exp": nil}),
		"a claim of another type":         a.token(jwkstest.Claims{"sub": []string{"subject-canary"}}),
		"bound":                           a.token(jwkstest.Claims{"cnf": map[string]string{"jkt": "jkt-canary"}}),
		"an ID token":                     a.token(jwkstest.Claims{"at_hash": "hash-canary"}),
		"quotes and line ends in the kid": a.token(jwkstest.Header{"kid": "\"\r\nX-Evil: 1\\ å"}),
		"quotes and line ends in claims":  a.token(jwkstest.Claims{"iss": "\"\r\nX-Evil: 1", "aud": "\", error=\"", "scope": "\"\r\n å", "client_id": "\r\n"}),
	}
}

func TestConformanceOfSilence(t *testing.T) {
	t.Parallel()
	t.Run("14 the token is never in logs, errors, metrics or traces", func(t *testing.T) {
		t.Parallel()
		a := newAPI(t)
		tokens := refusedTokens(a)
		tokens["good"] = a.token(jwkstest.Claims{"sub": "subject-canary"})
		tokens["without scope"] = a.token(jwkstest.Claims{"scope": "scope-canary", "client_id": "client-canary"})
		for _, token := range tokens {
			a.call(t, token)
			if _, err := a.gate.Verify(t.Context(), token); err != nil {
				a.record("%v %+v %#v", err, err, err.Error())
			}
		}
		recorded := a.everything(t)
		assert.Contains(t, recorded, "sallyport.requests", "there is something to look at")
		assert.Contains(t, recorded, "sallyport.jwks.fetches")
		assert.Contains(t, recorded, "span jwks.fetch")
		assert.Contains(t, recorded, "reason=wrong_audience")
		for name, token := range tokens {
			for part := range strings.SplitSeq(token, ".") {
				if len(part) > 8 {
					assert.NotContains(t, recorded, part[:8], name)
				}
			}
		}
		assert.NotContains(t, strings.ReplaceAll(recorded, "unknown-canary", ""), "canary", "nor a claim's value; a kid may be")
	})
}

func TestConformanceOfAFAPIResourceServer(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	client := iss.NewProver("ES256")
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example"})
	require.NoError(t, err)
	denied, err := revocation.New(revocation.Config{})
	require.NoError(t, err)
	require.NoError(t, denied.Deny(t.Context(), revocation.Token(iss.Issuer(), "withdrawn", time.Time{})))
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), audience, "https://api.example/other")}, Profile: sallyport.FAPI2}
	cfg.Guard.Bindings = []middleware.Binding{proofs}
	cfg.Verifier.Revoked = denied.Revoked
	gate, err := sallyport.Open(cfg)
	gate = closing(t, gate, err)
	api := gate.Require(claims.AllScopes("get"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	token := func(changes jwkstest.Claims) string {
		return iss.Token(client.Bound(), jwkstest.Claims{"scope": "get"}, changes)
	}
	sent := func(token string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "https://api.example/orders", nil)
		client.SetProof(r, token)
		return r
	}
	inQuery := sent(token(nil))
	inQuery.URL.RawQuery = "access_token=" + strings.TrimPrefix(inQuery.Header.Get("Authorization"), "DPoP ")
	inQuery.Header.Del("Authorization")
	doubled := sent(token(nil))
	doubled.Header.Add("Authorization", doubled.Header.Get("Authorization"))
	good := token(nil)
	for name, row := range map[string]struct {
		request *http.Request
		status  int
		flaw    string
	}{
		"85 87 a good token in the header":             {sent(good), 200, ""},
		"86 100 a good token in the query is not read": {inQuery, 401, ""},
		"87 one that has expired":                      {sent(token(jwkstest.Claims{"exp": time.Now().Add(-time.Hour)})), 401, "invalid_token"},
		"87 one that is not valid yet":                 {sent(token(jwkstest.Claims{"nbf": time.Now().Add(time.Hour)})), 401, "invalid_token"},
		"87 one that was changed":                      {sent(good[:len(good)-12] + "AAAAAAAAAAAA"), 401, "invalid_token"},
		"87 one that was withdrawn":                    {sent(token(jwkstest.Claims{"jti": "withdrawn"})), 401, "invalid_token"},
		"88 a header that came twice":                  {doubled, 400, "invalid_request"},
		"88 a scope that is lacking":                   {sent(token(jwkstest.Claims{"scope": "put"})), 403, "insufficient_scope"},
		"84 one that is for another API too":           {sent(token(jwkstest.Claims{"aud": []string{"api://stock", "https://api.example/other"}})), 200, ""},
		"84 one that is for several others":            {sent(token(jwkstest.Claims{"aud": []string{"api://stock", "https://api.example"}})), 401, "invalid_token"},
		"84 one whose list has only its beginning":     {sent(token(jwkstest.Claims{"aud": []string{"https://api.example/other/more"}})), 401, "invalid_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			api.ServeHTTP(w, row.request)
			assert.Equal(t, row.status, w.Code)
			challenges := strings.Join(w.Header().Values("WWW-Authenticate"), ", ")
			if row.flaw == "" {
				assert.NotContains(t, challenges, "error=")
				return
			}
			assert.Contains(t, challenges, `error="`+row.flaw+`"`)
		})
	}
}

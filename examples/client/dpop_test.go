package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// issuer answers requests for tokens: it binds them to the key of the proof, and
// asks for a nonce first.
func issuer(iss *jwkstest.Issuer, tokenType string, requests *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*requests++
		var header struct{ JWK struct{ X, Y string } }
		var payload struct{ Nonce, Htm, Htu, Ath string }
		parts := strings.Split(r.Header.Get("DPoP"), ".")
		for i, to := range []any{&header, &payload} {
			text, _ := base64.RawURLEncoding.DecodeString(parts[i])
			_ = json.Unmarshal(text, to)
		}
		w.Header().Set("Content-Type", "application/json")
		if payload.Nonce != "nonce-of-the-issuer" || payload.Htm != "POST" || !strings.HasSuffix(payload.Htu, "/token") || payload.Ath != "" || r.FormValue("grant_type") == "" {
			w.Header().Set("DPoP-Nonce", "nonce-of-the-issuer")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"use_dpop_nonce"}`))
			return
		}
		thumbprint := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, header.JWK.X, header.JWK.Y))
		token := iss.Token(jwkstest.Claims{"cnf": map[string]any{"jkt": base64.RawURLEncoding.EncodeToString(thumbprint[:])}})
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": tokenType, "expires_in": 3600})
	}
}

func TestProofsAreMadeAndNoncesFollowed(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	api := httptest.NewUnstartedServer(nil)
	api.Start()
	t.Cleanup(api.Close)
	binding, err := dpop.New(dpop.Config{Origin: api.URL, Required: true, Nonces: dpop.NewNonces()})
	require.NoError(t, err)
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), "api://orders")}}
	cfg.Guard.Bindings = []middleware.Binding{binding}
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	calls := 0
	guarded := gate.Require(claims.AnyToken())(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("orders")) }))
	api.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls++; guarded.ServeHTTP(w, r) })
	requests := 0
	auth := httptest.NewServer(issuer(iss, "DPoP", &requests))
	t.Cleanup(auth.Close)

	args := []string{"-token-url", auth.URL + "/token", "-client-id", "c", "-api", api.URL + "/orders?x=1", "-n", "3"}
	code, out, errs := program(t.Context(), "s", append(args, "-dpop")...)
	require.Equal(t, exitOK, code, errs)
	assert.Equal(t, 3, strings.Count(out, "-> 200 OK orders\n"), out)
	assert.Equal(t, 2, requests, "one for the nonce")
	assert.Equal(t, 4, calls, "one for the nonce")

	bearer := httptest.NewServer(issuer(iss, "Bearer", &requests))
	t.Cleanup(bearer.Close)
	args[1] = bearer.URL + "/token"
	code, _, errs = program(t.Context(), "s", append(args, "-dpop")...)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, errs, `sent a token of type "Bearer", which is bound to no key`)
	assert.Equal(t, 4, calls, "and is shown to nobody")
}

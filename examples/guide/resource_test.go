package guide_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

func TestStepUp(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://issuer.example/", "api://payments", jwkstest.Claims{"scope": "payments.write"})
	gate := closed(t)(sallyport.NewFrom(withKeys(providers.Generic(iss.Issuer(), iss.Audience()), iss)))
	mux, pay := http.NewServeMux(), ok

	mux.Handle("POST /payments", gate.Require(claims.AllOf(
		claims.AllScopes("payments.write"),
		claims.AnyACR("urn:example:mfa", "urn:example:hardware"), // in order of preference
		claims.AuthenticatedWithin(5*time.Minute),
	))(pay))

	login := func(acr string, ago time.Duration) string {
		return iss.Token(jwkstest.Claims{"acr": acr, "auth_time": time.Now().Add(-ago).Unix()})
	}
	assert.Equal(t, 200, call(mux, "POST", "/payments", login("urn:example:hardware", time.Minute)).Code)
	assert.Equal(t, 200, call(mux, "POST", "/payments", login("urn:example:mfa", 5*time.Minute+20*time.Second)).Code, "within the leeway")
	for name, token := range map[string]string{
		"a weak login":  login("urn:example:pwd", time.Minute),
		"an old login":  login("urn:example:mfa", 6*time.Minute),
		"no such claim": iss.Token(),
	} {
		refused := call(mux, "POST", "/payments", token)
		assert.Equal(t, 401, refused.Code, name)
		assert.Equal(t, `Bearer realm="api", error="insufficient_user_authentication", acr_values="urn:example:mfa urn:example:hardware", max_age="300"`,
			refused.Header().Get("WWW-Authenticate"), name)
	}
	assert.Equal(t, 403, call(mux, "POST", "/payments", iss.Token(jwkstest.Claims{"scope": "payments.read"})).Code)
}

// The document says what the rules say, whichever router they are given to.
func TestMetadata(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://issuer.example/", "api://orders")
	list := ok
	for name, serve := range map[string]func(*sallyport.Gate, http.Handler) http.Handler{
		"net/http": func(gate *sallyport.Gate, metadata http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle(gate.MetadataPath(), metadata) // /.well-known/oauth-protected-resource/orders
			mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(list))
			return mux
		},
		"Chi": func(gate *sallyport.Gate, metadata http.Handler) http.Handler {
			r := chi.NewRouter()
			r.Handle(gate.MetadataPath(), metadata)
			r.With(gate.Require(claims.AllScopes("orders.read"))).Get("/orders", list)
			return r
		},
		"Gin": func(gate *sallyport.Gate, metadata http.Handler) http.Handler {
			r := gin.New()
			r.Any(gate.MetadataPath(), gin.WrapH(metadata))
			r.GET("/orders", ginauth.Require(gate, claims.AllScopes("orders.read")), gin.WrapF(list))
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := sallyport.Config{Providers: []providers.Provider{withKeys(providers.Generic(iss.Issuer(), iss.Audience()), iss)}}
			cfg.Guard.Resource = "https://api.example/orders"
			gate, err := sallyport.Open(cfg)
			closed(t)(gate, err)
			metadata, err := gate.MetadataHandler(middleware.Metadata{More: map[string]any{"resource_name": "Orders"}})
			require.NoError(t, err)
			h := serve(gate, metadata)

			assert.Equal(t, `Bearer realm="api", resource_metadata="https://api.example/.well-known/oauth-protected-resource/orders"`,
				call(h, "GET", "/orders", "").Header().Get("WWW-Authenticate"))
			answer := call(h, "GET", gate.MetadataPath(), "", "Origin", "https://client.example")
			assert.Equal(t, 200, answer.Code)
			assert.Equal(t, "*", answer.Header().Get("Access-Control-Allow-Origin"))
			var document map[string]any
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &document))
			assert.Equal(t, map[string]any{
				"resource": "https://api.example/orders", "authorization_servers": []any{iss.Issuer()}, "scopes_supported": []any{"orders.read"},
				"bearer_methods_supported": []any{"header"}, "resource_name": "Orders",
			}, document)
			for method, status := range map[string]int{"HEAD": 200, "OPTIONS": 204, "POST": 405, "DELETE": 405} {
				assert.Equal(t, strconv.Itoa(status), strconv.Itoa(call(h, method, gate.MetadataPath(), "").Code), method)
			}
		})
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic("https://issuer.example/", "api://orders")}}
	cfg.Profile = sallyport.FAPI2
	_, err := sallyport.Open(cfg)
	assert.ErrorContains(t, err, "give Guard.Bindings one, of DPoP or of certificates")
}

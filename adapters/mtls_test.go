package adapters_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

type reasonKey struct{}

// Every framework judges certificates alike: by the same Binding, with the same
// answers and reasons.
func TestRow72CertificatesInEveryFramework(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience(audience), jwkstest.WithAlgorithm("ES256"))
	binding, err := mtls.New(mtls.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}})
	require.NoError(t, err)
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(iss.Issuer(), audience)},
		Guard: middleware.Config{
			Bindings: []middleware.Binding{binding},
			OnEvent: func(ctx context.Context, ev middleware.Event) {
				if why, ok := ctx.Value(reasonKey{}).(*reason.Code); ok {
					*why = ev.Reason
				}
			},
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	route := endpoint{"GET", "/orders", guarded, claims.AllScopes("orders.read")}
	doors, gins := route.doors(gate)
	mux, router, engine := http.NewServeMux(), chi.NewRouter(), gin.New()
	onMux(mux)("GET", route.pattern, doors, gins)
	onChi(router)("GET", route.pattern, doors, gins)
	onGin(engine)("GET", route.pattern, doors, gins)

	cert, scope := iss.NewCertificate(), jwkstest.Claims{"scope": "orders.read"}
	direct := cert.On(httptest.NewRequest(http.MethodGet, "/orders", nil))
	behind := httptest.NewRequest(http.MethodGet, "/orders", nil)
	behind.RemoteAddr = "10.0.0.7:4711"
	behind.Header.Set("Client-Cert", cert.ClientCert())
	for name, api := range map[string]http.Handler{"net/http": mux, "Chi": router, "Gin": engine} {
		for how, request := range map[string]*http.Request{"72 by its connection in ": direct, "73 by a proxy in ": behind} {
			t.Run(how+name, func(t *testing.T) {
				t.Parallel()
				serve := func(r *http.Request) (status int, why reason.Code) {
					w := httptest.NewRecorder()
					api.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), reasonKey{}, &why)))
					return w.Code, why
				}
				good := request.Clone(t.Context())
				good.Header.Set("Authorization", "Bearer "+iss.Token(scope, cert.Bound()))
				status, _ := serve(good)
				assert.Equal(t, http.StatusOK, status)
				count := 0
				for forgery, f := range iss.CertificateForgeries(request, scope, cert.Bound()) {
					status, why := serve(f.Request)
					assert.Equal(t, http.StatusUnauthorized, status, forgery)
					assert.Equal(t, f.Reason, why, forgery)
					count++
				}
				assert.Greater(t, count, 75)
			})
		}
	}
}

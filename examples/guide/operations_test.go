package guide_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
)

// house is what every service of the house does alike; the environment says
// whom each trusts.
func house(log *slog.Logger) (*sallyport.Gate, error) {
	cfg := sallyport.Config{Logger: log}
	cfg.Keys.Timeout = 3 * time.Second
	cfg.Verifier.MaxAge = 24 * time.Hour
	cfg.Guard.ProblemJSON = true
	cfg.Guard.LogClientID = true
	cfg.Guard.Exempt = []string{"GET /readyz"}
	return sallyport.FromEnv(cfg)
}

func TestOneConfigurationForAHouse(t *testing.T) {
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	t.Setenv("SALLYPORT_ISSUER", iss.Issuer())
	t.Setenv("SALLYPORT_AUDIENCE", "api://orders")
	var log bytes.Buffer
	gate := closed(t)(house(slog.New(slog.NewTextHandler(&log, nil))))
	assert.Equal(t, 200, call(gate.Authenticate(ok), "GET", "/orders", iss.Token()).Code)
	assert.Equal(t, 200, call(gate.Authenticate(ok), "GET", "/readyz", "").Code)
	refused := call(gate.Authenticate(ok), "GET", "/orders", iss.Token(jwkstest.WithAudience("api://billing")))
	assert.Equal(t, 401, refused.Code)
	assert.Equal(t, "application/problem+json", refused.Header().Get("Content-Type"))
	assert.Contains(t, log.String(), "reason=wrong_audience")
	t.Setenv("SALLYPORT_AUDIENC", "api://orders")
	_, err := house(slog.New(slog.DiscardHandler))
	assert.ErrorContains(t, err, "SALLYPORT_AUDIENC", "a misspelt variable ends the start")
}

// statusPages are for probes, and for people on call.
func statusPages(gate *sallyport.Gate, mux *http.ServeMux) {
	mux.Handle("GET /readyz", gate.ReadinessHandler())
	mux.Handle("GET /internal/keys", gate.Require(claims.AnyRole("Operator"))(gate.StatusHandler()))
}

func TestStatusIsForOperators(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	gate := closed(t)(sallyport.New(iss.Issuer(), iss.Audience()))
	mux := http.NewServeMux()
	statusPages(gate, mux)
	assert.Equal(t, 401, call(mux, "GET", "/internal/keys", "").Code)
	assert.Equal(t, 403, call(mux, "GET", "/internal/keys", iss.Token()).Code)
	page := call(mux, "GET", "/internal/keys", iss.Token(jwkstest.Claims{"roles": []string{"Operator"}}))
	assert.Contains(t, page.Body.String(), `"state":"usable"`)
}

// shadowed lets everything through, and logs what it would have refused.
func shadowed(p providers.Provider, log *slog.Logger) (*sallyport.Gate, error) {
	return sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{p},
		Logger:    log,
		Guard:     middleware.Config{Shadow: true, LogClientID: true}, // THE API IS OPEN
	})
}

func TestShadow(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.Claims{"client_id": "warehouse"})
	var log bytes.Buffer
	gate := closed(t)(shadowed(providers.Generic(iss.Issuer(), iss.Audience()), slog.New(slog.NewTextHandler(&log, nil))))
	api := gate.Require(claims.AllScopes("orders.read"))(ok)
	assert.Equal(t, 200, call(api, "GET", "/orders", iss.Token()).Code)
	assert.Contains(t, log.String(), `msg="request would be refused" reason=insufficient_scope status=403`)
	assert.Contains(t, log.String(), "client_id=warehouse")
	log.Reset()
	old := call(api, "GET", "/orders", "", "Authorization", "Boknett TGT-1234")
	assert.Equal(t, 200, old.Code)
	assert.Contains(t, log.String(), "reason=unsupported_scheme status=401")
	assert.Empty(t, old.Body.String(), "its handler sees no claims")
}

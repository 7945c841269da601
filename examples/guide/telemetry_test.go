package guide_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

func TestTelemetry(t *testing.T) {
	t.Parallel()
	meters, tracers := noop.NewMeterProvider(), tracenoop.NewTracerProvider()
	gate, err := sallyport.Open(sallyport.Config{
		Providers:      []providers.Provider{providers.Generic("https://issuer.example/", "api://orders")},
		MeterProvider:  meters,  // metric.NewMeterProvider of go.opentelemetry.io/otel/sdk
		TracerProvider: tracers, // spans of fetches, and the decision in the span of each request
	})
	closed(t)(gate, err)
}

// Not parallel: it replaces the default logger and standard output.
func TestLogAndAudit(t *testing.T) {
	iss := issuerNamed(t, "https://issuer.example/", "api://orders")
	trusted := []providers.Provider{withKeys(providers.Generic(iss.Issuer(), iss.Audience()), iss)}
	var log bytes.Buffer
	usual := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(usual) })
	out, err := os.Create(t.TempDir() + "/audit.json")
	assert.NoError(t, err)
	stdout := os.Stdout
	os.Stdout = out
	t.Cleanup(func() { os.Stdout = stdout; _ = out.Close() })

	cfg := sallyport.Config{Providers: trusted, Logger: slog.Default()}
	cfg.Guard.LogClientID = true
	cfg.Guard.OnEvent = middleware.Audit(middleware.AuditConfig{
		Logger:   slog.New(slog.NewJSONHandler(os.Stdout, nil)),
		ClientID: true, // which partner
		TokenID:  true, // which token, by its jti
	})
	gate := closed(t)(sallyport.Open(cfg))
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(ok))
	assert.Equal(t, 403, call(mux, "GET", "/orders", iss.Token()).Code)

	assert.Contains(t, log.String(), "client_id=")
	record, err := os.ReadFile(out.Name())
	assert.NoError(t, err)
	assert.Contains(t, string(record), `"event.outcome":"failure"`)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

// options are what an API is made from.
type options struct {
	issuers []issuer
	log     *slog.Logger
	audit   *slog.Logger
	client  *http.Client // for keys; nil is the library's own
}

// api is the protected API and what measures it. /orders asks for the scope
// orders.read, /metrics and /readyz for nothing.
type api struct {
	http.Handler

	gate     *sallyport.Gate
	provider *metric.MeterProvider
	registry *prometheus.Registry
}

func newAPI(o options) (*api, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes),
		otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	a := &api{registry: registry, provider: metric.NewMeterProvider(metric.WithReader(exporter))}
	cfg := sallyport.Config{Logger: o.log, MeterProvider: a.provider}
	cfg.Keys.Client = o.client
	cfg.Guard.LogClientID = true
	if o.audit != nil {
		cfg.Guard.OnEvent = middleware.Audit(middleware.AuditConfig{Logger: o.audit, ClientID: true, TokenID: true})
	}
	for _, i := range o.issuers {
		cfg.Providers = append(cfg.Providers, providers.Generic(i.name, i.audiences...))
	}
	if a.gate, err = sallyport.Open(cfg); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", a.gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(orders)))
	mux.Handle("GET /readyz", a.gate.ReadinessHandler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	a.Handler = mux
	return a, nil
}

func orders(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "[]") }

// Close ends the fetches of keys and the measuring.
func (a *api) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(a.gate.Close(), a.provider.Shutdown(ctx))
}

// auditHandler writes records as ECS names what every record has.
func auditHandler(w io.Writer) slog.Handler {
	names := map[string]string{slog.TimeKey: "@timestamp", slog.LevelKey: "log.level", slog.MessageKey: "message"}
	return slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if name, ok := names[a.Key]; ok && len(groups) == 0 {
			a.Key = name
		}
		return a
	}})
}

package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// audited is the record of one request.
func audited(t *testing.T, guard middleware.Config, audit middleware.AuditConfig, rule claims.Rule, r *http.Request) map[string]any {
	t.Helper()
	var buf bytes.Buffer
	audit.Logger = slog.New(slog.NewJSONHandler(&buf, nil))
	guard.OnEvent = middleware.Audit(audit)
	mux := http.NewServeMux()
	mux.Handle("GET /orders", newGuard(t, guard).Require(rule)(handler))
	serve(mux, r)
	var record map[string]any
	require.NoError(t, json.Unmarshal(buf.Bytes(), &record), "one record: %s", buf.String())
	delete(record, "time")
	return record
}

func TestTheAuditHasARecordOfEachCall(t *testing.T) {
	t.Parallel()
	v, iss := newIssued(t)
	m := newMeasured()
	ctx, span := m.traces.Tracer("").Start(t.Context(), "request")
	t.Cleanup(func() { span.End() })
	person := jwkstest.Claims{"scope": "orders.read", "sub": "user-1", "client_id": "partner-1", "jti": "id-1"}
	common := map[string]any{
		"level": "INFO", "ecs.version": "8.17.0", "event.kind": "event", "event.category": []any{"api"}, "event.module": "sallyport", "event.dataset": "sallyport.audit",
		"http.request.method": "GET", "http.route": "/orders", "source.ip": "192.0.2.1", "source.port": 1234.0,
		"trace.id": span.SpanContext().TraceID().String(), "span.id": span.SpanContext().SpanID().String(),
	}
	allowed := map[string]any{"msg": "API access allowed", "event.type": []any{"access", "allowed"}, "event.outcome": "success"}
	denied := map[string]any{"msg": "API access denied", "event.type": []any{"access", "denied"}, "event.outcome": "failure"}
	for _, row := range []struct {
		name  string
		guard middleware.Config
		audit middleware.AuditConfig
		rule  claims.Rule
		token string
		base  map[string]any
		more  map[string]any
	}{
		{
			"a good call names nobody unless that is asked for",
			middleware.Config{},
			middleware.AuditConfig{},
			allReads(), iss.Token(person), allowed,
			map[string]any{"event.action": "verified", "sallyport.issuer": "https://issuer.example"},
		},
		{
			"a good call with whose it was",
			middleware.Config{},
			middleware.AuditConfig{ClientID: true, Subject: true, TokenID: true},
			allReads(), iss.Token(person), allowed,
			map[string]any{"event.action": "verified", "sallyport.issuer": "https://issuer.example", "sallyport.client_id": "partner-1", "user.id": "user-1", "sallyport.token_id": "id-1"},
		},
		{
			"a call that a rule refused",
			middleware.Config{},
			middleware.AuditConfig{ClientID: true},
			claims.AllScopes("orders.write"), iss.Token(person), denied,
			map[string]any{"event.action": "refused", "event.reason": "insufficient_scope", "http.response.status_code": 403.0, "sallyport.missing": []any{"orders.write"}, "sallyport.issuer": "https://issuer.example", "sallyport.client_id": "partner-1"},
		},
		{
			"a forged token names nobody, for nobody signed it",
			middleware.Config{},
			middleware.AuditConfig{ClientID: true, Subject: true, TokenID: true},
			allReads(), iss.Token(person, jwkstest.WithKey(iss.NewKey("ES256", jwkstest.JWK{"kid": "forged"}))), denied,
			map[string]any{"event.action": "refused", "event.reason": "unknown_key", "http.response.status_code": 401.0, "sallyport.issuer": "https://issuer.example", "sallyport.kid": `"forged"`},
		},
		{
			"shadow mode let the call through",
			middleware.Config{Shadow: true},
			middleware.AuditConfig{},
			claims.AllScopes("orders.write"), iss.Token(person), allowed,
			map[string]any{"event.action": "shadow", "event.reason": "insufficient_scope", "sallyport.missing": []any{"orders.write"}, "sallyport.issuer": "https://issuer.example"},
		},
		{
			"what the program adds",
			middleware.Config{},
			middleware.AuditConfig{Request: func(context.Context) []slog.Attr { return []slog.Attr{slog.String("http.request.id", "r-1")} }},
			allReads(), iss.Token(person), allowed,
			map[string]any{"event.action": "verified", "sallyport.issuer": "https://issuer.example", "http.request.id": "r-1"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.guard.Verifier = v
			want := map[string]any{}
			for _, part := range []map[string]any{common, row.base, row.more} {
				for name, value := range part {
					want[name] = value
				}
			}
			assert.Equal(t, want, audited(t, row.guard, row.audit, row.rule, withToken(row.token).WithContext(ctx)))
		})
	}
}

func TestTheAuditIsNeverCutShort(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	g := newGuard(t, middleware.Config{OnEvent: middleware.Audit(middleware.AuditConfig{Logger: slog.New(slog.NewJSONHandler(&buf, nil))})})
	for range 100 {
		serve(g.Authenticate(handler), withToken("bad"))
	}
	assert.Equal(t, 100, bytes.Count(buf.Bytes(), []byte("\n")))
}

func TestTheAuditHasNothingOfTheCallersWords(t *testing.T) {
	t.Parallel()
	r := read(t, "SECRET /SECRET?access_token=SECRET HTTP/1.1", "Host: SECRET", "User-Agent: SECRET", "Authorization: Bearer SECRET")
	var buf bytes.Buffer
	g := newGuard(t, middleware.Config{OnEvent: middleware.Audit(middleware.AuditConfig{Logger: slog.New(slog.NewJSONHandler(&buf, nil))})})
	serve(g.Authenticate(handler), r)
	assert.Contains(t, buf.String(), `"http.request.method":"_OTHER"`)
	assert.NotContains(t, buf.String(), "SECRET")
}

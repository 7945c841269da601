package middleware

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/verifier"
)

// AuditConfig says what an audit record names beside the decision. The zero
// value names nobody: no claim value is written.
type AuditConfig struct {
	_ [0]func()

	// Logger gets the records, at Info. Give it a handler of its own, whose
	// records are neither sampled nor dropped. nil is [slog.Default].
	Logger *slog.Logger

	// ClientID, Subject and TokenID add the client id, sub and jti of a verified
	// token, each cut to 128 bytes: sallyport.client_id, user.id and
	// sallyport.token_id.
	ClientID, Subject, TokenID bool

	// Request returns what is known of the request elsewhere, such as its id or
	// the address that a trusted proxy reports. nil adds nothing.
	Request func(context.Context) []slog.Attr
}

// ecsVersion is the version of the schema whose names are used.
const ecsVersion = "8.17.0"

// Audit returns a hook for [Config.OnEvent] that writes one record for each
// decision, of accepted and refused calls alike, with the field names of the
// Elastic Common Schema; see docs/guide/audit.md. It is safe for concurrent use,
// and writes before the answer is sent.
//
// ECS: https://www.elastic.co/docs/reference/ecs/ecs-field-reference
func Audit(cfg AuditConfig) func(context.Context, Event) {
	logger := cfg.Logger
	if logger == nil {
		logger = slog.Default()
	}
	return func(ctx context.Context, ev Event) {
		attrs := make([]slog.Attr, 0, 24)
		attrs = appendDecision(attrs, &ev)
		attrs = appendRequest(ctx, attrs, &ev)
		attrs = appendCaller(attrs, &cfg, &ev)
		if cfg.Request != nil {
			attrs = append(attrs, cfg.Request(ctx)...)
		}
		logger.LogAttrs(ctx, slog.LevelInfo, "API access "+kindOf(ev.Outcome), attrs...)
	}
}

// kindOf returns what became of the access, in the words of event.type.
func kindOf(o Outcome) string {
	if o == Refused {
		return "denied"
	}
	return "allowed" // in shadow mode too: the request went through
}

func appendDecision(attrs []slog.Attr, ev *Event) []slog.Attr {
	outcome := "success"
	if ev.Outcome == Refused {
		outcome = "failure"
	}
	attrs = append(attrs,
		slog.String("ecs.version", ecsVersion),
		slog.String("event.kind", "event"),
		slog.Any("event.category", []string{"api"}),
		slog.Any("event.type", []string{"access", kindOf(ev.Outcome)}),
		slog.String("event.module", "sallyport"),
		slog.String("event.dataset", "sallyport.audit"),
		slog.String("event.action", string(ev.Outcome)),
		slog.String("event.outcome", outcome))
	if ev.Reason != "" {
		attrs = append(attrs, slog.String("event.reason", string(ev.Reason)))
	}
	if ev.Outcome == Refused {
		attrs = append(attrs, slog.Int("http.response.status_code", ev.Status))
	}
	if len(ev.Missing) > 0 {
		attrs = append(attrs, slog.Any("sallyport.missing", ev.Missing))
	}
	return attrs
}

func appendRequest(ctx context.Context, attrs []slog.Attr, ev *Event) []slog.Attr {
	if ev.Method != "" {
		attrs = append(attrs, slog.String("http.request.method", ev.Method))
	}
	if ev.Route != "" {
		_, path, methodFirst := strings.Cut(ev.Route, " ")
		if !methodFirst {
			path = ev.Route
		}
		attrs = append(attrs, slog.String("http.route", strings.TrimSpace(path)))
	}
	if peer, err := netip.ParseAddrPort(ev.Peer); err == nil {
		attrs = append(attrs, slog.String("source.ip", peer.Addr().Unmap().String()), slog.Int("source.port", int(peer.Port())))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		attrs = append(attrs, slog.String("trace.id", span.TraceID().String()), slog.String("span.id", span.SpanID().String()))
	}
	return attrs
}

func appendCaller(attrs []slog.Attr, cfg *AuditConfig, ev *Event) []slog.Attr {
	named := func(wanted bool, name, value string) {
		if wanted && value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	named(true, "sallyport.issuer", ev.Issuer)
	if ve, ok := errors.AsType[*verifier.Error](ev.Err); ok {
		named(true, "sallyport.kid", ve.KeyID)
	}
	if who := ev.Claims; who != nil {
		named(cfg.ClientID, "sallyport.client_id", shortened(who.ClientID()))
		named(cfg.Subject, "user.id", shortened(who.Subject()))
		named(cfg.TokenID, "sallyport.token_id", shortened(who.ID()))
	}
	return attrs
}

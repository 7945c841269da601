package middleware

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// maxLoggedClient bounds what a client id may take in a log line, in bytes.
const maxLoggedClient = 128

// How many lines are written for a reason and an issuer: as many as that in a
// window, and then none until the next one begins.
const (
	defaultLogLimit = 10
	logWindow       = 10 * time.Second
)

// refusalLog writes refusals: at Info, and at Warn where this side is the
// trouble. It writes words of the configuration, reason codes and the key id as
// the verifier quoted and cut it. Path, query and method come from the caller and
// may hold a token: the pattern of the route is logged instead.
type refusalLog struct {
	to       *slog.Logger
	clientID bool
	limit    int // negative is none

	mu      sync.Mutex
	windows map[label]*window // as many as there are labels, at most
}

// window is the current window of one label.
type window struct {
	ends             time.Time
	written, dropped int
}

func newRefusalLog(cfg *Config) *refusalLog {
	if cfg.Logger == nil {
		return nil
	}
	limit := cfg.LogLimit
	if limit == 0 {
		limit = defaultLogLimit
	}
	return &refusalLog{to: cfg.Logger, clientID: cfg.LogClientID, limit: limit, windows: make(map[label]*window)}
}

// admit reports whether a line may be written now, and how many of its label
// were not since the last one.
func (l *refusalLog) admit(is label, now time.Time) (dropped int, ok bool) {
	if l.limit < 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[is]
	if w == nil {
		w = new(window)
		l.windows[is] = w
	}
	if !now.Before(w.ends) {
		w.ends, w.written = now.Add(logWindow), 0
	}
	if w.written >= l.limit {
		w.dropped++
		return 0, false
	}
	dropped, w.dropped = w.dropped, 0
	w.written++
	return dropped, true
}

func (l *refusalLog) write(ctx context.Context, is label, ev *Event) {
	if ev.Outcome != Refused && ev.Outcome != Shadow {
		return
	}
	level := levelOf(ev.Reason)
	if !l.to.Enabled(ctx, level) {
		return
	}
	dropped, ok := l.admit(is, time.Now())
	if !ok {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs, slog.String("reason", string(ev.Reason)), slog.Int("status", ev.Status))
	if ev.Route != "" {
		attrs = append(attrs, slog.String("pattern", ev.Route))
	}
	if len(ev.Missing) > 0 {
		attrs = append(attrs, slog.Any("missing", ev.Missing))
	}
	if ev.Issuer != "" {
		attrs = append(attrs, slog.String("issuer", ev.Issuer))
	}
	attrs = appendCause(attrs, ev)
	if l.clientID && ev.Claims != nil {
		attrs = append(attrs, slog.String("client_id", shortened(ev.Claims.ClientID())))
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		attrs = append(attrs, slog.String("trace_id", span.TraceID().String()))
	}
	if dropped > 0 {
		attrs = append(attrs, slog.Int("dropped", dropped))
	}
	message := "request refused"
	if ev.Outcome == Shadow {
		message = "request would be refused"
	}
	l.to.LogAttrs(ctx, level, message, attrs...)
}

func levelOf(code reason.Code) slog.Level {
	if classOf(code) == notJudged && code != reason.Canceled {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// shortened returns the beginning of what a claim names, cut in front of a letter so
// that it stays UTF-8.
func shortened(id string) string {
	if len(id) <= maxLoggedClient {
		return id
	}
	end := maxLoggedClient
	for end > 0 && !utf8.RuneStart(id[end]) {
		end--
	}
	return id[:end]
}

// appendCause adds what a verifier's error says. The text of its own cause is
// only taken where keys or an endpoint are the trouble: elsewhere it may be about data.
func appendCause(attrs []slog.Attr, ev *Event) []slog.Attr {
	ve, ok := errors.AsType[*verifier.Error](ev.Err)
	if !ok {
		return attrs
	}
	for _, text := range [...][2]string{{"kid", ve.KeyID}, {"detail", ve.Detail}} {
		if text[1] != "" {
			attrs = append(attrs, slog.String(text[0], text[1]))
		}
	}
	if (ve.Reason == reason.KeysUnavailable || ve.Reason == reason.IntrospectionUnavailable) && ve.Err != nil {
		attrs = append(attrs, slog.String("error", ve.Err.Error()))
	}
	return attrs
}

package middleware

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// maxLoggedClient bounds what a client id may take in a log line, in bytes.
const maxLoggedClient = 128

// log writes refusals: at Info, and at Warn where this side is the trouble.
// It knows only words of the configuration, reason codes and the key id as the
// verifier quoted and cut it. Path, query and method come from the caller and
// may hold a token, so the route's pattern stands for them.
func (g *Guard) log(r *http.Request, ev Event) {
	if ev.Outcome != Refused && ev.Outcome != Shadow {
		return
	}
	ctx, level := r.Context(), levelOf(ev.Reason)
	if !g.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("reason", string(ev.Reason)), slog.Int("status", ev.Status))
	if r.Pattern != "" {
		attrs = append(attrs, slog.String("pattern", r.Pattern))
	}
	if len(ev.Missing) > 0 {
		attrs = append(attrs, slog.Any("missing", ev.Missing))
	}
	attrs = appendCause(attrs, ev)
	if g.logClientID && ev.Claims != nil {
		attrs = append(attrs, slog.String("client_id", cut(ev.Claims.ClientID())))
	}
	message := "request refused"
	if ev.Outcome == Shadow {
		message = "request would be refused"
	}
	g.logger.LogAttrs(ctx, level, message, attrs...)
}

func levelOf(code reason.Code) slog.Level {
	if classes[code] == cannotBeJudged && code != reason.Canceled {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// appendCause adds what a verifier's error says. The text of its own cause is
// only taken where the keys are the trouble: elsewhere it may be about data.
func appendCause(attrs []slog.Attr, ev Event) []slog.Attr {
	ve, ok := errors.AsType[*verifier.Error](ev.Err)
	if !ok {
		return attrs
	}
	if ve.Issuer != "" {
		attrs = append(attrs, slog.String("issuer", ve.Issuer))
	}
	if ve.KeyID != "" {
		attrs = append(attrs, slog.String("kid", ve.KeyID))
	}
	if ve.Detail != "" {
		attrs = append(attrs, slog.String("detail", ve.Detail))
	}
	if ve.Reason == reason.KeysUnavailable && ve.Err != nil {
		attrs = append(attrs, slog.String("error", ve.Err.Error()))
	}
	return attrs
}

func cut(id string) string {
	if len(id) > maxLoggedClient {
		return id[:maxLoggedClient]
	}
	return id
}

package middleware

import (
	"context"
	"errors"
	"log/slog"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Outcome is what became of a request at a Guard.
type Outcome string

// The outcomes. A request has one per Guard, except that one which
// Authenticate verified and a Require further in refused has both.
const (
	Verified  Outcome = "verified"  // a good token, and the rule let it pass
	Anonymous Outcome = "anonymous" // no credentials where Optional allows that
	Refused   Outcome = "refused"   // answered with 400, 401, 403 or 503
	Shadow    Outcome = "shadow"    // would have been refused; shadow mode let it through
)

// Event is one decision of a Guard. Requests on exempt paths cause none.
type Event struct {
	Outcome Outcome
	// Status is the HTTP status of the answer; 0 if there was nothing to refuse.
	Status int
	// Reason is why the request was refused; "" if it was not.
	Reason reason.Code
	// Missing names what the rule requires.
	Missing []string
	// Claims are those of a verified token, also of one that a rule refused;
	// else nil. They hold personal data: choose what leaves the process.
	Claims *claims.Claims
	// Err is the cause of a refusal; nil if a rule refused. Most often it is a
	// *verifier.Error, which says which issuer and key were concerned.
	Err error
}

// maxLoggedClient bounds what a client id may take in a log line, in bytes.
const maxLoggedClient = 128

// log writes refusals: at Info, and at Warn where this side is the trouble. It
// writes words of the configuration, reason codes and the key id as the
// verifier quoted and cut it. Path, query and method come from the caller and
// may hold a token: the pattern of the route is logged instead.
func (d *decider) log(ctx context.Context, route string, ev Event) {
	if ev.Outcome != Refused && ev.Outcome != Shadow {
		return
	}
	level := levelOf(ev.Reason)
	if !d.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("reason", string(ev.Reason)), slog.Int("status", ev.Status))
	if route != "" {
		attrs = append(attrs, slog.String("pattern", route))
	}
	if len(ev.Missing) > 0 {
		attrs = append(attrs, slog.Any("missing", ev.Missing))
	}
	attrs = appendCause(attrs, ev)
	if d.logClientID && ev.Claims != nil {
		id := ev.Claims.ClientID()
		attrs = append(attrs, slog.String("client_id", id[:min(len(id), maxLoggedClient)]))
	}
	message := "request refused"
	if ev.Outcome == Shadow {
		message = "request would be refused"
	}
	d.logger.LogAttrs(ctx, level, message, attrs...)
}

func levelOf(code reason.Code) slog.Level {
	if classOf(code) == notJudged && code != reason.Canceled {
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
	for _, text := range [...][2]string{{"issuer", ve.Issuer}, {"kid", ve.KeyID}, {"detail", ve.Detail}} {
		if text[1] != "" {
			attrs = append(attrs, slog.String(text[0], text[1]))
		}
	}
	if (ve.Reason == reason.KeysUnavailable || ve.Reason == reason.IntrospectionUnavailable) && ve.Err != nil {
		attrs = append(attrs, slog.String("error", ve.Err.Error()))
	}
	return attrs
}

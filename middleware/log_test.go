package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// logger writes lines without the time.
func logger(to io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestLog(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		cfg     middleware.Config
		rule    claims.Rule
		request *http.Request
		want    string
	}{
		{"a good token leaves no line", middleware.Config{LogClientID: true}, allReads(), withToken(reader), ""},
		{"no token", middleware.Config{}, allReads(), request(), `level=INFO msg="request refused" reason=no_token status=401 pattern="GET /orders"`},
		{"a bad token, with issuer and kid", middleware.Config{LogClientID: true}, allReads(), withToken("bad"), `level=INFO msg="request refused" reason=bad_signature status=401 pattern="GET /orders" issuer=https://issuer.example kid="\"k1\""`},
		{"a missing scope, with what is missing", middleware.Config{}, claims.AllScopes("orders.write"), withToken(reader), `level=INFO msg="request refused" reason=insufficient_scope status=403 pattern="GET /orders" missing=[orders.write]`},
		{"the verified client by opt-in", middleware.Config{LogClientID: true}, claims.AllScopes("orders.write"), withToken(reader), `level=INFO msg="request refused" reason=insufficient_scope status=403 pattern="GET /orders" missing=[orders.write] client_id=reader-app`},
		{"one is cut between two letters", middleware.Config{LogClientID: true}, claims.AllScopes("orders.write"), withToken("long-letters"), `level=INFO msg="request refused" reason=insufficient_scope status=403 pattern="GET /orders" missing=[orders.write] client_id=c` + strings.Repeat("€", 42)},
		{"a long client id is cut", middleware.Config{LogClientID: true}, claims.AllScopes("orders.write"), withToken("long-client"), `level=INFO msg="request refused" reason=insufficient_scope status=403 pattern="GET /orders" missing=[orders.write] client_id=` + strings.Repeat("c", 128)},
		{"trouble with keys is a warning with its cause", middleware.Config{}, allReads(), withToken("no-keys"), `level=WARN msg="request refused" reason=keys_unavailable status=503 pattern="GET /orders" issuer=https://issuer.example detail="check the network" error="jwks: connection refused"`},
		{"trouble with keys without a cause", middleware.Config{}, allReads(), withToken("no-cause"), `level=WARN msg="request refused" reason=keys_unavailable status=503 pattern="GET /orders"`},
		{"trouble with revocation is a warning without its cause", middleware.Config{}, allReads(), withToken("no-store"), `level=WARN msg="request refused" reason=revocation_unavailable status=503 pattern="GET /orders"`},
		{"an unknown error is a warning without its text", middleware.Config{}, allReads(), withToken("unknown"), `level=WARN msg="request refused" reason=keys_unavailable status=503 pattern="GET /orders"`},
		{"a caller that went away is none", middleware.Config{}, allReads(), withToken("canceled"), `level=INFO msg="request refused" reason=canceled status=503 pattern="GET /orders"`},
		{"shadow mode says that nothing was refused", middleware.Config{Shadow: true}, allReads(), request(), `level=INFO msg="request would be refused" reason=no_token status=401 pattern="GET /orders"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := newTokens(t)
			v.claims["long-letters"] = parse(t, `{"client_id":"c`+strings.Repeat("€", 500)+`"}`)
			v.claims["long-client"] = parse(t, `{"client_id":"`+strings.Repeat("c", 500)+`"}`)
			v.errs["no-keys"] = &verifier.Error{Reason: reason.KeysUnavailable, Issuer: "https://issuer.example", Detail: "check the network", Err: errors.New("jwks: connection refused")}
			v.errs["no-cause"] = &verifier.Error{Reason: reason.KeysUnavailable}
			v.errs["no-store"] = &verifier.Error{Reason: reason.RevocationUnavailable, Err: errors.New("jti 4711 not found")}
			v.errs["unknown"] = errors.New("token unknown is unknown")
			v.errs["canceled"] = &verifier.Error{Reason: reason.Canceled, Err: context.Canceled}
			var buf bytes.Buffer
			row.cfg.Verifier, row.cfg.Logger = v, logger(&buf, slog.LevelInfo)
			mux := http.NewServeMux()
			mux.Handle("GET /orders", newGuard(t, row.cfg).Require(row.rule)(handler))
			serve(mux, row.request)
			assert.Equal(t, row.want, strings.TrimSuffix(buf.String(), "\n"))
		})
	}
}

func TestLogBelowItsLevelIsSilent(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	g := newGuard(t, middleware.Config{Logger: logger(&buf, slog.LevelError)})
	serve(g.Authenticate(handler), request())
	assert.Empty(t, buf.String())
}

func TestALineHasTheTraceOfItsRequest(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	g := newGuard(t, middleware.Config{Logger: logger(&buf, slog.LevelInfo)})
	ctx, span := newMeasured().traces.Tracer("").Start(t.Context(), "request")
	defer span.End()
	serve(g.Authenticate(handler), request().WithContext(ctx))
	assert.Equal(t, "level=INFO msg=\"request refused\" reason=no_token status=401 trace_id="+span.SpanContext().TraceID().String()+"\n", buf.String())
}

func TestALineOfARuleNamesTheIssuerOfTheToken(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	v, iss := newIssued(t)
	g := newGuard(t, middleware.Config{Verifier: v, Logger: logger(&buf, slog.LevelInfo)})
	serve(g.Require(allWrites())(handler), withToken(iss.Token()))
	assert.Contains(t, buf.String(), " issuer="+iss.Issuer())
}

// lines counts what was logged by reason, and adds up what was dropped.
func loggedLines(t *testing.T, log string) (lines map[string]int, dropped int) {
	t.Helper()
	lines = map[string]int{}
	for line := range strings.Lines(log) {
		_, rest, ok := strings.Cut(line, "reason=")
		require.True(t, ok, line)
		lines[strings.Fields(rest)[0]]++
		if _, n, ok := strings.Cut(strings.TrimSpace(line), "dropped="); ok {
			var more int
			_, err := fmt.Sscan(n, &more)
			require.NoError(t, err)
			dropped += more
		}
	}
	return lines, dropped
}

func TestAFloodIsLoggedTenTimesInTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var buf bytes.Buffer
		g := newGuard(t, middleware.Config{Logger: logger(&buf, slog.LevelInfo)})
		api := g.Authenticate(handler)
		for range 1000 {
			serve(api, withToken("bad"))
		}
		serve(api, request())
		lines, dropped := loggedLines(t, buf.String())
		assert.Equal(t, map[string]int{"bad_signature": 10, "no_token": 1}, lines, "each reason has lines of its own")
		assert.Zero(t, dropped)

		time.Sleep(10 * time.Second)
		buf.Reset()
		serve(api, withToken("bad"))
		serve(api, withToken("bad"))
		serve(api, request())
		lines, dropped = loggedLines(t, buf.String())
		assert.Equal(t, map[string]int{"bad_signature": 2, "no_token": 1}, lines)
		assert.Equal(t, 990, dropped, "which is said once")
	})
}

func TestTheLimitOfLinesIsForEachIssuer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		limit int
		want  map[string]int
	}{
		{"a limit of 3, of two issuers and of all that are not configured", 3, map[string]int{"bad_signature": 9}},
		{"no limit", -1, map[string]int{"bad_signature": 400}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := &issued{tokens: newTokens(t), names: []string{"https://a.example", "https://b.example"}}
			var buf bytes.Buffer
			g := newGuard(t, middleware.Config{Verifier: v, Logger: logger(&buf, slog.LevelInfo), LogLimit: row.limit})
			for i := range 100 {
				for _, iss := range []string{"https://a.example", "https://b.example", fmt.Sprintf("https://%d.example", i), fmt.Sprintf("https://x%d.example", i)} {
					v.errs["t"] = &verifier.Error{Reason: reason.BadSignature, Issuer: iss}
					serve(g.Authenticate(handler), withToken("t"))
				}
			}
			lines, _ := loggedLines(t, buf.String())
			assert.Equal(t, row.want, lines)
		})
	}
}

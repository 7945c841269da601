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

	"github.com/stretchr/testify/assert"

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

// Row 14: whatever the request and whatever the answer, the token and the
// claims stay where they are.
func TestNothingOfTheTokenGetsOut(t *testing.T) {
	t.Parallel()
	const secret = "SECRET"
	v := newTokens(t)
	for code := range expected {
		v.errs[secret+"-"+string(code)] = &verifier.Error{Reason: code, Err: errors.New("a cause")}
	}
	v.claims[secret+"-claims"] = parse(t, `{"sub":"SECRET","scope":"SECRET","jti":"SECRET","client_id":"SECRET","roles":["SECRET"]}`)
	v.claims[secret+"-cnf"] = parse(t, `{"sub":"SECRET","cnf":{"jkt":"SECRET","SECRET":1}}`)
	requests := []*http.Request{
		request("Bearer " + secret + " " + secret), request("Bearer "+secret, "Bearer "+secret),
		request("Basic " + secret), request(secret), request(secret + " " + secret), request(`"` + secret), request("Bearer " + secret + ","),
		read(t, secret+" /orders?access_token="+secret+" HTTP/1.1", "Host: "+secret, "Accept: application/"+secret, "User-Agent: "+secret),
	}
	for token := range v.errs {
		requests = append(requests, withToken(token))
	}
	for token := range v.claims {
		if strings.HasPrefix(token, secret) {
			requests = append(requests, withToken(token))
		}
	}
	for i, r := range requests {
		t.Run(fmt.Sprintf("14 request %d", i), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			meter := &meterProvider{}
			for _, shadow := range []bool{false, true} {
				for _, problem := range []bool{false, true} {
					g := newGuard(t, middleware.Config{
						Verifier: v, Logger: logger(&out, slog.LevelDebug), MeterProvider: meter, Shadow: shadow, ProblemJSON: problem,
						OnEvent: func(_ context.Context, ev middleware.Event) {
							_, _ = fmt.Fprintf(&out, "%v %+v %#v\n", ev, ev, ev)
							slog.New(slog.NewJSONHandler(&out, nil)).Info("event", "event", ev)
						},
					})
					refuse := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
					w := serve(g.Require(claims.AllScopes("orders.delete"))(refuse), r)
					_, _ = fmt.Fprintf(&out, "%d %v %s\n", w.Code, w.Header(), w.Body)
					_, _, err := g.Check(r, claims.AnyRole("Admin"))
					_, _ = fmt.Fprintf(&out, "%v %+v %s\n", err, err, err)
				}
			}
			_, _ = fmt.Fprintln(&out, meter.counts())
			assert.NotContains(t, out.String(), secret)
			assert.NotContains(t, out.String(), fmt.Sprintf("%x", secret))
		})
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	p := &meterProvider{}
	g := newGuard(t, middleware.Config{MeterProvider: p})
	require := g.Require(allWrites())(handler)
	serve(require, withToken(writer))
	serve(require, withToken(reader))
	serve(require, withToken(reader))
	serve(require, request())
	serve(g.Optional(handler), request())
	assert.Equal(t, map[string]int64{
		"outcome=verified":                          1,
		"outcome=refused reason=insufficient_scope": 2,
		"outcome=refused reason=no_token":           1,
		"outcome=anonymous":                         1,
	}, p.counts())
	assert.Equal(t, "github.com/sallyport-go/sallyport/middleware", p.meter)
	assert.Equal(t, "sallyport.requests", p.name)
	assert.Equal(t, "{request}", p.unit)
}

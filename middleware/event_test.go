package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

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
			meter := newMeasured()
			ctx, span := meter.traces.Tracer("").Start(r.Context(), "request")
			r := r.WithContext(ctx)
			for _, shadow := range []bool{false, true} {
				for _, problem := range []bool{false, true} {
					audit := middleware.Audit(middleware.AuditConfig{Logger: slog.New(slog.NewJSONHandler(&out, nil))})
					g := newGuard(t, middleware.Config{
						Verifier: v, LogLimit: -1, Logger: logger(&out, slog.LevelDebug), MeterProvider: meter.meters, SpanAttributes: true, Shadow: shadow, ProblemJSON: problem,
						OnEvent: func(ctx context.Context, ev middleware.Event) {
							audit(ctx, ev)
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
			span.End()
			_, _ = fmt.Fprintln(&out, meter.scopes(t))
			for _, span := range meter.spans.Ended() {
				_, _ = fmt.Fprintln(&out, span.Attributes(), span.Events())
			}
			assert.NotContains(t, out.String(), secret)
			assert.NotContains(t, out.String(), fmt.Sprintf("%x", secret))
		})
	}
}

func TestAnEventSaysWhatItsCallWas(t *testing.T) {
	t.Parallel()
	v, iss := newIssued(t)
	seen := &events{}
	g := newGuard(t, middleware.Config{Verifier: v, OnEvent: seen.add})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", g.Require(allReads())(handler))
	mux.Handle("/", g.Authenticate(handler))
	good := iss.Token(jwkstest.Claims{"scope": "orders.read"})
	serve(mux, withToken(good))
	serve(mux, withToken(good))
	serve(mux, withToken(iss.Token()))
	serve(mux, withToken(iss.Token(jwkstest.Claims{"aud": "api://other"})))
	serve(mux, withToken(iss.Token(jwkstest.Claims{"iss": "https://elsewhere.example"})))
	r := httptest.NewRequest("REPORT", "/secret", nil)
	serve(mux, r)

	type facts struct {
		outcome, issuer string
		seen            bool
		route, method   string
	}
	var got []facts
	for _, ev := range seen.list {
		assert.Equal(t, "192.0.2.1:1234", ev.Peer)
		got = append(got, facts{strings.TrimSpace(string(ev.Outcome) + " " + string(ev.Reason)), ev.Issuer, ev.Seen, ev.Route, ev.Method})
	}
	assert.Equal(t, []facts{
		{"verified", iss.Issuer(), false, "GET /orders", "GET"},
		{"verified", iss.Issuer(), true, "GET /orders", "GET"},
		{"refused insufficient_scope", iss.Issuer(), false, "GET /orders", "GET"},
		{"refused wrong_audience", iss.Issuer(), false, "GET /orders", "GET"},
		{"refused unknown_issuer", "", false, "GET /orders", "GET"},
		{"refused no_token", "", false, "/", "_OTHER"},
	}, got)
}

// around is a Verifier of one's own that holds one that asks issuers.
type around struct{ *introspection.Verifier }

func (around) Verify(context.Context, string) (*claims.Claims, error) { return nil, reason.Denied }

func TestAnEventTellsWhetherTheIssuerWasAsked(t *testing.T) {
	t.Parallel()
	v, iss := newIssued(t)
	asking, err := introspection.New(v, introspection.Config{
		Issuer: iss.Issuer(), Endpoint: iss.IntrospectionURL(), Client: iss.Client(),
		Credentials: introspection.Basic(jwkstest.IntrospectionClient, introspection.Fixed(jwkstest.IntrospectionSecret)),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, asking.Close()) })
	log := &events{}
	g := newGuard(t, middleware.Config{Verifier: asking, OnEvent: log.add})
	token := iss.OpaqueToken()
	for range 2 {
		assert.Equal(t, 200, serve(g.Authenticate(handler), withToken(token)).Code)
	}
	require.Len(t, log.list, 2)
	assert.False(t, log.list[0].Seen, "it was asked")
	assert.True(t, log.list[1].Seen, "the answer is remembered")

	g = newGuard(t, middleware.Config{Verifier: around{asking}, OnEvent: log.add})
	assert.Equal(t, 403, serve(g.Authenticate(handler), withToken(token)).Code, "what a type around it checks is not passed by")
}

// A refusal by a binding has no claims, and yet an issuer.
func TestAnEventOfABindingNamesTheIssuer(t *testing.T) {
	t.Parallel()
	v, iss := newIssued(t)
	seen := &events{}
	g := newGuard(t, middleware.Config{Verifier: v, OnEvent: seen.add})
	serve(g.Authenticate(handler), withToken(iss.Token(jwkstest.Claims{"cnf": map[string]string{"jkt": "thumb"}})))
	other := newGuard(t, middleware.Config{Verifier: v, OnEvent: seen.add, Bindings: []middleware.Binding{&binding{members: []string{"jkt"}, err: reason.UnsupportedBinding}}})
	serve(other.Authenticate(handler), withToken(iss.Token()))
	for _, ev := range seen.list {
		assert.Equal(t, reason.UnsupportedBinding, ev.Reason)
		assert.Equal(t, iss.Issuer(), ev.Issuer)
		assert.Nil(t, ev.Claims)
	}
	assert.Len(t, seen.list, 2)
}

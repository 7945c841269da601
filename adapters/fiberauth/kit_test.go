package fiberauth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/fiberauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

// fasthttp ends its housekeeping with the next of its rounds, seconds later.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const (
	audience  = "api://orders"
	hello     = "hello test-client\n"
	anonymous = "hello nobody\n"
)

// answer is the handler behind all doors.
var answer = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	subject := "nobody"
	if c, ok := claims.FromContext(r.Context()); ok {
		subject = c.Subject()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Handler", "reached")
	_, _ = io.WriteString(w, "hello "+subject+"\n")
})

// endpoint is one route of the API that both frameworks serve.
type endpoint struct {
	methods string // separated by spaces; "" is all
	pattern string
	kind    string // how it is guarded
	rule    claims.Rule
}

const (
	guarded  = "Require"
	access   = "RequireAccess"
	optional = "Optional"
	known    = "Authenticate"
	twice    = "Authenticate and Require"
)

// ownTenant lets a token of one tenant open what is that tenant's.
var ownTenant = claims.AllOf(claims.AllScopes("orders.read"), claims.EqualsParam("tenant", "tenant"))

var api = []endpoint{
	{"GET HEAD", "/orders", guarded, claims.AllScopes("orders.read")},
	{"POST", "/orders", guarded, claims.AllScopes("orders.read", "orders.write")},
	{"DELETE", "/orders/{id}", guarded, claims.AnyRole("Orders.Admin", "Orders.Owner")},
	{"GET", "/apps", guarded, claims.AppOnly()},
	{"GET", "/tenants/{tenant}/orders", guarded, ownTenant},
	{"GET", "/tenants/{tenant}/orders/{id}", guarded, ownTenant},
	{"GET", "/tenantless", guarded, ownTenant},
	{"", "/levels", access, claims.Rule{}},
	{"", "/whoami", known, claims.AnyToken()},
	{"", "/home", optional, claims.Rule{}},
	{"", "/twice", twice, claims.AllScopes("orders.read")},
}

func levels() claims.AccessLevels { return claims.AccessLevels{Resources: []string{audience}} }

// doorsOf returns the doors of an endpoint for net/http and for Fiber.
func doorsOf(e endpoint, gate *sallyport.Gate) (doors []func(http.Handler) http.Handler, fibers []any) {
	switch e.kind {
	case access:
		return append(doors, gate.RequireAccess(levels())), append(fibers, fiberauth.RequireAccess(gate, levels()))
	case optional:
		return append(doors, gate.Optional), append(fibers, fiberauth.Optional(gate))
	case known:
		return append(doors, gate.Authenticate), append(fibers, fiberauth.Authenticate(gate))
	case twice:
		doors, fibers = append(doors, gate.Authenticate), append(fibers, fiberauth.Authenticate(gate))
	}
	return append(doors, gate.Require(e.rule)), append(fibers, fiberauth.Require(gate, e.rule))
}

// router adds a route to a framework, with its doors in the framework's form.
type router func(method, pattern string, doors []func(http.Handler) http.Handler, fibers []any)

func onMux(mux *http.ServeMux) router {
	return func(method, pattern string, doors []func(http.Handler) http.Handler, _ []any) {
		var h http.Handler = answer
		for i := len(doors) - 1; i >= 0; i-- {
			h = doors[i](h)
		}
		mux.Handle(strings.TrimSpace(method+" "+pattern), h)
	}
}

func onFiber(app *fiber.App) router {
	return func(method, pattern string, _ []func(http.Handler) http.Handler, fibers []any) {
		handlers := append(slices.Clone(fibers), answerFiber)
		if pattern = fiberPattern(pattern); method == "" {
			app.All(pattern, handlers[0], handlers[1:]...)
			return
		}
		app.Add([]string{method}, pattern, handlers[0], handlers[1:]...)
	}
}

// answerFiber is answer for Fiber.
func answerFiber(c fiber.Ctx) error {
	subject := "nobody"
	if who, ok := fiberauth.Claims(c); ok {
		subject = who.Subject()
	}
	c.Set("X-Handler", "reached")
	return c.SendString("hello " + subject + "\n")
}

var fiberPattern = strings.NewReplacer("{id}", ":id", "{tenant}", ":tenant").Replace

// wire adds the API with a door at each route or, behind a table of the rules,
// with a forgotten route and two that have doors of their own too.
func wire(gate *sallyport.Gate, wiring string, add router) {
	for i, e := range api {
		doors, fibers := doorsOf(e, gate)
		switch {
		case wiring == "routes":
			for _, method := range strings.Split(e.methods, " ") {
				add(method, e.pattern, doors, fibers)
			}
		case i >= len(api)-2:
			add("", e.pattern, doors[len(doors)-1:], fibers[len(fibers)-1:])
		case i == 0 || api[i-1].pattern != e.pattern:
			add("", e.pattern, nil, nil)
		}
	}
	if wiring == "table" {
		add("", "/forgotten", nil, nil)
	}
}

func rules(pattern func(string) string) map[string]claims.Rule {
	rules := map[string]claims.Rule{}
	for _, e := range api {
		if e.kind != access && e.kind != optional {
			method, _, _ := strings.Cut(e.methods, " ") // GET stands for HEAD
			rules[strings.TrimSpace(method+" "+pattern(e.pattern))] = e.rule
		}
	}
	return rules
}

// wirings serve the API by a door at each route, or by one table for all.
var wirings = []string{"routes", "table"}

// serveHTTP serves the API by net/http.
func serveHTTP(t *testing.T, gate *sallyport.Gate, wiring string) string {
	t.Helper()
	mux := http.NewServeMux()
	wire(gate, wiring, onMux(mux))
	var h http.Handler = mux
	if wiring == "table" {
		enforce, err := gate.Enforce(middleware.Policy{ // /home is exempt in the Guard's own configuration
			Rules:  rules(func(pattern string) string { return pattern }),
			Access: map[string]claims.AccessLevels{"/levels": levels()},
		})
		require.NoError(t, err)
		h = enforce(mux)
	}
	server := httptest.NewServer(observed(h))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// fiberApp returns the API in Fiber.
func fiberApp(t *testing.T, gate *sallyport.Gate, wiring string) *fiber.App {
	t.Helper()
	app := fiber.New(fiber.Config{ReadBufferSize: 2 << 20}) // for tokens that are too large
	app.Use(observedFiber)
	wire(gate, wiring, onFiber(app))
	if wiring == "table" {
		require.NoError(t, fiberauth.Enforce(app, gate, fiberauth.Policy{
			Rules:  rules(fiberPattern),
			Access: map[string]claims.AccessLevels{"/levels": levels()}, Exempt: []string{"/home"},
		}))
	}
	return app
}

// serveFiber serves an app on a free port, and returns its address.
func serveFiber(t *testing.T, app *fiber.App) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return serveFiberOn(t, l, app)
}

func serveFiberOn(t *testing.T, l net.Listener, app *fiber.App) string {
	t.Helper()
	ended := make(chan error, 1)
	up := make(chan struct{})
	app.Hooks().OnListen(func(fiber.ListenData) error { close(up); return nil })
	go func() { ended <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	<-up
	t.Cleanup(func() {
		require.NoError(t, app.Shutdown())
		require.NoError(t, <-ended)
	})
	return l.Addr().String()
}

// now is when everything here happens, for issuers and Gates: a row may wait
// its turn for longer than the leeway of a token.
var now = time.Now().Truncate(time.Second)

func newIssuer(t *testing.T, options ...jwkstest.Option) *jwkstest.Issuer {
	t.Helper()
	clock := jwkstest.WithClock(func() time.Time { return now })
	return jwkstest.New(t, append(options, clock, jwkstest.WithAudience(audience))...)
}

func scope(names ...string) jwkstest.Claims {
	return jwkstest.Claims{"scope": strings.Join(names, " ")}
}

// open opens a Gate for issuers.
func open(t *testing.T, guard middleware.Config, issuers ...*jwkstest.Issuer) *sallyport.Gate {
	t.Helper()
	guard.Realm = "orders"
	if guard.Exempt == nil {
		guard.Exempt = []string{"/home"} // of net/http's table; Fiber's has its own
	}
	guard.OnEvent = sendDecision
	cfg := sallyport.Config{Guard: guard}
	cfg.Verifier.Now = func() time.Time { return now }
	cfg.Verifier.Revoked = func(_ context.Context, c *claims.Claims) (bool, error) {
		if c.Subject() == "unknowable" {
			return false, errors.New("the revocation list cannot be had")
		}
		return c.Subject() == "revoked", nil
	}
	for _, iss := range issuers {
		cfg.Providers = append(cfg.Providers, providers.Generic(iss.Issuer(), audience))
	}
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gate.Close()) })
	return gate
}

type headerKey struct{}

// observed lets the Guard's events be sent in a header, and gives some requests
// a context that has ended.
func observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), headerKey{}, w.Header().Add))
		defer cancel()
		if r.Header.Get("X-Gone") != "" {
			cancel()
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// observedFiber is observed for Fiber. What the Guard's events add to the header while
// it decides is kept until it has answered.
func observedFiber(c fiber.Ctx) error {
	var decisions []string
	ctx, cancel := context.WithCancel(context.WithValue(c.Context(), headerKey{}, func(_, value string) { decisions = append(decisions, value) }))
	defer cancel()
	if c.Get("X-Gone") != "" {
		cancel()
	}
	c.SetContext(ctx)
	err := c.Next()
	for _, d := range decisions {
		c.Response().Header.Add("X-Decision", d)
	}
	return err
}

func sendDecision(ctx context.Context, ev middleware.Event) {
	if add, served := ctx.Value(headerKey{}).(func(name, value string)); served {
		add("X-Decision", strings.TrimSpace(string(ev.Outcome)+" "+string(ev.Reason)))
	}
}

// exchange sends the bytes of one request over a connection of its own, and
// returns those of the answer.
func exchange(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	raw, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(raw)
}

// sorted is an answer with its header in one order, and without what is the server's
// own: the date, and for HEAD the length, which fasthttp sends as that of no body.
func sorted(raw string, isHEAD bool) string {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	status, fields, _ := strings.Cut(head, "\r\n")
	lines := slices.DeleteFunc(strings.Split(fields, "\r\n"), func(line string) bool {
		return strings.HasPrefix(line, "Date: ") || isHEAD && strings.HasPrefix(line, "Content-Length: ")
	})
	slices.Sort(lines)
	return status + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// reached counts the requests that come to a handler.
type reached struct{ atomic.Int64 }

func (n *reached) handle(c fiber.Ctx) error {
	n.Add(1)
	return c.SendString("reached")
}

// answered is an answer that was read to its end.
type answered struct {
	Code   int
	Header http.Header
	Body   string
}

// send serves one request, with a bearer token unless it is "".
func send(t *testing.T, app *fiber.App, method, target, token string, header ...string) answered {
	t.Helper()
	r := httptest.NewRequest(method, target, http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	res, err := app.Test(r, fiber.TestConfig{Timeout: time.Minute})
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return answered{res.StatusCode, res.Header, string(body)}
}

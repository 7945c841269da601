package echoauth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/echoauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// doorsOf returns the doors of an endpoint for net/http and for Echo.
func doorsOf(e endpoint, gate *sallyport.Gate) (doors []func(http.Handler) http.Handler, echos []echo.MiddlewareFunc) {
	switch e.kind {
	case access:
		return append(doors, gate.RequireAccess(levels())), append(echos, echoauth.RequireAccess(gate, levels()))
	case optional:
		return append(doors, gate.Optional), append(echos, echoauth.Optional(gate))
	case known:
		return append(doors, gate.Authenticate), append(echos, echoauth.Authenticate(gate))
	case twice:
		doors, echos = append(doors, gate.Authenticate), append(echos, echoauth.Authenticate(gate))
	}
	return append(doors, gate.Require(e.rule)), append(echos, echoauth.Require(gate, e.rule))
}

// router adds a route to a framework, with its doors in the framework's form.
type router func(method, pattern string, doors []func(http.Handler) http.Handler, echos []echo.MiddlewareFunc)

func onMux(mux *http.ServeMux) router {
	return func(method, pattern string, doors []func(http.Handler) http.Handler, _ []echo.MiddlewareFunc) {
		var h http.Handler = answer
		for i := len(doors) - 1; i >= 0; i-- {
			h = doors[i](h)
		}
		mux.Handle(strings.TrimSpace(method+" "+pattern), h)
	}
}

func onEcho(e *echo.Echo) router {
	return func(method, pattern string, _ []func(http.Handler) http.Handler, echos []echo.MiddlewareFunc) {
		if pattern = echoPattern(pattern); method == "" {
			e.Any(pattern, echo.WrapHandler(answer), echos...)
			return
		}
		e.Add(method, pattern, echo.WrapHandler(answer), echos...)
	}
}

var echoPattern = strings.NewReplacer("{id}", ":id", "{tenant}", ":tenant").Replace

// wire adds the API with a door at each route or, behind a table of the rules,
// with a forgotten route and two that have doors of their own too.
func wire(gate *sallyport.Gate, wiring string, add router) {
	for i, e := range api {
		doors, echos := doorsOf(e, gate)
		switch {
		case wiring == "routes":
			for _, method := range strings.Split(e.methods, " ") {
				add(method, e.pattern, doors, echos)
			}
		case i >= len(api)-2:
			add("", e.pattern, doors[len(doors)-1:], echos[len(echos)-1:])
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

// frameworks serve the API. The second must equal the first.
var frameworks = []struct {
	name  string
	serve func(gate *sallyport.Gate, wiring string) (http.Handler, error)
}{
	{"net/http", func(gate *sallyport.Gate, wiring string) (http.Handler, error) {
		mux := http.NewServeMux()
		wire(gate, wiring, onMux(mux))
		if wiring == "routes" {
			return mux, nil
		}
		enforce, err := gate.Enforce(middleware.Policy{ // /home is exempt in the Guard's own configuration
			Rules:  rules(func(pattern string) string { return pattern }),
			Access: map[string]claims.AccessLevels{"/levels": levels()},
		})
		if err != nil {
			return nil, err
		}
		return enforce(mux), nil
	}},
	{"Echo", func(gate *sallyport.Gate, wiring string) (http.Handler, error) {
		e := echo.New()
		if wiring == "table" {
			enforce, err := echoauth.Enforce(gate, echoauth.Policy{
				Rules:  rules(echoPattern),
				Access: map[string]claims.AccessLevels{"/levels": levels()}, Exempt: []string{"/home"},
			})
			if err != nil {
				return nil, err
			}
			e.Use(enforce)
		}
		wire(gate, wiring, onEcho(e))
		return e, nil
	}},
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
		guard.Exempt = []string{"/home"} // of net/http's table; Echo's has its own
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
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), headerKey{}, w.Header()))
		defer cancel()
		if r.Header.Get("X-Gone") != "" {
			cancel()
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func sendDecision(ctx context.Context, ev middleware.Event) {
	if header, served := ctx.Value(headerKey{}).(http.Header); served {
		header.Add("X-Decision", strings.TrimSpace(string(ev.Outcome)+" "+string(ev.Reason)))
	}
}

// site is where a row is sent.
type site struct{ gate, wiring, framework string }

// serve serves the API by a Gate in every wiring of both frameworks.
func serve(t *testing.T, servers map[site]string, name string, gate *sallyport.Gate) {
	t.Helper()
	for _, fw := range frameworks {
		for _, wiring := range wirings {
			h, err := fw.serve(gate, wiring)
			require.NoError(t, err)
			server := httptest.NewServer(observed(h))
			t.Cleanup(server.Close)
			servers[site{name, wiring, fw.name}] = server.Listener.Addr().String()
		}
	}
}

var date = regexp.MustCompile(`\r\nDate: [^\r]*`)

// exchange sends the bytes of one request over a connection of its own, and
// returns those of the answer, less its Date.
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
	return date.ReplaceAllString(string(raw), "")
}

// reached counts the requests that come to a handler.
type reached struct{ atomic.Int64 }

func (n *reached) handle(c *echo.Context) error {
	n.Add(1)
	return c.String(http.StatusOK, "reached")
}

// send serves one request of a reader with a token of these scopes; "" is none.
func send(h http.Handler, method, target, token string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

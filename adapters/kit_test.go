// Package adapters_test holds what every framework must answer alike.
package adapters_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // it is global
	goleak.VerifyTestMain(m)
}

const (
	audience  = "api://orders"
	hello     = "hello test-client\n"
	anonymous = "hello nobody\n"
)

// answer is the handler behind all doors, the same in every framework.
var answer = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	subject := "nobody"
	if c, ok := claims.FromContext(r.Context()); ok {
		subject = c.Subject()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Handler", "reached")
	_, _ = io.WriteString(w, "hello "+subject+"\n")
})

// endpoint is one route of the API that every framework serves.
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

var api = []endpoint{
	{"GET HEAD", "/orders", guarded, claims.AllScopes("orders.read")},
	{"POST", "/orders", guarded, claims.AllScopes("orders.read", "orders.write")},
	{"DELETE", "/orders/{id}", guarded, claims.AnyRole("Orders.Admin", "Orders.Owner")},
	{"GET", "/apps", guarded, claims.AppOnly()},
	{"", "/levels", access, claims.Rule{}},
	{"", "/whoami", known, claims.AnyToken()},
	{"", "/home", optional, claims.Rule{}},
	{"", "/twice", twice, claims.AllScopes("orders.read")},
}

func levels() claims.AccessLevels { return claims.AccessLevels{Resources: []string{audience}} }

func (e endpoint) doors(gate *sallyport.Gate) (doors []func(http.Handler) http.Handler, gins []gin.HandlerFunc) {
	switch e.kind {
	case access:
		return append(doors, gate.RequireAccess(levels())), append(gins, ginauth.RequireAccess(gate, levels()))
	case optional:
		return append(doors, gate.Optional), append(gins, ginauth.Optional(gate))
	case known:
		return append(doors, gate.Authenticate), append(gins, ginauth.Authenticate(gate))
	case twice:
		doors, gins = append(doors, gate.Authenticate), append(gins, ginauth.Authenticate(gate))
	}
	return append(doors, gate.Require(e.rule)), append(gins, ginauth.Require(gate, e.rule))
}

// router adds a route to a framework, with its doors in the framework's form.
type router func(method, pattern string, doors []func(http.Handler) http.Handler, gins []gin.HandlerFunc)

func onMux(mux *http.ServeMux) router {
	return func(method, pattern string, doors []func(http.Handler) http.Handler, _ []gin.HandlerFunc) {
		var h http.Handler = answer
		for _, door := range slices.Backward(doors) {
			h = door(h)
		}
		mux.Handle(strings.TrimSpace(method+" "+pattern), h)
	}
}

func onChi(r chi.Router) router {
	return func(method, pattern string, doors []func(http.Handler) http.Handler, _ []gin.HandlerFunc) {
		if method == "" {
			r.With(doors...).Handle(pattern, answer)
			return
		}
		r.With(doors...).Method(method, pattern, answer)
	}
}

func onGin(e *gin.Engine) router {
	return func(method, pattern string, _ []func(http.Handler) http.Handler, gins []gin.HandlerFunc) {
		gins = append(gins, gin.WrapH(answer))
		if pattern = ginPattern(pattern); method == "" {
			e.Any(pattern, gins...)
			return
		}
		e.Handle(method, pattern, gins...)
	}
}

func ginPattern(pattern string) string { return strings.ReplaceAll(pattern, "{id}", ":id") }

// routes are doors at each route.
func routes(gate *sallyport.Gate, add router) {
	for _, e := range api {
		doors, gins := e.doors(gate)
		for _, method := range strings.Split(e.methods, " ") {
			add(method, e.pattern, doors, gins)
		}
	}
}

// behindTable are the same routes and a forgotten one behind one table, which
// has their rules; two have doors of their own too.
func behindTable(gate *sallyport.Gate, add router) {
	for _, pattern := range []string{"/orders", "/orders/{id}", "/apps", "/levels", "/whoami", "/forgotten"} {
		add("", pattern, nil, nil)
	}
	for _, e := range api[len(api)-2:] {
		doors, gins := e.doors(gate)
		add("", e.pattern, doors[len(doors)-1:], gins[len(gins)-1:])
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

func asItIsWritten(pattern string) string { return pattern }

// framework serves the API by a door at each route, or by one table for all.
type framework struct {
	name   string
	routes func(*sallyport.Gate) http.Handler
	table  func(*testing.T, *sallyport.Gate) http.Handler
}

// The first one is what the others must equal.
var frameworks = []framework{
	{"net/http", func(gate *sallyport.Gate) http.Handler {
		mux := http.NewServeMux()
		routes(gate, onMux(mux))
		return mux
	}, func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		enforce, err := gate.Enforce(middleware.Policy{ // /home is exempt in the Guard's own configuration
			Rules: rules(asItIsWritten), Access: map[string]claims.AccessLevels{"/levels": levels()},
		})
		require.NoError(t, err)
		mux := http.NewServeMux()
		behindTable(gate, onMux(mux))
		return enforce(mux)
	}},
	{"Chi", func(gate *sallyport.Gate) http.Handler {
		r := chi.NewRouter()
		routes(gate, onChi(r))
		return r
	}, func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		r := chi.NewRouter()
		enforce, err := chiauth.Enforce(gate, r, chiauth.Policy{
			Rules: rules(asItIsWritten), Access: map[string]claims.AccessLevels{"/levels": levels()}, Exempt: []string{"/home"},
		})
		require.NoError(t, err)
		r.Use(enforce)
		behindTable(gate, onChi(r))
		return r
	}},
	{"Gin", func(gate *sallyport.Gate) http.Handler {
		e := gin.New()
		routes(gate, onGin(e))
		return e
	}, func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		enforce, err := ginauth.Enforce(gate, ginauth.Policy{
			Rules: rules(ginPattern), Access: map[string]claims.AccessLevels{"/levels": levels()}, Exempt: []string{"/home"},
		})
		require.NoError(t, err)
		e := gin.New()
		e.HandleMethodNotAllowed = true
		e.Use(enforce)
		behindTable(gate, onGin(e))
		return e
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

// fixture is one API in every framework, twice, behind Gates of several kinds.
type fixture struct {
	issuer    *jwkstest.Issuer
	log       lockedBuffer
	decisions decisions
	handlers  map[site]http.Handler
	servers   map[site]string // addresses of the same handlers
}

// site is where a row is sent.
type site struct{ gate, wiring, framework string }

func newFixture(t *testing.T, options ...jwkstest.Option) *fixture {
	t.Helper()
	return &fixture{issuer: newIssuer(t, options...), handlers: map[site]http.Handler{}, servers: map[site]string{}}
}

// good is a token that may read orders.
func (f *fixture) good(options ...jwkstest.TokenOption) string {
	return f.issuer.Token(append([]jwkstest.TokenOption{scope("orders.read")}, options...)...)
}

// serve opens a Gate for issuers, and a server of each framework and wiring
// behind it.
func (f *fixture) serve(t *testing.T, name string, guard middleware.Config, issuers ...*jwkstest.Issuer) {
	t.Helper()
	guard.Realm = "orders"
	guard.Exempt = []string{"/home"} // of net/http's table; Gin's and Chi's have their own
	guard.OnEvent = f.decisions.add
	cfg := sallyport.Config{
		Guard:    guard,
		Logger:   slog.New(slog.NewTextHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Verifier: verifier.Config{Revoked: revoked, Now: func() time.Time { return now }},
	}
	for _, iss := range issuers {
		cfg.Providers = append(cfg.Providers, providers.Generic(iss.Issuer(), audience))
	}
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gate.Close()) })
	for _, fw := range frameworks {
		for wiring, h := range map[string]http.Handler{"routes": fw.routes(gate), "table": fw.table(t, gate)} {
			at := site{name, wiring, fw.name}
			f.handlers[at] = f.decisions.observe(h)
			server := httptest.NewServer(f.handlers[at])
			t.Cleanup(server.Close)
			f.servers[at] = server.Listener.Addr().String()
		}
	}
}

func revoked(_ context.Context, c *claims.Claims) (bool, error) {
	if c.Subject() == "unknowable" {
		return false, errors.New("the revocation list cannot be had")
	}
	return c.Subject() == "revoked", nil
}

// decisions are the reasons that Guards reported, by the row that asked.
type decisions struct {
	mu    sync.Mutex
	byRow map[string][]string
}

type rowKey struct{}

// observe gives the Guard's events the row that their request belongs to, and
// some requests a context that has ended.
func (d *decisions) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), rowKey{}, r.Header.Get("X-Row"))
		if r.Header.Get("X-Gone") != "" {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			ctx = ended
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (d *decisions) add(ctx context.Context, ev middleware.Event) {
	row, _ := ctx.Value(rowKey{}).(string)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byRow == nil {
		d.byRow = map[string][]string{}
	}
	d.byRow[row] = append(d.byRow[row], strings.TrimSpace(string(ev.Outcome)+" "+string(ev.Reason)))
}

func (d *decisions) of(row string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.byRow[row])
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// message is an answer as it came over the wire, less its Date.
type message struct {
	statusLine string
	header     map[string][]string // names as they were sent
	body       string
}

// exchange sends the bytes of one request over a connection of its own.
func exchange(t *testing.T, address, request string) message {
	t.Helper()
	conn := dial(t, address)
	_, err := io.WriteString(conn, request)
	require.NoError(t, err)
	raw, err := io.ReadAll(conn)
	require.NoError(t, err)
	_ = conn.Close()
	head, body, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	require.True(t, ok, "no answer: %q", raw)
	lines := strings.Split(string(head), "\r\n")
	m := message{statusLine: lines[0], header: map[string][]string{}, body: string(body)}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		require.True(t, ok, line)
		if name != "Date" {
			m.header[name] = append(m.header[name], value)
		}
	}
	return m
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	return conn.(*net.TCPConn)
}

func statusLine(code int) string { return fmt.Sprintf("HTTP/1.1 %d %s", code, http.StatusText(code)) }

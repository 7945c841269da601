// Package adapters_test holds what every framework must answer alike.
package adapters_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
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

var ginPattern = strings.NewReplacer("{id}", ":id", "{tenant}", ":tenant").Replace

// wire adds the API with a door at each route or, behind a table of the rules,
// with a forgotten route and two that have doors of their own too.
func wire(gate *sallyport.Gate, wiring string, add router) {
	for i, e := range api {
		doors, gins := e.doors(gate)
		switch {
		case wiring == "routes":
			for _, method := range strings.Split(e.methods, " ") {
				add(method, e.pattern, doors, gins)
			}
		case i >= len(api)-2:
			add("", e.pattern, doors[len(doors)-1:], gins[len(gins)-1:])
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

func asItIsWritten(pattern string) string { return pattern }

var accessRules = map[string]claims.AccessLevels{"/levels": levels()}

// Wirings serve the API by a door at each route, or by one table for all.
var wirings = []string{"routes", "table"}

// Frameworks serve the API. The first one is what the others must equal.
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
		enforce, err := gate.Enforce(middleware.Policy{Rules: rules(asItIsWritten), Access: accessRules}) // /home is exempt in the Guard's own configuration
		if err != nil {
			return nil, err
		}
		return enforce(mux), nil
	}},
	{"Chi", func(gate *sallyport.Gate, wiring string) (http.Handler, error) {
		r := chi.NewRouter()
		if wiring == "table" {
			enforce, err := chiauth.Enforce(gate, r, chiauth.Policy{Rules: rules(asItIsWritten), Access: accessRules, Exempt: []string{"/home"}})
			if err != nil {
				return nil, err
			}
			r.Use(enforce)
		}
		wire(gate, wiring, onChi(r))
		return r, nil
	}},
	{"Gin", func(gate *sallyport.Gate, wiring string) (http.Handler, error) {
		e := gin.New()
		e.HandleMethodNotAllowed = true
		if wiring == "table" {
			enforce, err := ginauth.Enforce(gate, ginauth.Policy{Rules: rules(ginPattern), Access: accessRules, Exempt: []string{"/home"}})
			if err != nil {
				return nil, err
			}
			e.Use(enforce)
		}
		wire(gate, wiring, onGin(e))
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

// fixture is one API in every framework, twice, behind Gates of several kinds.
type fixture struct {
	issuer   *jwkstest.Issuer
	handlers map[site]http.Handler
	servers  map[site]string // addresses of the same handlers
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

// open opens a Gate for issuers.
func open(t *testing.T, guard middleware.Config, issuers ...*jwkstest.Issuer) *sallyport.Gate {
	t.Helper()
	guard.Realm = "orders"
	guard.Exempt = []string{"/home"} // of net/http's table; Gin's and Chi's have their own
	guard.OnEvent = sendDecision
	cfg := sallyport.Config{
		Guard:    guard,
		Verifier: verifier.Config{Revoked: revoked, Now: func() time.Time { return now }},
	}
	for _, iss := range issuers {
		cfg.Providers = append(cfg.Providers, providers.Generic(iss.Issuer(), audience))
	}
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gate.Close()) })
	return gate
}

// serve opens a Gate for issuers, and a server of each framework and wiring
// behind it.
func (f *fixture) serve(t *testing.T, name string, guard middleware.Config, issuers ...*jwkstest.Issuer) {
	t.Helper()
	gate := open(t, guard, issuers...)
	for _, fw := range frameworks {
		for _, wiring := range wirings {
			h, err := fw.serve(gate, wiring)
			require.NoError(t, err)
			at := site{name, wiring, fw.name}
			f.handlers[at] = observed(h)
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
	header, served := ctx.Value(headerKey{}).(http.Header)
	if !served {
		return
	}
	header.Add("X-Decision", strings.TrimSpace(string(ev.Outcome)+" "+string(ev.Reason)))
}

var date = regexp.MustCompile(`\r\nDate: [^\r]*`)

// exchange sends the bytes of one request over a connection of its own, and
// returns those of the answer, less its Date.
func exchange(t *testing.T, address, request string) string {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	_, err := io.WriteString(conn, request)
	require.NoError(t, err)
	raw, err := io.ReadAll(conn)
	require.NoError(t, err)
	return date.ReplaceAllString(string(raw), "")
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(2*time.Minute)))
	return conn.(*net.TCPConn)
}

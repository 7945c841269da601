package echoauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/echoauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestEveryMistakeOfAPolicyIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{}, newIssuer(t))
	_, err := echoauth.Enforce(gate, echoauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /x":       claims.AllScopes(),
			"/ok":          claims.AnyToken(),
			"get /small":   claims.AnyToken(),
			"GET  /spaces": claims.AnyToken(),
			"orders":       claims.AnyToken(),
			"":             claims.AnyToken(),
			"GET NoRoute":  claims.AnyToken(),
			"/orders/{id}": claims.AnyToken(),
			"/twice":       claims.AnyToken(),
		},
		Access: map[string]claims.AccessLevels{"/levels": {}, "/twice": levels()},
		Exempt: []string{"/open", "/open"},
	})
	require.Error(t, err)
	for _, mistake := range []string{
		`echoauth: Policy: pattern "GET /x": claims: AllScopes`,
		`echoauth: Policy: pattern "get /small": "get" is no method; write METHOD, one space, pattern, or the pattern alone`,
		`echoauth: Policy: pattern "GET  /spaces": a pattern begins with a slash`,
		`echoauth: Policy: pattern "orders": a pattern begins with a slash`,
		`echoauth: Policy: pattern "": a pattern begins with a slash`,
		`echoauth: Policy: pattern "GET NoRoute": requests without a route are told apart by nothing, not even by method: write NoRoute`,
		`echoauth: Policy: pattern "/orders/{id}": parameters of Echo are :id and *, not {id}`,
		`echoauth: Policy: pattern "/levels": claims:`,
		`echoauth: Policy: pattern "/twice": stands there twice, also as "/twice"`,
		`echoauth: Policy: pattern "/open": stands there twice, also as "/open"`,
	} {
		assert.ErrorContains(t, err, mistake)
	}
	assert.Equal(t, 10, strings.Count(err.Error(), "echoauth: Policy: "))

	_, err = echoauth.Enforce(gate, echoauth.Policy{})
	assert.EqualError(t, err, "echoauth: Policy: no pattern at all; name the routes and their rules")
	_, err = echoauth.Enforce(nil, echoauth.Policy{Exempt: []string{"/x"}})
	assert.EqualError(t, err, "echoauth: the Guard is nil")
}

func TestWhichEntryDecides(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	a, b := claims.AllScopes("a"), claims.AllScopes("b")
	enforce, err := echoauth.Enforce(gate, echoauth.Policy{
		Rules: map[string]claims.Rule{
			"/both": a, "POST /both": b, "GET /read": a, "/files/*": a, `/run\:all`: a, "/go/:all": b, "NoRoute": b, "HEAD /read2": a, "GET /read2": b,
		},
		Exempt: []string{"GET /open"},
	})
	require.NoError(t, err)
	e := echo.New()
	e.Use(enforce)
	ok := func(c *echo.Context) error { return c.NoContent(http.StatusOK) }
	for _, pattern := range []string{"/both", "/read", "/read2", "/files/*", `/run\:all`, "/go/:all", "/open", "/forgotten"} {
		e.Any(pattern, ok)
	}
	e.RouteNotFound("/lost/*", ok)
	for _, row := range []struct {
		name, request, scope string
		status               int
	}{
		{"that of the pattern", "GET /both", "a", 200},
		{"that of the method before it", "POST /both", "b", 200},
		{"and not that of the pattern", "POST /both", "a", 403},
		{"GET for HEAD", "HEAD /read", "a", 200},
		{"that of HEAD before that of GET", "HEAD /read2", "a", 200},
		{"and not for POST", "POST /read", "a", 403},
		{"the rest of a path", "GET /files/x/y", "a", 200},
		{"a colon that is one", "GET /run:all", "a", 200},
		{"a colon that begins a parameter", "GET /go/:all", "b", 200},
		{"a path that is none", "GET /nowhere", "b", 404},
		{"a path that is none, without the scope", "GET /nowhere", "a", 403},
		{"a handler for what is none", "GET /lost/x", "b", 200},
		{"a handler for what is none, without the scope", "GET /lost/x", "a", 403},
		{"a route without an entry", "GET /forgotten", "a b", 403},
		{"an exemption", "GET /open", "", 200},
		{"an exemption of one method", "POST /open", "a b", 403},
		{"a method that Echo keeps for itself", "echo_route_not_found /both", "b", 403},
		{"and the other one", "echo_route_any /both", "a", 200},
	} {
		method, target, _ := strings.Cut(row.request, " ")
		assert.Equal(t, row.status, send(e, method, target, iss.Token(scope(row.scope))).Code, row.name)
	}
}

// Of a header with any number of lines a few are looked at, and the rest is no method.
func TestHeadersThatAskForAMethod(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	a := claims.AllScopes("a")
	enforce, err := echoauth.Enforce(open(t, middleware.Config{}, iss), echoauth.Policy{Rules: map[string]claims.Rule{"GET /x": a, "POST /x": a, "/one": a, "HEAD /two": a, "GET /two": claims.AllScopes("b")}})
	require.NoError(t, err)
	var n reached
	e := echo.New()
	e.Use(enforce)
	e.Any("/x", n.handle)
	e.Any("/one", n.handle)
	e.Any("/two", n.handle)
	token := iss.Token(scope("a"))
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		assert.Equal(t, 403, send(e, "GET", "/x", token, name, "POST").Code, name)
		assert.Equal(t, 403, send(e, "GET", "/x", token, name, "GET", name, " post").Code, name)
		assert.Equal(t, 200, send(e, "GET", "/x", token, name, "get ").Code, name)
		assert.Equal(t, 200, send(e, "GET", "/x", token, name, "HEAD").Code, name)
		assert.Equal(t, 200, send(e, "HEAD", "/x", token, name, "GET").Code, name)
		assert.Equal(t, 403, send(e, "HEAD", "/two", token, name, "GET").Code, name)
		assert.Equal(t, 200, send(e, "GET", "/one", token, name, "POST").Code, name)
		assert.Equal(t, 403, send(e, "GET", "/x", token, name, "GET", name, "GET", name, "GET", name, "GET", name, "GET").Code, name)
	}
}

// HEAD that the handler of GET answers has the entry of HEAD, where there is one.
func TestTheEntryOfHEADIsForHEAD(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	enforce, err := echoauth.Enforce(open(t, middleware.Config{}, iss), echoauth.Policy{Rules: map[string]claims.Rule{"HEAD /x": claims.AllScopes("a"), "GET /x": claims.AllScopes("b")}})
	require.NoError(t, err)
	var n reached
	e := echo.NewWithConfig(echo.Config{Router: echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true})})
	e.Use(enforce)
	e.GET("/x", n.handle)
	assert.Equal(t, 200, send(e, "HEAD", "/x", iss.Token(scope("a"))).Code)
	assert.Equal(t, 403, send(e, "HEAD", "/x", iss.Token(scope("b"))).Code)
	assert.Equal(t, 403, send(e, "GET", "/x", iss.Token(scope("a"))).Code)
}

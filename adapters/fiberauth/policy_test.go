package fiberauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/sallyport-go/sallyport/adapters/fiberauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestEveryMistakeOfAPolicyIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{}, newIssuer(t))
	app := fiber.New()
	app.Get("/x", answerFiber)
	app.Get("/ok", answerFiber)
	err := fiberauth.Enforce(app, gate, fiberauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /x":       claims.AllScopes(),
			"/ok":          claims.AnyToken(),
			"POST /ok":     claims.AnyToken(),
			"/typo":        claims.AnyToken(),
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
		`fiberauth: Policy: pattern "GET /x": claims: AllScopes`,
		`fiberauth: Policy: pattern "get /small": "get" is no method; write METHOD, one space, pattern, or the pattern alone`,
		`fiberauth: Policy: pattern "GET  /spaces": a pattern begins with a slash`,
		`fiberauth: Policy: pattern "orders": a pattern begins with a slash`,
		`fiberauth: Policy: pattern "": a pattern begins with a slash`,
		`fiberauth: Policy: pattern "GET NoRoute": requests without a route are told apart by nothing, not even by method: write NoRoute`,
		`fiberauth: Policy: pattern "/orders/{id}": parameters of Fiber are :id and *, not {id}`,
		`fiberauth: Policy: pattern "/levels": claims:`,
		`fiberauth: Policy: pattern "/twice": stands there twice, also as "/twice"`,
		`fiberauth: Policy: pattern "/open": stands there twice, also as "/open"`,
		`fiberauth: Policy: pattern "/typo" names no route`,
		`fiberauth: Policy: pattern "POST /ok" names no route`,
		`fiberauth: Policy: pattern "/twice" names no route`,
		`fiberauth: Policy: pattern "/open" names no route`,
	} {
		assert.ErrorContains(t, err, mistake)
	}
	assert.Equal(t, 14, strings.Count(err.Error(), "fiberauth: Policy: "))
	assert.Equal(t, 200, send(t, app, "GET", "/ok", "").Code, "the app is as it was")
	app.Get("/later", answerFiber)

	assert.EqualError(t, fiberauth.Enforce(app, gate, fiberauth.Policy{}), "fiberauth: Policy: no pattern at all; name the routes and their rules")
	assert.EqualError(t, fiberauth.Enforce(app, nil, fiberauth.Policy{}), "fiberauth: the Guard is nil")
	assert.EqualError(t, fiberauth.Enforce(nil, gate, fiberauth.Policy{}), "fiberauth: the App is nil")
}

func TestWhichEntryDecides(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	a, b := claims.AllScopes("a"), claims.AllScopes("b")
	ok := func(c fiber.Ctx) error { return c.SendStatus(http.StatusOK) }
	next := func(c fiber.Ctx) error { return c.Next() }
	app := fiber.New()
	app.Use(next)
	for _, pattern := range []string{"/both", "/read", "/read2", "/files/*", `/run\:all`, "/open", "/forgotten"} {
		app.All(pattern, ok)
	}
	app.Get("/get", ok)
	app.Get("/missing/*", next) // as a handler for files that are not there
	app.Get("/through", next)
	app.Get("/:any", ok)
	sub := fiber.New()
	sub.Get("/orders", ok)
	sub.Use("/deep", next)
	app.Use("/mounted", sub)
	headless := fiber.New(fiber.Config{DisableHeadAutoRegister: true}) // whose HEAD is added when the app serves
	headless.Get("/orders", ok)
	app.Use("/headless", headless)
	group := app.Group("/group", next)
	group.Get("/orders", ok)
	require.NoError(t, fiberauth.Enforce(app, gate, fiberauth.Policy{
		Rules: map[string]claims.Rule{
			"/both": a, "POST /both": b, "GET /read": a, "/files/*": a, `/run\:all`: a, "NoRoute": b, "HEAD /read2": a, "GET /read2": b,
			"GET /get": a, "/mounted/orders": a, "/headless/orders": a, "GET /group/orders": a, "/through": a, "/:any": b,
		},
		Exempt: []string{"GET /open", "/missing/*"},
	}))
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
		{"GET for the HEAD that Fiber adds", "HEAD /get", "a", 200},
		{"which is not open", "HEAD /get", "b", 403},
		{"the rest of a path", "GET /files/x/y", "a", 200},
		{"a colon that is one", "GET /run:all", "a", 200},
		{"another case, which Fiber routes alike", "GET /BOTH/", "a", 200},
		{"a path that is none", "GET /nowhere/x", "b", 404},
		{"a path that is none, without the scope", "GET /nowhere/x", "a", 403},
		{"a method that is none", "POST /get", "b", 405},
		{"a method that is none, without the scope", "POST /get", "a", 403},
		{"a handler that went on to nothing", "GET /missing/x", "", 404},
		{"a handler that went on to another route", "GET /through", "a", 403},
		{"and may go there", "GET /through", "a b", 200},
		{"a mounted app", "GET /mounted/orders", "a", 200},
		{"a mounted app, without the scope", "GET /mounted/orders", "b", 403},
		{"a mounted app without HEAD", "GET /headless/orders", "a", 200},
		{"whose HEAD is no route of the table", "HEAD /headless/orders", "a", 403},
		{"a group", "GET /group/orders", "a", 200},
		{"a group, without the scope", "GET /group/orders", "b", 403},
		{"a route without an entry", "GET /forgotten", "a b", 403},
		{"an exemption", "GET /open", "", 200},
		{"an exemption of one method", "POST /open", "a b", 403},
	} {
		method, target, _ := strings.Cut(row.request, " ")
		assert.Equal(t, row.status, send(t, app, method, target, iss.Token(scope(row.scope))).Code, row.name)
		if row.scope != "" {
			w := send(t, app, method, target, "")
			assert.Equal(t, 401, w.Code, "%s, without a token", row.name)
			assert.Empty(t, w.Header["Allow"], "it shows no stranger what there is")
		}
	}
	for name, register := range map[string]func(){
		"a route":      func() { app.Get("/late", ok) },
		"with a door":  func() { app.Get("/late", fiberauth.Authenticate(gate), ok) },
		"the same":     func() { app.Get("/:any", ok) },
		"a middleware": func() { app.Use(next) },
		"of a group":   func() { group.Get("/late", ok) },
	} {
		assert.Panics(t, register, "%s that is registered afterwards", name)
	}
}

// Of a header with any number of lines a few are looked at, and the rest is no method.
func TestHeadersThatAskForAMethod(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	a := claims.AllScopes("a")
	app := fiber.New()
	app.All("/x", answerFiber)
	app.All("/one", answerFiber)
	app.All("/two", answerFiber)
	require.NoError(t, fiberauth.Enforce(app, open(t, middleware.Config{}, iss), fiberauth.Policy{Rules: map[string]claims.Rule{"GET /x": a, "POST /x": a, "/one": a, "HEAD /two": a, "GET /two": claims.AllScopes("b")}}))
	token := iss.Token(scope("a"))
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		assert.Equal(t, 403, send(t, app, "GET", "/x", token, name, "POST").Code, name)
		assert.Equal(t, 403, send(t, app, "GET", "/x", token, name, "GET", name, " post").Code, name)
		assert.Equal(t, 200, send(t, app, "GET", "/x", token, name, "get ").Code, name)
		assert.Equal(t, 200, send(t, app, "GET", "/x", token, name, "HEAD").Code, name)
		assert.Equal(t, 200, send(t, app, "HEAD", "/x", token, name, "GET").Code, name)
		assert.Equal(t, 403, send(t, app, "HEAD", "/two", token, name, "GET").Code, name)
		assert.Equal(t, 200, send(t, app, "GET", "/one", token, name, "POST").Code, name)
		assert.Equal(t, 403, send(t, app, "GET", "/x", token, name, "GET", name, "GET", name, "GET", name, "GET", name, "GET").Code, name)
	}
}

// A handler that was taken from the app before Enforce has the door behind all routes too.
func TestAHandlerThatIsOlderThanTheTableIsGuarded(t *testing.T) {
	t.Parallel()
	var n reached
	app := fiber.New()
	app.Get("/x", n.handle)
	older := app.Handler()
	require.NoError(t, fiberauth.Enforce(app, open(t, middleware.Config{}, newIssuer(t)), fiberauth.Policy{Rules: map[string]claims.Rule{"GET /x": claims.AnyToken()}}))
	for _, path := range []string{"/x", "/nowhere"} {
		call := new(fasthttp.RequestCtx)
		call.Request.SetRequestURI(path)
		older(call)
		assert.Equal(t, 401, call.Response.StatusCode(), path)
	}
	assert.Zero(t, n.Load())
}

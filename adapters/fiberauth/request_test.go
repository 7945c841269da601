package fiberauth_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/fiberauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/middleware/mtls"
)

// status sends bytes and returns the status of the first answer, 0 for none.
func status(t *testing.T, address, request string) int {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader(exchange(t, address, request))), nil)
	if err != nil {
		return 0
	}
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

// fasthttp reads some headers otherwise than net/http. A token counts in one
// Authorization header, and nowhere else.
func TestNoShapeOfAHeaderOpensADoor(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	token := iss.Token(scope("orders.read"))
	bearer := "Authorization: Bearer " + token
	head := func(lines ...string) string {
		return "GET /orders HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	for _, disabled := range []bool{false, true} {
		app := fiber.New(fiber.Config{DisableHeaderNormalizing: disabled})
		app.All("/orders", fiberauth.Require(open(t, middleware.Config{}, iss), claims.AllScopes("orders.read")), answerFiber)
		address := serveFiber(t, app)
		for _, row := range []struct {
			name, request string
			status        int
		}{
			{"a good request", head(bearer), 200},
			{"a name in capitals is the same name", head("AUTHORIZATION: Bearer " + token), 200},
			{"a name in small letters too", head("authorization: Bearer " + token), 200},
			{"two lines", head(bearer, bearer), 400},
			{"two lines in capitals and small letters", head("AUTHORIZATION: Bearer "+token, "authorization: Bearer "+token), 400},
			{"a bad one behind a good one", head(bearer, "Authorization: Bearer x"), 400},
			{"other credentials in front", head("Authorization: Basic dTpw", bearer), 400},
			{"other credentials behind", head(bearer + ", Basic dTpw"), 400},
			{"an empty line in front", head("Authorization:", bearer), 400},
			{"a space before the colon, and a good one", head("Authorization : Bearer x", bearer), 403},
			{"a space before the colon", head("Authorization : Bearer " + token), 401},
			{"a space in a name, and a good token", head("X Y: 1", bearer), 403},
			{"two hosts, and a good token", head("host: other.example", bearer), 403},
			{"two hosts", head("Host: api.example"), 401},
			{"an underscore in the name", head("Auth_orization: Bearer " + token), 401},
			{"a token for the proxy", head("Proxy-" + bearer), 401},
			{"a token in a cookie", head("Cookie: Authorization=Bearer " + token), 401},
			{"a NUL behind", head(bearer + "\x00"), 400},
			{"a token that is folded", head("Authorization: Bearer " + token[:20] + "\r\n " + token[20:]), 400},
			{"a token in the trailer", head("Trailer: Authorization", "Transfer-Encoding: chunked") + "0\r\n" + bearer + "\r\n\r\n", 400},
			{"a token in the trailer, unannounced", head("Transfer-Encoding: chunked") + "0\r\n" + bearer + "\r\n\r\n", 400},
			{"HTTP/1.0 with a token", "GET /orders HTTP/1.0\r\n" + bearer + "\r\n\r\n", 200},
			{"HTTP/1.0 without", "GET /orders HTTP/1.0\r\n\r\n", 401},
			{"a client that says who it is", head("X-Forwarded-User: admin", "X-Remote-User: admin"), 401},
			{"a method that Fiber does not know", strings.Replace(head(bearer), "GET", "BREW", 1), 501},
			{"a method in small letters", strings.Replace(head(bearer), "GET", "get", 1), 501},
		} {
			got := status(t, address, row.request)
			if row.status == 400 && got == 0 {
				continue // the connection was closed
			}
			assert.Equal(t, row.status, got, "%s, normalizing disabled: %v", row.name, disabled)
		}
	}
}

// fasthttp makes headers of what stands behind a chunked body, where no proxy looks that
// takes a header away from its clients.
func TestWhatStandsInATrailerIsNoHeader(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	binding, err := mtls.New(mtls.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	require.NoError(t, err)
	own := iss.NewCertificate()
	token := iss.Token(own.Bound(), scope("get", "post", "delete"))
	bearer, certificate := "Authorization: Bearer "+token, "Client-Cert: "+own.ClientCert()
	gate := open(t, middleware.Config{Bindings: []middleware.Binding{binding}}, iss)
	for _, streamed := range []bool{false, true} {
		app := fiber.New(fiber.Config{StreamRequestBody: streamed})
		app.Use("/moved", func(c fiber.Ctx) error {
			c.Request().Header.Set("Authorization", "Bearer "+c.Get("X-Token"))
			return c.Next()
		})
		app.Use(func(c fiber.Ctx) error { _ = c.Body(); return c.Next() }) // a stream has its trailer when it is read
		app.Post("/*", fiberauth.RequireAccess(gate, levels()), answerFiber)
		address := serveFiber(t, app)
		chunked := func(path, trailer string, lines ...string) string {
			return "POST " + path + " HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\ntransfer-encoding: chunked\r\n" +
				strings.Join(lines, "\r\n") + "\r\n\r\n1\r\nx\r\n0\r\n" + trailer + "\r\n\r\n"
		}
		for _, row := range []struct {
			name, request string
			status        int
		}{
			{"a certificate in the header", chunked("/x", "X: y", bearer, certificate), 200},
			{"in the trailer", chunked("/x", certificate, bearer), 401},
			{"in the trailer, announced", chunked("/x", certificate, bearer, "Trailer: Client-Cert"), 401},
			{"in the trailer, in small letters", chunked("/x", strings.ToLower("Client-Cert")+certificate[len("Client-Cert"):], bearer), 401},
			{"another in the header, and it in the trailer", chunked("/x", certificate, bearer, "Client-Cert: "+iss.NewCertificate().ClientCert()), 401},
			{"a token that a handler in front has found", chunked("/moved", "X: y", certificate, "X-Token: "+token), 200},
			{"a method that a trailer asks for, and handlers see", chunked("/x", "X-HTTP-Method-Override: DELETE", bearer, certificate), 403},
			{"a name with a space", chunked("/x", "X Y: 1", bearer, certificate), 403},
		} {
			assert.Equal(t, row.status, status(t, address, row.request), "%s, streamed: %v", row.name, streamed)
		}
	}
}

// What fasthttp and net/http read differently in a target is closed: 401 without a
// token, 403 with one.
func TestATargetThatIsReadInTwoWaysIsRefused(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	token := iss.Token(scope("orders.read"))
	var secret reached
	app := fiber.New()
	app.Get("/orders", answerFiber)
	app.Get("/orders/:id", answerFiber)
	app.Get("/admin", secret.handle)
	app.Get("/public/*", answerFiber)
	app.Get("/", answerFiber)
	require.NoError(t, fiberauth.Enforce(app, gate, fiberauth.Policy{
		Rules:  map[string]claims.Rule{"GET /orders": claims.AllScopes("orders.read"), "GET /orders/:id": claims.AllScopes("orders.read"), "GET /admin": claims.AnyRole("Orders.Admin"), "GET /": claims.AnyToken()},
		Exempt: []string{"GET /public/*"},
	}))
	address := serveFiber(t, app)
	for target, want := range map[string]int{
		"/orders":                           200,
		"/orders?x=/admin":                  200,
		"/orders?x=//y":                     200,
		"/ORDERS":                           200, // Fiber's own reading
		"/orders/":                          200,
		"/orders/7":                         200,
		"/orders/%37":                       200,
		"/orders/a%2fb":                     200,
		"/orders/a//b":                      403,
		"http://api.example/orders":         200,
		"http://other.example/orders":       200,
		"https://api.example:8443/orders?x": 200,
		"http://api.example":                200,
		"HTTP://api.example/orders":         403,
		"http://api.example/orders#/admin":  403,
		"http://u:p@api.example/orders":     403,
		"ftp://api.example/orders":          403,
		"//orders":                          403,
		"//api.example/orders":              403,
		"//api.example/orders?x=http://y":   403, // /orders for fasthttp
		"///orders":                         403,
		"/orders#/public/x":                 403,
		"/public/x#y":                       403, // exempt, if it were clear
		"/orders%zz":                        403,
		"/orders/%zz":                       403,
		"/admin":                            403,
		"/%61dmin":                          403,
		"/public/../admin":                  200, // to the handler of /public/*, as Fiber routes it
		"/public/%2e%2e/admin":              200,
		"//public/x/../../admin":            403,
		"http://api.example//admin":         403,
		"orders":                            403,
		"*":                                 403,
	} {
		request := func(authorization string) string {
			return "GET " + target + " HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n" + authorization + "\r\n"
		}
		got := status(t, address, request("Authorization: Bearer "+token+"\r\n"))
		if want == 403 && (got == 400 || got == 0) {
			continue // fasthttp takes it for no request
		}
		assert.Equal(t, want, got, target)
		if !strings.HasPrefix(target, "/public") {
			assert.Equal(t, 401, status(t, address, request("")), target)
		}
	}
	assert.Equal(t, 401, status(t, address, "GET /public/x#y HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n"))
	for authorization, want := range map[string]int{"Authorization: Bearer " + token + "\r\n": 403, "": 401} {
		assert.Equal(t, want, status(t, address, "GET //api.example/orders HTTP/1.0\r\n"+authorization+"\r\n"), "without a Host")
	}
	assert.Zero(t, secret.Load())
}

// An exemption of the Guard is for what Fiber routes by, whatever a handler in front of the
// door has made of the request.
func TestAnExemptionOfTheGuardOpensNoOtherRoute(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{Exempt: []string{"GET /x", "/public/"}}, newIssuer(t))
	change := map[string]func(c fiber.Ctx, to string){
		"":            func(fiber.Ctx, string) {},
		"method":      func(c fiber.Ctx, to string) { c.Method(to) },
		"path":        func(c fiber.Ctx, to string) { c.Path(to) },
		"target":      func(c fiber.Ctx, to string) { c.Request().SetRequestURI(to) },
		"target path": func(c fiber.Ctx, to string) { c.Request().URI().SetPath(to) },
	}
	for _, unescape := range []bool{false, true} {
		app := fiber.New(fiber.Config{UnescapePath: unescape})
		app.Use(func(c fiber.Ctx) error { change[c.Get("X-Change")](c, c.Get("X-To")); return c.Next() })
		app.Use(fiberauth.Authenticate(gate))
		for _, pattern := range []string{"/x", "/public/*", "/:tenant", "/:tenant/orders"} {
			app.All(pattern, func(c fiber.Ctx) error { return c.SendString(c.Method() + " " + c.Route().Path) })
		}
		for _, row := range []struct {
			name, method, target, change, to string
			reached                          string // "" for none
		}{
			{"the method of the exemption", "GET", "/x", "", "", "GET /x"},
			{"another method", "DELETE", "/x", "", "", ""},
			{"another method that became GET", "DELETE", "/x", "method", "GET", ""},
			{"GET that became another method", "GET", "/x", "method", "DELETE", ""},
			{"the tree", "GET", "/public/a%2fb", "", "", "GET /public/*"},
			{"another route, for the escape that is kept", "GET", "/publi%63/orders", "", "", ""},
			{"a path that became exempt", "GET", "/acme/orders", "path", "/public/x", "GET /public/*"},
			{"a path that is exempt no more", "GET", "/public/x", "path", "/acme/orders", ""},
			{"an exempt target that routes nothing", "GET", "/acme/orders", "target", "/public/orders", ""},
			{"an exempt target of one segment", "GET", "/acme", "target", "/x", ""},
			{"an exempt path of the target that routes nothing", "GET", "/acme/orders", "target path", "/public/orders", ""},
			{"another target that routes nothing", "GET", "/x", "target", "/acme/orders", "GET /x"},
		} {
			got := send(t, app, row.method, row.target, "", "X-Change", row.change, "X-To", row.to)
			if row.reached == "" {
				assert.Equal(t, 401, got.Code, "%s, unescaped: %v", row.name, unescape)
				continue
			}
			assert.Equal(t, row.reached, got.Body, "%s, unescaped: %v", row.name, unescape)
		}
	}
}

// Proofs of DPoP are for the URL that the client called.
func TestABoundTokenPassesWithItsProofAlone(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example", Now: func() time.Time { return now }})
	require.NoError(t, err)
	gate := open(t, middleware.Config{Bindings: []middleware.Binding{proofs, offering{}}}, iss)
	app := fiber.New()
	app.Get("/orders/:id", fiberauth.Require(gate, claims.AllScopes("orders.read")), answerFiber)
	prover := iss.NewProver("ES256")
	token := iss.Token(scope("orders.read"), prover.Bound())
	call := func(path, proof string) answered {
		return send(t, app, http.MethodGet, path, "", "Authorization", "DPoP "+token, "DPoP", proof)
	}
	proof := prover.Proof(http.MethodGet, "https://api.example/orders/7", token)
	passed := call("/orders/7?x=1", proof)
	assert.Equal(t, 200, passed.Code)
	assert.Equal(t, "n2", passed.Header.Get("X-Next-Nonce"), "what a Binding offers")
	assert.Equal(t, 401, call("/orders/7", proof).Code, "used again")
	assert.Equal(t, 401, call("/orders/8", prover.Proof(http.MethodGet, "https://api.example/orders/7", token)).Code)
	assert.Equal(t, 401, call("/orders/7", "").Code)
	r := httptest.NewRequest(http.MethodGet, "/orders/7", http.NoBody)
	r.Header["Authorization"] = []string{"DPoP " + token}
	r.Header["Dpop"] = []string{prover.Proof(http.MethodGet, "https://api.example/orders/7", token), "x"}
	answer, err := app.Test(r, fiber.TestConfig{Timeout: time.Minute})
	require.NoError(t, err)
	assert.Equal(t, 401, answer.StatusCode, "two proofs")
	require.NoError(t, answer.Body.Close())
}

// offering is a Binding that has something to tell those who pass.
type offering struct{}

func (offering) Confirms() []string { return []string{"kid"} }

func (offering) Check(*http.Request, middleware.Credential, *claims.Claims) error { return nil }

func (offering) Offer(*http.Request) [][2]string { return [][2]string{{"X-Next-Nonce", "n2"}} }

// Path values are those that handlers see: not decoded, unless Fiber is told to.
func TestRulesSeeTheParametersThatHandlersSee(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	token := iss.Token(scope("orders.read"), jwkstest.Claims{"tenant": "acme"})
	for _, unescape := range []bool{false, true} {
		app := fiber.New(fiber.Config{UnescapePath: unescape})
		app.Get("/t/:tenant", fiberauth.Require(open(t, middleware.Config{}, iss), ownTenant), func(c fiber.Ctx) error {
			assert.Equal(t, "acme", c.Params("tenant"))
			return c.SendString("")
		})
		assert.Equal(t, 200, send(t, app, "GET", "/t/acme", token).Code)
		assert.Equal(t, map[bool]int{false: 403, true: 200}[unescape], send(t, app, "GET", "/t/%61cme", token).Code)
		assert.Equal(t, 403, send(t, app, "GET", "/t/globex?tenant=acme", token).Code)
	}
}

package ginauth_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// settings are all that makes Gin read a path in another way.
var settings = []struct {
	name string
	set  func(*gin.Engine, bool)
}{
	{"RedirectTrailingSlash", func(e *gin.Engine, on bool) { e.RedirectTrailingSlash = on }},
	{"RedirectFixedPath", func(e *gin.Engine, on bool) { e.RedirectFixedPath = on }},
	{"HandleMethodNotAllowed", func(e *gin.Engine, on bool) { e.HandleMethodNotAllowed = on }},
	{"UseRawPath", func(e *gin.Engine, on bool) { e.UseRawPath = on }},
	{"UseEscapedPath", func(e *gin.Engine, on bool) { e.UseEscapedPath = on }},
	{"UnescapePathValues", func(e *gin.Engine, on bool) { e.UnescapePathValues = on }},
	{"RemoveExtraSlash", func(e *gin.Engine, on bool) { e.RemoveExtraSlash = on }},
}

// targets are ways to write a path that some router takes for /admin/users,
// /admin or /public/x.
var targets = []string{
	"/admin/users", "/admin/users/", "/admin/users//", "//admin/users", "///admin//users", "/admin//users", "/admin/./users",
	"/admin/x/../users", "/./admin/users", "/../admin/users", "/public/../admin/users", "/public/..%2fadmin/users",
	"/public/%2e%2e/admin/users", "/public/.%2E/admin/users", "/public/%2e%2e%2fadmin%2fusers", "/public/x%2f..%2f..%2fadmin/users",
	"/%61dmin/users", "/admin/%75sers", "/%61%64%6d%69%6e/%75%73%65%72%73", "/admin%2fusers", "/admin%2Fusers", "/%2fadmin/users",
	"/admin%252fusers", "/%2561dmin/users", "/ADMIN/USERS", "/Admin/users", "/admin/users;x=1", "/admin;x=1/users", "/admin/users%00",
	"/admin/users%20", "/admin/users?x=/public/", "/admin/users#/public/x", "/admin%5cusers", "/admin\\users", "/public\\..\\admin/users",
	"/public/%5c../admin/users", "/admin/users/.", "/admin/users/..", "/admin/users/%2e", "/admin/%2e/users", "/admin/users%2f",
	"/public/x/..;/admin/users", "/public/;/../admin/users", "/public/%c0%af../admin/users", "/%ef%bc%8fadmin/users", "/admin", "/admin/",
	"/public/x", "/public/", "/public", "/PUBLIC/x", "/public//x", "//public/x", "http://api.example/admin/users",
	"http://api.example/public/../admin/users", "http://api.example//admin/users", "*",
}

// parse reads a request as a server would from the wire; false if it would not.
func parse(method, target string, headers ...string) (*http.Request, bool) {
	text := method + " " + target + " HTTP/1.1\r\nHost: api.example\r\n"
	for _, h := range headers {
		text += h + "\r\n"
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
	return r, err == nil
}

// Every combination of settings, every target, every method: the administrator's
// handler never runs for a reader, and only what is public runs for nobody.
func TestNoWayToWriteAPathPassesARule(t *testing.T) {
	t.Parallel()
	wirings := map[string]func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc){
		"a table": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			h, err := ginauth.Enforce(g, ginauth.Policy{
				Rules:  map[string]claims.Rule{"/admin/users": admins(), "/admin": admins(), "/any/*path": claims.AnyToken()},
				Exempt: []string{"/public/*path"},
			})
			if err != nil {
				panic(err)
			}
			e.Use(h)
			e.Any("/admin/users", admin)
			e.Any("/admin", admin)
			e.Any("/any/*path", public)
			e.Any("/public/*path", public)
		},
		"routes": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			e.Any("/admin/users", ginauth.Require(g, admins()), admin)
			e.Any("/admin", ginauth.Require(g, admins()), admin)
			e.Any("/public/*path", public)
		},
		"an exempt tree": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			e.Use(ginauth.Authenticate(g)) // its exemption is the Guard's, by net/http's patterns
			e.Any("/admin/users", ginauth.Require(g, admins()), admin)
			e.Any("/admin", ginauth.Require(g, admins()), admin)
			e.Any("/public/*path", public)
		},
		"a lenient tree with the strict routes inside": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			h, err := ginauth.Enforce(g, ginauth.Policy{
				Rules:  map[string]claims.Rule{"/admin/users": admins(), "/admin": admins()},
				Exempt: []string{"/:tree/*path", ginauth.NoRoute},
			})
			if err != nil {
				panic(err)
			}
			e.Use(h)
			e.Any("/admin/users", admin)
			e.Any("/admin", admin)
			e.Any("/:tree/*path", public)
			e.NoRoute(public)
		},
	}
	for name, wire := range wirings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passed := 0
			for mask := range 1 << len(settings) {
				var secret, public reached
				e := gin.New()
				for i, s := range settings {
					s.set(e, mask>>i&1 == 1)
				}
				wire(e, newGuard(t, middleware.Config{Exempt: []string{"/public/"}}), secret.handler, public.handler)
				for _, target := range targets {
					for _, method := range []string{"GET", "CONNECT"} {
						for _, token := range []string{"", reader} {
							r, ok := parse(method, target, "Authorization: Bearer "+token)
							if token == "" {
								r, ok = parse(method, target)
							}
							if !ok {
								continue
							}
							status := survive(e, r)
							if n := secret.Load(); n != 0 {
								require.Zero(t, n, "%s %s reached the administrator's handler with token %q and settings %s", method, target, token, settingsOf(mask))
							}
							if status == 200 {
								passed++
							}
						}
					}
				}
			}
			assert.NotZero(t, passed, "what is public was never reached: the test tests nothing")
		})
	}
}

// survive is serve where Gin itself may panic: looking for the methods of a 405
// it does so for some paths below a wildcard, before it runs any handler.
func survive(e *gin.Engine, r *http.Request) (status int) {
	defer func() {
		if recover() != nil {
			status = http.StatusInternalServerError
		}
	}()
	return serve(e, r).Code
}

func settingsOf(mask int) string {
	var on []string
	for i, s := range settings {
		if mask>>i&1 == 1 {
			on = append(on, s.name)
		}
	}
	return fmt.Sprint(on)
}

// The administrator does get there, whatever the settings.
func TestTheRuleLetsThroughWhoMay(t *testing.T) {
	t.Parallel()
	for mask := range 1 << len(settings) {
		var n reached
		e := gin.New()
		for i, s := range settings {
			s.set(e, mask>>i&1 == 1)
		}
		e.Use(enforce(t, newGuard(t, middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{"/admin/:name": admins()}}))
		e.Any("/admin/:name", n.handler)
		for _, target := range []string{"/admin/users", "/admin/a%20b", "/%61dmin/users"} {
			r, ok := parse("GET", target, "Authorization: Bearer "+admin)
			require.True(t, ok)
			code := serve(e, r).Code
			if target == "/%61dmin/users" && e.UseRawPath || target == "/%61dmin/users" && e.UseEscapedPath {
				assert.Contains(t, []int{301, 403}, code, "raw paths know no such route")
				continue
			}
			assert.Equal(t, 200, code, "%s %s", target, settingsOf(mask))
		}
	}
}

// Gin redirects before any handler runs. That opens nothing.
func TestRedirectsOpenNothing(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.RedirectFixedPath = true
	e.Use(enforce(t, newGuard(t, middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{"/admin": admins()}}))
	e.GET("/admin", n.handler)
	for _, path := range []string{"/admin/", "/ADMIN", "//admin"} {
		w := serve(e, request("GET", path, ""))
		assert.Equal(t, 301, w.Code)
		assert.Equal(t, "/admin", w.Header().Get("Location"))
	}
	assert.Zero(t, n.Load())
	assert.Equal(t, 401, serve(e, request("GET", "/admin", "")).Code)
}

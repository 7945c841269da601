package chiauth_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

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
	"/admin/users.json", "/public/x", "/public/", "/public", "/PUBLIC/x", "/public//x", "//public/x", "http://api.example/admin/users",
	"http://api.example/public/../admin/users", "http://api.example//admin/users", "*",
}

func parse(method, target, token string) (*http.Request, bool) {
	text := method + " " + target + " HTTP/1.1\r\nHost: api.example\r\n"
	if token != "" {
		text += "Authorization: Bearer " + token + "\r\n"
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
	return r, err == nil
}

func withoutPrefix(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/public/..")
		r.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, "/public/%2e%2e")
		next.ServeHTTP(w, r)
	})
}

// With whatever rewrites paths in front of the table: the administrator's
// handler never runs for a reader, and only what is public runs for nobody.
func TestNoWayToWriteAPathPassesARule(t *testing.T) {
	t.Parallel()
	for name, rewriting := range map[string][]func(http.Handler) http.Handler{
		"nothing":               nil,
		"CleanPath":             {chimiddleware.CleanPath},
		"StripSlashes":          {chimiddleware.StripSlashes},
		"GetHead":               {chimiddleware.GetHead},
		"URLFormat":             {chimiddleware.URLFormat},
		"everything":            {chimiddleware.CleanPath, chimiddleware.StripSlashes, chimiddleware.URLFormat, chimiddleware.GetHead},
		"a prefix taken away":   {withoutPrefix},
		"RedirectSlashes":       {chimiddleware.RedirectSlashes},
		"everything, otherwise": {chimiddleware.GetHead, chimiddleware.URLFormat, chimiddleware.StripSlashes, chimiddleware.CleanPath},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for lenient, exempt := range map[string][]string{"closed": {"/public/*"}, "open": {"/public/*", "/*", chiauth.NoRoute}} {
				var secret, public reached
				sub := chi.NewRouter()
				sub.Handle("/", &secret)
				sub.Handle("/users", &secret)
				r := chi.NewRouter()
				r.Use(rewriting...)
				r.Use(enforce(t, newGuard(t, middleware.Config{}), r, chiauth.Policy{
					Rules: map[string]claims.Rule{
						"/admin/users": admins(), "/admin": admins(), "/admin/": admins(),
						"/admin2/users": admins(), "/admin2": admins(), "/admin2/": admins(),
					},
					Exempt: exempt,
				}))
				r.Mount("/admin", sub)
				r.Handle("/admin2/users", &secret)
				r.Handle("/public/*", &public)
				if lenient == "open" {
					r.Handle("/*", &public)
					r.NotFound(public.ServeHTTP)
				}
				for _, target := range targets {
					for _, target := range []string{target, strings.Replace(target, "admin", "admin2", 1)} {
						for _, method := range []string{"GET", "HEAD", "CONNECT", "OPTIONS"} {
							for _, token := range []string{"", reader} {
								if req, ok := parse(method, target, token); ok {
									serve(r, req)
									require.Zero(t, secret.Load(), "%s %s reached the administrator's handler with token %q, %s", method, target, token, lenient)
								}
							}
						}
					}
				}
				assert.NotZero(t, public.Load(), "what is public was never reached: the test tests nothing")
				for _, path := range []string{"/admin/users", "/admin2/users"} {
					assert.Equal(t, 200, serve(r, request("GET", path, admin)).Code, "the administrator gets there")
				}
			}
		})
	}
}

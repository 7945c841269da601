// Package kit is what the tests of the adapters share.
package kit

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// The tokens that the verifier of [Guard] knows.
const (
	Reader = "token-of-reader" // scope orders.read
	Admin  = "token-of-admin"  // scope orders.read, role Orders.Admin
	Panic  = "panic"           // the verifier panics
	demo   = "good"            // scope orders.read
)

type verifier struct{}

var payloads = map[string]string{
	Reader: `{"sub":"reader","scope":"orders.read get","aud":"api://orders"}`,
	Admin:  `{"sub":"admin","scope":"orders.read","roles":["Orders.Admin"]}`,
	demo:   `{"sub":"warehouse","scope":"orders.read"}`,
}

// Verify implements middleware.Verifier.
func (verifier) Verify(_ context.Context, token string) (*claims.Claims, error) {
	if token == Panic {
		panic("a validator of the user")
	}
	payload, ok := payloads[token]
	if !ok {
		return nil, reason.BadSignature
	}
	return claims.Parse([]byte(payload), claims.Mapping{})
}

// Guard returns a Guard that knows these tokens.
func Guard(cfg middleware.Config) *middleware.Guard {
	cfg.Verifier = verifier{}
	g, err := middleware.New(cfg)
	if err != nil {
		panic(err)
	}
	return g
}

// Reached is a handler that counts its requests, and answers with the subject of
// their claims.
type Reached struct{ atomic.Int64 }

// ServeHTTP implements http.Handler.
func (n *Reached) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.Add(1)
	w.WriteHeader(http.StatusOK)
	subject := "-"
	if c, ok := claims.FromContext(r.Context()); ok {
		subject = c.Subject()
	}
	_, _ = w.Write([]byte(subject))
}

// Reads is a rule that a reader passes.
func Reads() claims.Rule { return claims.AllScopes("orders.read") }

// Admins is a rule that only an administrator passes.
func Admins() claims.Rule { return claims.AnyRole("Orders.Admin") }

// Orders are the levels of which a reader has get.
func Orders() claims.AccessLevels { return claims.AccessLevels{Resources: []string{"api://orders"}} }

// Request returns a request with a bearer token, unless that is "".
func Request(method, target, token string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, target, http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// FromWire returns a request as a server reads it from a connection; false if a
// server would not.
func FromWire(method, target, token string) (*http.Request, bool) {
	text := method + " " + target + " HTTP/1.1\r\nHost: api.example\r\n"
	if token != "" {
		text += "Authorization: Bearer " + token + "\r\n"
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
	return r, err == nil
}

// Serve returns the answer of h.
func Serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// DemoGate is for examples; it has the place of
// sallyport.New("https://issuer.example/", "api://orders") and knows one token.
func DemoGate() *middleware.Guard { return Guard(middleware.Config{}) }

// Try sends one request and prints what a caller sees.
func Try(h http.Handler, method, target, token string) {
	w := Serve(h, Request(method, target, token))
	_, _ = fmt.Fprintln(os.Stdout, strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Header().Get("WWW-Authenticate"))))
}

// Code is the status of the answer.
func Code(h http.Handler, method, target, token string) int {
	return Serve(h, Request(method, target, token)).Code
}

// Case is a request to a handler, and the status of its answer.
type Case = struct {
	Name, Method, Path, Token string
	Status                    int
}

// Run sends the requests, each in a subtest. No answer tells what routes exist.
func Run(t *testing.T, h http.Handler, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			w := Serve(h, Request(c.Method, c.Path, c.Token))
			if w.Code != c.Status || w.Header().Get("Allow") != "" {
				t.Errorf("%d %q, want %d", w.Code, w.Header(), c.Status)
			}
		})
	}
}

// Spellings are ways to write a path that some router takes for /admin/users,
// /admin or /public/x.
var Spellings = []string{
	"/admin/users", "/admin/users/", "/admin/users//", "//admin/users", "///admin//users", "/admin//users", "/admin/./users",
	"/admin/x/../users", "/./admin/users", "/../admin/users", "/public/../admin/users", "/public/..%2fadmin/users",
	"/public/%2e%2e/admin/users", "/public/.%2E/admin/users", "/public/%2e%2e%2fadmin%2fusers", "/public/x%2f..%2f..%2fadmin/users",
	"/%61dmin/users", "/admin/%75sers", "/%61%64%6d%69%6e/%75%73%65%72%73", "/admin%2fusers", "/admin%2Fusers", "/%2fadmin/users",
	"/admin%252fusers", "/%2561dmin/users", "/ADMIN/USERS", "/Admin/users", "/admin/users;x=1", "/admin;x=1/users", "/admin/users%00",
	"/admin/users%20", "/admin/users?x=/public/", "/admin/users#/public/x", "/admin%5cusers", "/admin\\users", "/public\\..\\admin/users",
	"/public/%5c../admin/users", "/admin/users/.", "/admin/users/..", "/admin/users/%2e", "/admin/%2e/users", "/admin/users%2f",
	"/public/x/..;/admin/users", "/public/;/../admin/users", "/public/%c0%af../admin/users", "/%ef%bc%8fadmin/users", "/admin", "/admin/",
	"/admin/users.json", "/public/x", "/public/", "/public", "/PUBLIC/x", "/public//x", "//public/x", "http://api.example/admin/users",
	"http://api.example/public/../admin/users", "http://api.example//admin/users", "*", "http://other.example/public/../admin/users",
	"/public%2f..%2fadmin%2fusers", "/public%5c..%5cadmin/users", "/public;/../admin/users", "/public/%c0%ae%c0%ae/admin/users",
	"/admin/users%23", "/admin/users%3f",
}

// TrySpellings sends every spelling without a token and with a reader's. The
// test ends where one of them reaches the administrator's handler.
func TrySpellings(t *testing.T, h http.Handler, secret *Reached, set string, methods ...string) {
	t.Helper()
	for _, target := range Spellings {
		for _, method := range methods {
			for _, token := range []string{"", Reader} {
				if r, ok := FromWire(method, target, token); ok {
					if Serve(h, r); secret.Load() != 0 {
						t.Fatalf("%s %s reached the administrator's handler with token %q, %s", method, target, token, set)
					}
				}
			}
		}
	}
}

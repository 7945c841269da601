package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// cors is a CORS handler that marks what it answers. It hands on what is no
// preflight to it, and with X-Hand-On all.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
		if r.Header.Get("X-Hand-On") != "" {
			next.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func preflight(changes ...[2]string) *http.Request {
	r := httptest.NewRequest(http.MethodOptions, "/orders", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Method", "GET")
	r.Header.Set("Access-Control-Request-Headers", "authorization")
	for _, c := range changes {
		r.Header.Set(c[0], c[1])
	}
	return r
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	without := func(name string) *http.Request {
		r := preflight()
		r.Header.Del(name)
		return r
	}
	twice := preflight()
	twice.Header.Add("Origin", "https://other.example")
	post := preflight()
	post.Method = http.MethodPost
	lower := preflight()
	lower.Method = "options"
	inPattern := preflight()
	inPattern.Pattern = "DELETE /orders"
	for _, row := range []struct {
		name    string
		request *http.Request
		taken   bool
	}{
		{"a preflight", preflight(), true},
		{"one that the CORS handler hands on", preflight([2]string{"X-Hand-On", "1"}), true},
		{"OPTIONS of a page without the method that it wants", without("Access-Control-Request-Method"), false},
		{"OPTIONS of no page", without("Origin"), false},
		{"OPTIONS with an empty Origin", preflight([2]string{"Origin", ""}), false},
		{"OPTIONS of two pages", twice, false},
		{"another method", post, false},
		{"another method by its letters", lower, false},
		{"a preflight with a token", preflight([2]string{"Authorization", "Bearer " + reader}), false},
		{"a preflight with credentials of another scheme", preflight([2]string{"Authorization", "Basic dTpw"}), false},
		{"a preflight with an empty header of credentials", preflight([2]string{"Authorization", ""}), false},
		{"a preflight with credentials elsewhere", preflight([2]string{"X-Forwarded-Token", "bad"}), false},
		{"a preflight that asks for another method", preflight([2]string{"X-HTTP-Method-Override", "DELETE"}), false},
		{"a preflight that asks for its own method", preflight([2]string{"X-Http-Method", "OPTIONS"}), false},
		{"a preflight that was routed as DELETE", inPattern, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			seen, reached := &events{}, 0
			g := newGuard(t, middleware.Config{Preflight: cors, OnEvent: seen.add, Exempt: []string{"GET /healthz"}, Credentials: func(r *http.Request) (middleware.Credential, error) {
				if token := r.Header.Get("X-Forwarded-Token"); token != "" {
					return middleware.Credential{Token: token}, nil
				}
				return middleware.FromAuthorization(r)
			}})
			api := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ })
			enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/orders": allWrites(), "/": {}}})
			require.NoError(t, err)
			exempt, err := newGuard(t, middleware.Config{Preflight: cors, Exempt: []string{"/orders"}}).Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": {}}})
			require.NoError(t, err)
			doors := map[string]http.Handler{
				"Authenticate": g.Authenticate(api), "Optional": g.Optional(api), "Require": g.Require(allWrites())(api),
				"RequireAccess": g.RequireAccess(orders())(api), "Enforce": enforce(api),
			}
			if row.taken { // an exempt path is open to all other requests
				doors["an exempt path of Enforce"] = exempt(api)
				doors["an exempt path"] = newGuard(t, middleware.Config{Preflight: cors, Exempt: []string{"/orders"}}).Authenticate(api)
			}
			for name, door := range doors {
				w := serve(door, row.request)
				assert.Equal(t, row.taken, w.Header().Get("Access-Control-Allow-Origin") != "", name)
				if row.taken {
					assert.Equal(t, http.StatusNoContent, w.Code, name)
				}
			}
			if row.taken {
				assert.Zero(t, reached, "no handler of the API is reached")
				assert.Empty(t, seen.lines())
			} else {
				assert.NotEmpty(t, seen.lines())
			}
		})
	}
}

func TestWithoutAHandlerPreflightsAreJudgedLikeAnyRequest(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	assert.Equal(t, 401, serve(g.Authenticate(handler), preflight()).Code)
	assert.Equal(t, 503, serve(new(middleware.Guard).Authenticate(handler), preflight()).Code)
}

// A source of credentials that reads a header of its own does not see what is in
// Authorization, which no browser sends with a preflight.
func TestAPreflightHasNoAuthorizationWhereverTokensAreFrom(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Preflight: cors, Credentials: func(*http.Request) (middleware.Credential, error) {
		return middleware.Credential{}, reason.NoToken
	}})
	assert.Equal(t, 204, serve(g.Authenticate(handler), preflight()).Code)
	for _, value := range []string{"Bearer " + reader, "Basic dTpw", ""} {
		assert.Equal(t, 401, serve(g.Authenticate(handler), preflight([2]string{"Authorization", value})).Code, value)
	}
}

// A source of credentials that fails has not said that there are none.
func TestACredentialThatCannotBeReadIsNoPreflight(t *testing.T) {
	t.Parallel()
	for err, status := range map[error]int{reason.NoToken: 204, reason.InvalidRequest: 400, reason.UnsupportedScheme: 401} {
		g := newGuard(t, middleware.Config{Preflight: cors, Credentials: func(*http.Request) (middleware.Credential, error) { return middleware.Credential{}, err }})
		assert.Equal(t, status, serve(g.Authenticate(handler), preflight()).Code, err)
	}
}

package sallyport_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// The rules that need a whole gate, by their numbers: RFC 6750 and RFC 9110 over
// a loopback socket. Those of the token itself are tests of the verifier, those of
// the Authorization header are tests of middleware and of the adapters.

func refusal(status int, challenge, body string) answer {
	return answer{status: status, challenges: []string{challenge}, body: body}
}

var badToken = refusal(401, `Bearer realm="api", error="invalid_token"`, "Unauthorized: the access token is not valid here\n")

func TestConformance(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	good := answer{status: 200, body: "test-client"}

	t.Run("12 a bad token is 401, and 403 names the scope that the resource requires", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, badToken, a.call(t, "GET", "/orders", "Bearer "+a.token(jwkstest.Claims{"exp": time.Now().Add(-time.Hour)})))
		forbidden := refusal(403, `Bearer realm="api", error="insufficient_scope", scope="orders.read orders.list"`, "Forbidden: the access token does not allow this\n")
		for _, scope := range []string{"", "orders.read", "orders.list", "orders"} {
			assert.Equal(t, forbidden, a.call(t, "GET", "/orders", "Bearer "+a.token(jwkstest.Claims{"scope": scope})))
		}
	})
	t.Run("15 scopes are case-sensitive and order-free", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, good, a.call(t, "GET", "/orders", "Bearer "+a.token(jwkstest.Claims{"scope": "orders.read x orders.list"})))
		assert.Equal(t, 403, a.call(t, "GET", "/orders", "Bearer "+a.token(jwkstest.Claims{"scope": "Orders.read orders.list"})).status)
		assert.Equal(t, 403, a.call(t, "GET", "/orders", "Bearer "+a.token(jwkstest.Claims{"scope": "orders.read,orders.list"})).status)
	})
	t.Run("49 audience and action are checked per request, and apps are not users", func(t *testing.T) {
		t.Parallel()
		app := jwkstest.Claims{"idtyp": "app", "roles": []string{"get", "put"}}
		user := jwkstest.Claims{"idtyp": "user", "roles": []string{"get", "put"}, "scp": "x"}
		billing := jwkstest.Claims{"roles": []string{"get"}, "scope": "api://billing/get"}
		for _, call := range []struct {
			method, path string
			token        jwkstest.Claims
			status       int
		}{
			{"GET", "/levels", app, 200},
			{"HEAD", "/levels", app, 200},
			{"PUT", "/levels", app, 200},
			{"PATCH", "/levels", app, 200},
			{"POST", "/levels", app, 403},
			{"DELETE", "/levels", app, 403},
			{"OPTIONS", "/levels", app, 403},
			{"GET", "/levels", user, 403},
			{"GET", "/billing/levels", app, 403}, // a short name counts for its own audience
			{"GET", "/billing/levels", billing, 200},
			{"GET", "/apps", app, 200},
			{"GET", "/apps", user, 403},
			{"GET", "/users", user, 200},
			{"GET", "/users", app, 403},
			{"GET", "/any", jwkstest.Claims{"aud": "api://billing"}, 401},
		} {
			assert.Equal(t, call.status, a.call(t, call.method, call.path, "Bearer "+a.token(call.token)).status, "%v", call)
		}
	})
}

// refusedTokens are what every rule on refusals is tried with.
func refusedTokens(a *api) map[string]string {
	return map[string]string{
		"opaque":                          "NgXCXRKcMz0Yjw=",
		"encrypted":                       "e30.e30.e30.e30.e30",
		"too large":                       a.token(jwkstest.Claims{"fill": strings.Repeat("x", 9000)}),
		"crit":                            a.token(jwkstest.Header{"crit": []string{"x"}}),
		"none":                            a.token(jwkstest.Header{"alg": "none"}),
		"another type":                    a.token(jwkstest.Header{"typ": "dpop+jwt"}),
		"an unknown key":                  a.token(jwkstest.Header{"kid": "unknown-canary"}),
		"another issuer":                  a.token(jwkstest.Claims{"iss": "https://other-canary.example"}),
		"another audience":                a.token(jwkstest.Claims{"aud": "audience-canary", "sub": "subject-canary"}),
		"expired":                         a.token(jwkstest.Claims{"exp": time.Now().Add(-time.Hour), "sub": "subject-canary"}),
		"not yet valid":                   a.token(jwkstest.Claims{"nbf": time.Now().Add(time.Hour), "jti": "jti-canary"}),
		"without exp":                     a.token(jwkstest.Claims{"exp": nil}),
		"a claim of another type":         a.token(jwkstest.Claims{"sub": []string{"subject-canary"}}),
		"bound":                           a.token(jwkstest.Claims{"cnf": map[string]string{"jkt": "jkt-canary"}}),
		"an ID token":                     a.token(jwkstest.Claims{"at_hash": "hash-canary"}),
		"quotes and line ends in the kid": a.token(jwkstest.Header{"kid": "\"\r\nX-Evil: 1\\ å"}),
		"quotes and line ends in claims":  a.token(jwkstest.Claims{"iss": "\"\r\nX-Evil: 1", "aud": "\", error=\"", "scope": "\"\r\n å", "client_id": "\r\n"}),
	}
}

func TestConformanceOfChallenges(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	refused := refusedTokens(a)
	t.Run("44 any failure of the token is invalid_token", func(t *testing.T) {
		t.Parallel()
		for name, token := range refused {
			assert.Equal(t, badToken, a.call(t, "GET", "/orders", "Bearer "+token), name)
		}
		tried := 0
		for name, forgery := range a.issuer.Forgeries() {
			if strings.ContainsFunc(forgery.Token, func(c rune) bool { return c <= ' ' || c == ',' || c == 0x7f || c == '\uFFFD' }) || len(forgery.Token) > 64<<10 || forgery.Token == "" {
				continue // not sent in one piece, so a matter of the header
			}
			tried++
			assert.Equal(t, badToken, a.call(t, "GET", "/any", "Bearer "+forgery.Token), name)
		}
		assert.Greater(t, tried, 200)
	})

	answers := map[string]answer{
		"no credentials": a.call(t, "GET", "/orders"),
		"another scheme": a.call(t, "GET", "/orders", "Basic dTpw"),
		"doubled":        a.call(t, "GET", "/orders", "Bearer x", "Bearer x"),
		"no scope":       a.call(t, "GET", "/orders", "Bearer "+a.token(jwkstest.Claims{"scope": "\"\r\n x"})),
		"a user":         a.call(t, "GET", "/apps", "Bearer "+a.token(jwkstest.Claims{"idtyp": "\"user"})),
	}
	for name, token := range refused {
		answers[name] = a.call(t, "GET", "/orders", "Bearer "+token)
	}
	challenge := regexp.MustCompile(`^Bearer ([a-z_]+="[^"\\]*"(, )?)+$`)
	for name, answer := range answers {
		t.Run("7 every 401 has a challenge: "+name, func(t *testing.T) {
			t.Parallel()
			require.Len(t, answer.challenges, 1)
		})
		t.Run("8 with at least one parameter, 13 the realm a quoted-string: "+name, func(t *testing.T) {
			t.Parallel()
			assert.True(t, strings.HasPrefix(answer.challenges[0], `Bearer realm="api"`), answer.challenges[0])
		})
		t.Run("9 each parameter once: "+name, func(t *testing.T) {
			t.Parallel()
			for _, parameter := range []string{"realm=", "error=", "scope="} {
				assert.LessOrEqual(t, strings.Count(answer.challenges[0], parameter), 1)
			}
		})
		t.Run("10 nothing of the token gets into it: "+name, func(t *testing.T) {
			t.Parallel()
			assert.Regexp(t, challenge, answer.challenges[0])
			assert.False(t, strings.ContainsFunc(answer.challenges[0], func(c rune) bool { return c < ' ' || c > '~' }), "printable ASCII alone")
			assert.NotContains(t, answer.challenges[0]+answer.body, "canary")
			assert.NotContains(t, answer.challenges[0]+answer.body, "Evil")
		})
	}
}

func TestConformanceOfSilence(t *testing.T) {
	t.Parallel()
	t.Run("14 the token is never in logs, errors, metrics or traces", func(t *testing.T) {
		t.Parallel()
		a := newAPI(t)
		tokens := refusedTokens(a)
		tokens["good"] = a.token(jwkstest.Claims{"sub": "subject-canary"})
		tokens["without scope"] = a.token(jwkstest.Claims{"scope": "scope-canary", "client_id": "client-canary"})
		for _, token := range tokens {
			a.call(t, "GET", "/orders", "Bearer "+token)
			if _, err := a.gate.Verify(t.Context(), token); err != nil {
				a.record("%v %+v %#v", err, err, err.Error())
			}
		}
		recorded := a.everything(t)
		assert.Contains(t, recorded, "sallyport.requests", "there is something to look at")
		assert.Contains(t, recorded, "sallyport.jwks.fetches")
		assert.Contains(t, recorded, "span jwks.fetch")
		assert.Contains(t, recorded, "reason=wrong_audience")
		for name, token := range tokens {
			for part := range strings.SplitSeq(token, ".") {
				if len(part) > 8 {
					assert.NotContains(t, recorded, part[:8], name)
				}
			}
		}
		assert.NotContains(t, strings.ReplaceAll(recorded, "unknown-canary", ""), "canary", "nor a claim's value; a kid may be")
	})
}

func TestARefusalsReasonStaysInside(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for name, want := range map[string]reason.Code{"expired": reason.Expired, "an ID token": reason.UnsupportedType, "an unknown key": reason.UnknownKey} {
		answer := a.call(t, "GET", "/orders", "Bearer "+refusedTokens(a)[name])
		assert.Equal(t, want, a.lastReason())
		assert.NotContains(t, answer.body+answer.challenges[0], string(want))
	}
}

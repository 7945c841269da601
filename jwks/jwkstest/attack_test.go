package jwkstest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/verifier"
)

func guarded(t *testing.T, iss *jwkstest.Issuer) http.Handler {
	t.Helper()
	gate, err := sallyport.New(iss.Issuer(), iss.Audience())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, gate.Close()) })
	return gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		fmt.Fprintln(w, c.Subject())
	}))
}

func TestAGuardedHandlerWithstandsTheAttack(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	jwkstest.AttackHandler(t, iss, guarded(t, iss), httptest.NewRequest(http.MethodGet, "/orders", nil), jwkstest.Claims{"scope": "orders.read"})
	assert.LessOrEqual(t, iss.Fetches(), 3)
}

func TestAGuardedServerWithstandsTheAttackOverASocket(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.WithAlgorithm("ES256"))
	server := httptest.NewServer(guarded(t, iss))
	defer server.Close()
	unsent := 0
	jwkstest.Attack(t, iss, func(token string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/orders", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := server.Client().Do(req)
		if err != nil {
			unsent++
			return 0
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}, jwkstest.Claims{"scope": "orders.read"})
	assert.Less(t, unsent, 30, "few are such that no client sends them")
}

// recorder is a test that fails on purpose.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }

func TestAnAPIThatOnlyDecodesIsFullOfHoles(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	naive := func(token string) int {
		parts := strings.Split(token, ".")
		if len(parts) < 2 {
			return http.StatusUnauthorized
		}
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || json.Unmarshal(payload, &map[string]any{}) != nil {
			return http.StatusUnauthorized
		}
		return http.StatusOK
	}
	r := &recorder{TB: t}
	jwkstest.Attack(r, iss, naive)
	assert.Greater(t, len(r.errors), 250)
	for _, e := range r.errors {
		assert.True(t, strings.HasPrefix(e, "jwkstest: "), e)
		assert.NotContains(t, e, "eyJ", "no token in a report")
	}
	joined := strings.Join(r.errors, "\n")
	assert.Contains(t, joined, `jwkstest: alg none: "none", no signature: got through with 200: an unsigned token is believed: alg none (RFC 8725 section 3.2)`)
	assert.Contains(t, joined, "jwkstest: aud: another one: got through with 200")
}

func TestAnAPIThatIsNotOneProvesNothing(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	calls := 0
	for name, row := range map[string]struct {
		api  func(token string) int
		want string
	}{
		"it refuses everybody": {
			func(string) int { return http.StatusUnauthorized },
			"the API answers 401 to a good token",
		},
		"it gives up after a while": {
			func(string) int { calls++; return map[bool]int{true: 200, false: 401}[calls == 1] },
			"after the attack the API answers 401 to a good token",
		},
	} {
		calls = 0
		breaches, err := iss.Breaches(row.api)
		require.ErrorContains(t, err, row.want, name)
		assert.Empty(t, breaches, name)
		r := &recorder{TB: t}
		calls = 0
		jwkstest.Attack(r, iss, row.api)
		require.Len(t, r.errors, 1, name)
	}
}

func TestAnAPIWithOneHoleShowsThatHole(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		hole func(*verifier.Config)
		want []string
	}{
		"none": {func(*verifier.Config) {}, nil},
		"a second audience that differs by a slash": {
			func(c *verifier.Config) { c.Issuers[0].Audiences = []string{"api://orders", "api://orders/"} },
			[]string{"aud: a slash more or less", "aud: an array of others"},
		},
		"logout tokens are allowed by typ": {
			func(c *verifier.Config) { c.Issuers[0].Types = []string{"at+jwt", "JWT", "", "logout+jwt"} },
			[]string{`names: Typ beside a typ of another kind`, `typ: "logout+jwt"`},
		},
		"long tokens are fine": {
			func(c *verifier.Config) { c.MaxTokenBytes = 1 << 20 },
			[]string{
				"size: a claim of 50 kB", "size: a header of 50 kB", "size: an array of fifty thousand",
				"size: an audience among ten thousand", "size: ten thousand claims",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"), jwkstest.WithAudience("api://orders"))
			cfg := verifier.Config{Issuers: []verifier.Issuer{{Name: iss.Issuer(), Audiences: []string{"api://orders"}, Keys: iss.KeySet()}}}
			row.hole(&cfg)
			v, err := verifier.New(cfg)
			require.NoError(t, err)
			breaches, err := iss.Breaches(func(token string) int {
				if _, err := v.Verify(t.Context(), token); err != nil {
					return http.StatusUnauthorized
				}
				return http.StatusOK
			})
			require.NoError(t, err)
			var names []string
			for _, b := range breaches {
				names = append(names, b.Name)
			}
			slices.Sort(names)
			assert.Equal(t, row.want, names)
		})
	}
}

func TestAnAPIThatFollowsAHeaderIsCaught(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("EdDSA"))
	v := newVerifier(t, iss, iss.KeySet())
	breaches, err := iss.Breaches(func(token string) int {
		var header struct{ JKU string }
		text, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
		if json.Unmarshal(text, &header) == nil && strings.HasPrefix(header.JKU, iss.URL()+"/") {
			fetch(t, http.DefaultClient, header.JKU)
		}
		if _, err := v.Verify(t.Context(), token); err != nil {
			return http.StatusUnauthorized
		}
		return http.StatusOK
	})
	require.NoError(t, err)
	require.Len(t, breaches, 3, "jku three times")
	for _, b := range breaches {
		assert.True(t, b.Fetched)
		assert.Contains(t, b.String(), "answered 401 after fetching what the token points at")
	}
}

func TestABreachSaysWhatHappened(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusForbidden:          "name: answered 403, so the token was believed: hole",
		http.StatusServiceUnavailable: "name: answered 503, an error of its own, instead of 401",
		http.StatusNotFound:           "name: answered 404 instead of 401: whether it was believed is open",
		http.StatusFound:              "name: answered 302 instead of 401: whether it was believed is open",
		http.StatusNoContent:          "name: got through with 204: hole",
	} {
		b := jwkstest.Breach{Name: "name", Status: status, Forgery: jwkstest.Forgery{Hole: "hole", Token: "token"}}
		assert.Equal(t, want, b.String())
	}
}

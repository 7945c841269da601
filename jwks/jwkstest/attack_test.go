package jwkstest_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestAGuardedServerWithstandsTheAttackOverASocket(t *testing.T) {
	t.Parallel()
	iss, begun := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.WithAlgorithm("ES256")), time.Now()
	server := httptest.NewServer(guarded(t, iss))
	defer server.Close()
	unsent := 0
	jwkstest.Attack(t, iss, func(token string) int {
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/orders", nil))
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
	assert.LessOrEqual(t, iss.Fetches(), 1+5+int(time.Since(begun)/(10*time.Second)), "the first, a burst for unknown kids, and one every 10 s")
}

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
	r := &fakeTB{TB: t}
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
	for want, api := range map[string]func(token string) int{
		"jwkstest: the API answers 401 to a good token":                  func(string) int { return 401 },
		"jwkstest: after the attack the API answers 401 to a good token": func(string) int { calls++; return map[bool]int{true: 200, false: 401}[calls == 1] },
	} {
		calls = 0
		breaches, err := iss.Breaches(api)
		require.ErrorContains(t, err, want)
		assert.Empty(t, breaches)
		r := &fakeTB{TB: t}
		calls = 0
		jwkstest.Attack(r, iss, api)
		require.Len(t, r.errors, 1)
		assert.Contains(t, r.errors[0], want)
	}
}

func TestAnAPIWithOneHoleShowsThatHole(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		hole   func(*verifier.Config)
		passes reason.Code // a refusal that the API ignores
		want   []string
	}{
		"none": {want: nil},
		"a second audience that differs by a slash": {
			hole: func(c *verifier.Config) { c.Issuers[0].Audiences = []string{"api://orders", "api://orders/"} },
			want: []string{"aud: a slash more or less", "aud: an array of others"},
		},
		"logout tokens are allowed by typ": {
			hole: func(c *verifier.Config) { c.Issuers[0].Types = []string{"at+jwt", "JWT", "", "logout+jwt"} },
			want: []string{`names: Typ beside a typ of another kind`, `typ: "application/logout+jwt"`, `typ: "logout+jwt"`},
		},
		"bindings that nobody checks": {
			passes: reason.UnsupportedBinding,
			want:   []string{"cnf: bound in a way nobody knows", "cnf: bound to a DPoP key", "cnf: bound to a certificate"},
		},
		"long tokens are fine": {
			hole: func(c *verifier.Config) { c.MaxTokenBytes = 1 << 20 },
			want: []string{
				"size: a claim of 50 kB", "size: a header of 50 kB", "size: an array of fifty thousand",
				"size: an audience among ten thousand", "size: ten thousand claims",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"), jwkstest.WithAudience("api://orders"))
			cfg := verifier.Config{Issuers: []verifier.Issuer{{Name: iss.Issuer(), Audiences: []string{"api://orders"}, Keys: iss.KeySet()}}}
			if row.hole != nil {
				row.hole(&cfg)
			}
			v := must(verifier.New(cfg))
			breaches, err := iss.Breaches(func(token string) int {
				if _, err := v.Verify(t.Context(), token); err != nil && whyNot(t, err) != row.passes {
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
	v := newVerifier(iss, iss.KeySet())
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

func TestAnAttackSendsTheBodyEachTime(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	v := newVerifier(iss, iss.KeySet())
	request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, "/orders", strings.NewReader("body")))
	calls, bodies := 0, 0
	jwkstest.AttackHandler(t, iss, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if body, _ := io.ReadAll(r.Body); string(body) == "body" {
			bodies++
		}
		if _, err := v.Verify(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}), request)
	assert.Greater(t, calls, 400)
	assert.Equal(t, calls, bodies)
	assert.Empty(t, request.Header, "the request given is left as it was")
}

package jwkstest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
)

// proved is an API that accepts proofs, by the configuration of the Binding.
func proved(iss *jwkstest.Issuer, cfg dpop.Config) http.Handler {
	cfg.Origin = "https://api.example"
	guard := must(middleware.New(middleware.Config{Verifier: newVerifier(iss, iss.KeySet()), Bindings: []middleware.Binding{must(dpop.New(cfg))}}))
	return guard.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
}

func TestAnAPIWithProofsWithstandsTheAttack(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]dpop.Config{
		"accepted":             {},
		"required":             {Required: true},
		"with nonces":          {Nonces: dpop.NewNonces()},
		"required with nonces": {Required: true, Nonces: dpop.NewNonces(), Algorithms: []string{"EdDSA"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
			calls := 0
			api := proved(iss, cfg)
			jwkstest.AttackHandler(t, iss, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				api.ServeHTTP(w, r)
			}), httptest.NewRequest(http.MethodGet, "https://api.example/orders?x=1", nil))
			assert.Greater(t, calls, 700, "400 tokens, and 300 proofs")
		})
	}
}

// An API with one hole: what the attack says of it.
func TestTheAttackFindsTheHolesOfProofs(t *testing.T) {
	t.Parallel()
	type next = http.Handler
	for name, row := range map[string]struct {
		hole func(next, http.ResponseWriter, *http.Request)
		want string
	}{
		"proofs are good twice": {
			func() func(next, http.ResponseWriter, *http.Request) {
				seen := map[string]bool{}
				return func(api next, w http.ResponseWriter, r *http.Request) {
					if proof := r.Header.Get("DPoP"); proof != "" && seen[proof] && len(r.Header["Dpop"]) == 1 {
						w.WriteHeader(http.StatusNoContent)
						return
					}
					a := httptest.NewRecorder()
					api.ServeHTTP(a, r)
					seen[r.Header.Get("DPoP")] = a.Code == http.StatusNoContent
					for name, values := range a.Header() {
						w.Header()[name] = values
					}
					w.WriteHeader(a.Code)
				}
			}(),
			"proof: replay: the same proof again: got through with 204: a proof is good more than once (RFC 9449 section 11.1)",
		},
		"a second line is not seen": {
			func(api next, w http.ResponseWriter, r *http.Request) {
				if lines := r.Header["Dpop"]; len(lines) > 1 {
					r.Header["Dpop"] = lines[:1]
				}
				api.ServeHTTP(w, r)
			},
			"proof: proofs: two: got through with 204",
		},
		"spaces are cut off": {
			func(api next, w http.ResponseWriter, r *http.Request) {
				if proof := r.Header.Get("DPoP"); proof != "" && len(r.Header["Dpop"]) == 1 {
					r.Header.Set("DPoP", strings.TrimPrefix(proof, "DPoP "))
				}
				api.ServeHTTP(w, r)
			},
			"proof: parts: a scheme before: got through with 204",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
			api := proved(iss, dpop.Config{})
			r := &fakeTB{TB: t}
			jwkstest.AttackHandler(r, iss, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { row.hole(api, w, r) }),
				httptest.NewRequest(http.MethodGet, "https://api.example/orders", nil))
			assert.Contains(t, strings.Join(r.errors, "\n"), row.want)
			assert.Less(t, len(r.errors), 5, "nothing else: %v", r.errors)
		})
	}
}

func TestAnAttackOnProofsWantsTheAddressOfTheAPI(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	r := &fakeTB{TB: t}
	jwkstest.AttackHandler(r, iss, proved(iss, dpop.Config{}), httptest.NewRequest(http.MethodGet, "/orders", nil))
	require.Len(t, r.errors, 1)
	assert.Contains(t, r.errors[0], "answers 401 to a good token with a good proof for GET http://example.com/orders: give the request the address")
}

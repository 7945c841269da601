package dpop_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const (
	host    = "https://api.example"
	address = host + "/orders"
)

// api is an API that accepts proofs, its issuer, and a client with a token that is
// bound to its key.
type api struct {
	iss     *jwkstest.Issuer
	prover  *jwkstest.Prover
	token   string
	binding *dpop.Binding
	guard   *middleware.Guard
	now     func() time.Time
}

// newAPI makes one whose clock stands at whole seconds unless the configuration has
// another clock.
func newAPI(t *testing.T, cfg dpop.Config, alg string) *api {
	t.Helper()
	at := time.Now().Truncate(time.Second)
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return at }
	}
	if cfg.Origin == "" && cfg.Proxies == nil {
		cfg.Origin = host
	}
	a := &api{now: cfg.Now}
	a.iss = jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"), jwkstest.WithAudience("api://orders"), jwkstest.WithClock(cfg.Now))
	a.prover = a.iss.NewProver(alg)
	a.token = a.iss.Token(a.prover.Bound())
	a.binding = must(dpop.New(cfg))
	v := must(verifier.New(verifier.Config{
		Issuers: []verifier.Issuer{{Name: a.iss.Issuer(), Audiences: []string{"api://orders"}, Keys: a.iss.KeySet()}}, Now: cfg.Now,
	}))
	a.guard = must(middleware.New(middleware.Config{Verifier: v, Bindings: []middleware.Binding{a.binding}}))
	return a
}

// handler is the API behind its Guard.
func (a *api) handler() http.Handler {
	return a.guard.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
}

// request is a good one but for its proof, with those lines of the header DPoP.
func (a *api) request(proofs ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "DPoP "+a.token)
	r.Header["Dpop"] = proofs
	if len(proofs) == 0 {
		r.Header.Del("DPoP")
	}
	return r
}

// proof is a good one, changed by options.
func (a *api) proof(options ...jwkstest.TokenOption) string {
	return a.prover.Proof(http.MethodGet, address, a.token, options...)
}

func (a *api) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.handler().ServeHTTP(w, r)
	return w
}

// refused returns the error of the Guard.
func (a *api) refused(t *testing.T, r *http.Request) *middleware.Error {
	t.Helper()
	_, _, err := a.guard.Check(r, claims.AnyToken())
	if err == nil {
		return nil
	}
	var e *middleware.Error
	require.ErrorAs(t, err, &e)
	return e
}

// headerOf reads the header of a JWT without checking anything.
func headerOf(proof string) (header map[string]any) {
	text := must(base64.RawURLEncoding.DecodeString(proof[:strings.IndexByte(proof, '.')]))
	if err := json.Unmarshal(text, &header); err != nil {
		panic(err)
	}
	return header
}

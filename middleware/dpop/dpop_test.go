package dpop_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/reason"
)

func TestWhatTheCallerIsAnswered(t *testing.T) {
	t.Parallel()
	const (
		bearer = `Bearer realm="api"`
		algs   = `algs="ES256 EdDSA Ed25519 PS256 RS256"`
	)
	accepted := newAPI(t, dpop.Config{}, "ES256")
	required := newAPI(t, dpop.Config{Required: true}, "ES256")
	broken := newAPI(t, dpop.Config{Replays: brokenStore{}}, "ES256")
	for name, row := range map[string]struct {
		api        *api
		scheme     string
		token      string // of the API, "" for one that is bound
		proof      string
		status     int
		code       reason.Code
		challenges []string
	}{
		"63 a bound token with a proof":                 {accepted, "DPoP", "", accepted.proof(), 204, "", nil},
		"63 the scheme in another case":                 {accepted, "dPoP", "", accepted.proof(), 204, "", nil},
		"63 a bound token without a proof":              {accepted, "DPoP", "", "", 401, reason.InvalidDPoPProof, []string{`DPoP realm="api", error="invalid_dpop_proof", ` + algs, bearer}},
		"64 70 a bound token by Bearer":                 {accepted, "Bearer", "", "", 401, reason.UnsupportedBinding, []string{`Bearer realm="api", error="invalid_token"`, `DPoP realm="api", ` + algs}},
		"64 and by Bearer with a good proof":            {accepted, "Bearer", "", accepted.proof(), 401, reason.UnsupportedBinding, []string{`Bearer realm="api", error="invalid_token"`, `DPoP realm="api", ` + algs}},
		"a token without cnf by Bearer":                 {accepted, "Bearer", accepted.iss.Token(), "", 204, "", nil},
		"a token without cnf by DPoP":                   {accepted, "DPoP", accepted.iss.Token(), accepted.proof(), 401, reason.UnsupportedBinding, []string{`DPoP realm="api", error="invalid_token", ` + algs, bearer}},
		"65 a proof that is none":                       {accepted, "DPoP", "", "x", 401, reason.InvalidDPoPProof, []string{`DPoP realm="api", error="invalid_dpop_proof", ` + algs, bearer}},
		"62 a proof by another key: the token is bad":   {accepted, "DPoP", "", accepted.iss.NewProver("ES256").Proof("GET", address, accepted.token), 401, reason.UnsupportedBinding, []string{`DPoP realm="api", error="invalid_token", ` + algs, bearer}},
		"66 no credentials":                             {accepted, "", "", "", 401, reason.NoToken, []string{bearer, `DPoP realm="api", ` + algs}},
		"66 no credentials where it is required":        {required, "", "", "", 401, reason.NoToken, []string{`DPoP realm="api", ` + algs}},
		"64 Bearer where it is required":                {required, "Bearer", required.iss.Token(), "", 401, reason.UnsupportedScheme, []string{`DPoP realm="api", ` + algs}},
		"63 a proof where it is required":               {required, "DPoP", "", required.proof(), 204, "", nil},
		"69 a store that is down is no fault of theirs": {broken, "DPoP", "", broken.proof(), 503, reason.ProofsUnavailable, nil},
		"cnf.jkt that is no string, by DPoP":            {accepted, "DPoP", accepted.iss.Token(jwkstest.Claims{"cnf": map[string]any{"jkt": 1}}), accepted.proof(), 401, reason.InvalidDPoPProof, []string{`DPoP realm="api", error="invalid_dpop_proof", ` + algs, bearer}},
		"70 cnf.jkt that is no string, by Bearer":       {accepted, "Bearer", accepted.iss.Token(jwkstest.Claims{"cnf": map[string]any{"jkt": 1}}), "", 401, reason.UnsupportedBinding, []string{`Bearer realm="api", error="invalid_token"`, `DPoP realm="api", ` + algs}},
		"70 a token bound to a certificate too":         {accepted, "DPoP", accepted.iss.Token(jwkstest.Claims{"cnf": map[string]any{"jkt": accepted.prover.Thumbprint(), "x5t#S256": "x"}}), accepted.proof(), 401, reason.UnsupportedBinding, []string{`DPoP realm="api", error="invalid_token", ` + algs, bearer}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := row.api.request(row.proof)
			token := row.token
			if token == "" {
				token = row.api.token
			}
			r.Header.Set("Authorization", row.scheme+" "+token)
			if row.scheme == "" {
				r.Header.Del("Authorization")
			}
			if row.proof == "" {
				r.Header.Del("DPoP")
			}
			e := row.api.refused(t, r.Clone(t.Context()))
			if row.status == 204 {
				require.Nil(t, e)
				return
			}
			require.NotNil(t, e)
			assert.Equal(t, row.code, e.Reason, "%v", e)
			w := row.api.serve(r)
			assert.Equal(t, row.status, w.Code)
			assert.Equal(t, row.challenges, w.Header().Values("WWW-Authenticate"))
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.Equal(t, row.status == 503, w.Header().Get("Retry-After") != "")
		})
	}
}

type brokenStore struct{}

func (brokenStore) Remember(context.Context, [32]byte, [32]byte, time.Time) (bool, error) {
	return true, errors.New("connection refused")
}

// forgetful takes each proof for a new one, as a store does whose time has ended.
type forgetful struct{}

func (forgetful) Remember(context.Context, [32]byte, [32]byte, time.Time) (bool, error) {
	return true, nil
}

func TestAClockThatGoesBackLetsNoUsedProofThrough(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]dpop.ReplayStore{"69 with a memory": nil, "69 with a store that has forgotten": forgetful{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now().Truncate(time.Second)
			a := newAPI(t, dpop.Config{Now: func() time.Time { return now }, Replays: store}, "ES256")
			used := a.proof()
			assert.Nil(t, a.refused(t, a.request(used)))
			now = now.Add(2 * time.Minute)
			assert.Nil(t, a.refused(t, a.request(a.proof())))
			now = now.Add(-2 * time.Minute)
			e := a.refused(t, a.request(used))
			require.NotNil(t, e)
			assert.Equal(t, reason.ProofsUnavailable, e.Reason)
			assert.Equal(t, http.StatusServiceUnavailable, e.Status)
			now = now.Add(2 * time.Minute)
			assert.Nil(t, a.refused(t, a.request(a.proof())), "it goes on when the time is reached again")
			now = now.Add(-4 * time.Second)
			assert.Nil(t, a.refused(t, a.request(a.proof())), "clocks may differ by what is kept for longer")
		})
	}
}

func TestMistakesOfAConfiguration(t *testing.T) {
	t.Parallel()
	any4 := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for want, cfg := range map[string]dpop.Config{
		"Config.Origin is missing":                     {},
		"Config.Proxies is set beside Origin":          {Origin: host, Proxies: any4},
		"Config.Forwarded is for Proxies":              {Origin: host, Forwarded: true},
		"prefix that is not valid":                     {Proxies: []netip.Prefix{{}}},
		"Config.Proxies has every address":             {Proxies: []netip.Prefix{netip.MustParsePrefix("::/0")}},
		"Config.Proxies has IPv4 written as IPv6":      {Proxies: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}},
		"Config.Origin is no origin":                   {Origin: "api.example"},
		"Config.Origin is not https":                   {Origin: "http://api.example"},
		"Config.Origin has more than scheme":           {Origin: "https://api.example/orders"},
		"Config.Origin has more than scheme, host and": {Origin: "https://user@api.example"},
		"Config.Origin has more than scheme, host":     {Origin: "https://api.example?"},
		"Config.Origin has a host that is none":        {Origin: "https://\u00fc.example"},
		"Algorithms is empty":                          {Origin: host, Algorithms: []string{}},
		`Algorithms has "HS256"`:                       {Origin: host, Algorithms: []string{"ES256", "HS256"}},
		`Algorithms has "none"`:                        {Origin: host, Algorithms: []string{"none"}},
		"Window 6m0s must be between 1s and 5m0s":      {Origin: host, Window: 6 * time.Minute},
		"Window -1s must be":                           {Origin: host, Window: -time.Second},
		"NonceLifetime 2h0m0s must be":                 {Origin: host, NonceLifetime: 2 * time.Hour},
	} {
		b, err := dpop.New(cfg)
		require.ErrorContains(t, err, want)
		assert.Nil(t, b)
		assert.True(t, strings.HasPrefix(err.Error(), "dpop: "), err)
	}
	_, err := dpop.New(dpop.Config{Algorithms: []string{"x"}, Window: 1, NonceLifetime: 1})
	assert.Len(t, strings.Split(err.Error(), "\n"), 4, "every mistake at once: %v", err)
}

func TestTheZeroBindingRefuses(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{}, "EdDSA")
	cl, err := claims.Parse([]byte(`{"cnf":{"jkt":"x"}}`), claims.DefaultMapping())
	require.NoError(t, err)
	err = new(dpop.Binding).Check(a.request(a.proof()), middleware.Credential{Scheme: "DPoP", Token: a.token}, cl)
	assert.ErrorIs(t, err, reason.ProofsUnavailable)
	assert.Nil(t, new(dpop.Binding).Offer(httptest.NewRequest(http.MethodGet, "/", nil)))
}

func TestWhatTheMetadataSays(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{Required: true, Algorithms: []string{"ES256"}}, "ES256")
	assert.Equal(t, map[string]any{"dpop_signing_alg_values_supported": []string{"ES256"}, "dpop_bound_access_tokens_required": true}, a.binding.Describe())
}

// Nothing of a proof or a token may get into an error, which is logged.
func TestErrorsSayNothingOfTheProof(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{}, "ES256")
	secret := "s3cr3t-of-the-caller"
	for name, proof := range map[string]string{
		"htu": a.proof(jwkstest.Claims{"htu": "https://" + secret}), "jti": a.proof(jwkstest.Claims{"jti": []string{secret}}),
		"typ": a.proof(jwkstest.Header{"typ": secret}), "alg": a.proof(jwkstest.Header{"alg": secret}),
		"text": a.proof(jwkstest.WithRawPayload(`{"` + secret + `"`)), "itself": secret,
	} {
		e := a.refused(t, a.request(proof))
		require.NotNil(t, e, name)
		assert.NotContains(t, e.Error(), secret, name)
	}
}

// The Guard leaves alone what a CORS handler around it says.
func TestWhatACORSHandlerExposesStays(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{Nonces: shared(1)}, "ES256")
	cors := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
		w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce")
		a.handler().ServeHTTP(w, r)
	})
	for name, proof := range map[string]string{
		"71 of a refusal": a.proof(), "71 of an answer": a.proof(a.ask(t)),
	} {
		w := httptest.NewRecorder()
		cors.ServeHTTP(w, a.request(proof))
		assert.Equal(t, "WWW-Authenticate, DPoP-Nonce", w.Header().Get("Access-Control-Expose-Headers"), name)
		assert.Equal(t, w.Code == 401, w.Header().Get("DPoP-Nonce") != "", name)
	}
}

package api_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// bound is a call with a token that is bound to the client's key, and a proof.
func (w *world) bound(method, path, token string, client *jwkstest.Prover, options ...jwkstest.TokenOption) testkit.Answer {
	w.t.Helper()
	r := testkit.NewRequest(w.t, method, w.URL()+path, "", "")
	client.SetProof(r, token, options...)
	return testkit.Do(w.t, r)
}

// challenges are the lines of WWW-Authenticate.
func challenges(a testkit.Answer) string {
	return strings.Join(a.Header.Values("WWW-Authenticate"), " | ")
}

// last is the reason of the last refusal.
func (w *world) last() string {
	w.t.Helper()
	reasons := w.reasons()
	require.NotEmpty(w.t, reasons)
	return reasons[len(reasons)-1]
}

// everywhere runs a test with each framework.
func everywhere(t *testing.T, test func(t *testing.T, framework string)) {
	t.Helper()
	for _, framework := range api.Frameworks() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			test(t, framework)
		})
	}
}

func TestProofs(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	client, thief := issuer.NewProver("ES256"), issuer.NewProver("ES256")
	token := issuer.Token(client.Bound())
	everywhere(t, func(t *testing.T, framework string) {
		serving := func(f api.Features) *world {
			cfg := trusting(issuer)
			cfg.Framework, cfg.Features = framework, f
			return start(t, cfg)
		}
		off, accept, require := serving(api.Features{DPoP: "off"}), serving(api.Features{DPoP: "accept"}), serving(api.Features{DPoP: "require"})
		elsewhere := serving(api.Features{DPoP: "accept", Origin: "https://api.example"})
		at := func(url string) jwkstest.TokenOption { return jwkstest.Claims{"htu": url} }
		for _, row := range []struct {
			name   string
			api    *world
			answer testkit.Answer
			status int
			reason string
		}{
			{"off: a bound token", off, off.bound("GET", "/orders", token, client), 401, "unsupported_scheme"},
			{"off: a bearer token", off, off.get("/orders", issuer.Token()), 200, ""},
			{"accept: a bound token with a proof", accept, accept.bound("GET", "/orders", token, client), 200, ""},
			{"accept: a bearer token", accept, accept.get("/orders", issuer.Token()), 200, ""},
			{"accept: a bound token as a bearer token", accept, accept.get("/orders", token), 401, "unsupported_binding"},
			{"accept: another's token", accept, accept.bound("GET", "/orders", token, thief), 401, "unsupported_binding"},
			{"accept: a proof for another method", accept, accept.bound("GET", "/orders", token, client, jwkstest.Claims{"htm": "POST"}), 401, "invalid_dpop_proof"},
			{"accept: a proof for another API", accept, accept.bound("GET", "/orders", token, client, at("https://api.example/orders")), 401, "invalid_dpop_proof"},
			{"require: a bound token with a proof", require, require.bound("GET", "/orders", token, client), 200, ""},
			{"require: a bearer token", require, require.get("/orders", issuer.Token()), 401, "unsupported_scheme"},
			{"an origin: a proof for it", elsewhere, elsewhere.bound("GET", "/orders", token, client, at("https://api.example/orders")), 200, ""},
			{"an origin: a proof for its own address", elsewhere, elsewhere.bound("GET", "/orders", token, client), 401, "invalid_dpop_proof"},
		} {
			assert.Equal(t, row.status, row.answer.Status, row.name)
			if row.reason != "" {
				assert.Contains(t, row.api.reasons(), row.reason, row.name)
			}
		}
		assert.Contains(t, challenges(accept.get("/orders", "")), `DPoP realm="orders", algs="`)
		assert.Equal(t, `Bearer realm="orders"`, challenges(off.get("/orders", "")))
		used := jwkstest.Claims{"jti": "once"}
		assert.Equal(t, 200, accept.bound("GET", "/orders", token, client, used).Status)
		assert.Equal(t, 401, accept.bound("GET", "/orders", token, client, used).Status)
		assert.Equal(t, "replayed_dpop_proof", accept.last())
	})
}

func TestNoncesOfTheAPI(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	client := issuer.NewProver("ES256")
	token := issuer.Token(client.Bound())
	everywhere(t, func(t *testing.T, framework string) {
		cfg := trusting(issuer)
		cfg.Framework, cfg.Features = framework, api.Features{DPoP: "accept", DPoPNonce: true}
		w := start(t, cfg)
		var asked testkit.Answer
		for name, options := range map[string][]jwkstest.TokenOption{
			"none": nil, "made up": {jwkstest.Claims{"nonce": "made-up"}},
		} {
			asked = w.bound("GET", "/orders", token, client, options...)
			assert.Equal(t, 401, asked.Status, name)
			assert.Contains(t, challenges(asked), `error="use_dpop_nonce"`, name)
			assert.Len(t, asked.Header.Values("DPoP-Nonce"), 1, name)
			assert.Equal(t, "use_dpop_nonce", w.last(), name)
		}
		nonce := jwkstest.Claims{"nonce": asked.Header.Get("DPoP-Nonce")}
		assert.Equal(t, 200, w.bound("GET", "/orders", token, client, nonce).Status)
	})
}

func TestTheMetadataIsServedAndNamed(t *testing.T) {
	t.Parallel()
	byAudience := jwkstest.WithAudience("https://orders.example/v1")
	issuer := newIssuer(t, byAudience)
	everywhere(t, func(t *testing.T, framework string) {
		cfg := api.Config{Issuers: []api.Issuer{{Name: issuer.Issuer(), Audiences: []string{"https://orders.example/v1"}}}}
		cfg.Framework = framework
		cfg.DPoP = "accept"
		byDefault := start(t, cfg)
		cfg.Resource = "https://api.example/a:b/*c"
		given := start(t, cfg)
		for _, row := range []struct {
			w              *world
			resource, path string
		}{
			{byDefault, "https://orders.example/v1", "/.well-known/oauth-protected-resource/v1"},
			{given, "https://api.example/a:b/*c", "/.well-known/oauth-protected-resource/a:b/*c"},
		} {
			a := row.w.get(row.path, "")
			require.Equal(t, 200, a.Status, row.path)
			assert.Equal(t, "*", a.Header.Get("Access-Control-Allow-Origin"))
			document := a.Members(t)
			assert.Equal(t, row.resource, document["resource"])
			assert.Equal(t, []any{issuer.Issuer()}, document["authorization_servers"])
			assert.NotEmpty(t, document["dpop_signing_alg_values_supported"])
			assert.Subset(t, document["scopes_supported"], []any{"get", "post", "put", "delete"})
			for method, status := range map[string]int{"HEAD": 200, "OPTIONS": 204, "POST": 405, "PUT": 405, "DELETE": 405} {
				assert.Equal(t, status, row.w.do(method, row.path, "", "").Status, method)
			}
			host, _, _ := strings.Cut(strings.TrimPrefix(row.resource, "https://"), "/")
			lines := row.w.get("/orders", "").Header.Values("WWW-Authenticate")
			assert.Len(t, lines, 2)
			for _, line := range lines {
				assert.Contains(t, line, `resource_metadata="https://`+host+row.path+`"`)
			}
		}
		none := start(t, trusting(newIssuer(t)))
		assert.Equal(t, 404, none.get("/.well-known/oauth-protected-resource", "").Status, "an audience that is no URL")
		assert.NotContains(t, challenges(none.get("/orders", "")), "resource_metadata")
	})
}

func TestStepUp(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "get post"})
	everywhere(t, func(t *testing.T, framework string) {
		cfg := trusting(issuer)
		cfg.Framework, cfg.StepUpACR = framework, "urn:example:mfa"
		w := start(t, cfg)
		strong, weak := issuer.Token(jwkstest.Claims{"acr": "urn:example:mfa"}), issuer.Token(jwkstest.Claims{"acr": "urn:example:pwd"})
		assert.Equal(t, 201, w.do("POST", "/orders", strong, "").Status)
		assert.Equal(t, 200, w.get("/orders", weak).Status, "reading wants no more than before")
		for name, token := range map[string]string{"a weak login": weak, "no acr": issuer.Token()} {
			a := w.do("POST", "/orders", token, "")
			assert.Equal(t, 401, a.Status, name)
			assert.Equal(t, `Bearer realm="orders", error="insufficient_user_authentication", acr_values="urn:example:mfa"`, challenge(a), name)
		}
		refused := w.do("POST", "/orders", issuer.Token(jwkstest.Claims{"scope": "get", "acr": "urn:example:mfa"}), "")
		assert.Equal(t, 403, refused.Status, "the login does not stand in for the level")
		assert.Equal(t, `Bearer realm="orders", error="insufficient_scope", scope="post"`, challenge(refused))
	})
}

func TestAFileDeniesTokens(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	everywhere(t, func(t *testing.T, framework string) {
		path := filepath.Join(t.TempDir(), "denied")
		write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
		write("id-at-start\n")
		cfg := trusting(issuer)
		cfg.Framework, cfg.DenyFile = framework, path
		w := start(t, cfg)
		refused := func(token string) bool { return w.get("/orders", token).Status == http.StatusUnauthorized }
		assert.True(t, refused(issuer.Token(jwkstest.Claims{"jti": "id-at-start"})))
		assert.Equal(t, "revoked", w.last())

		later := issuer.Token(jwkstest.Claims{"jti": "id-later"})
		subject, client := issuer.Token(jwkstest.Claims{"sub": "alice"}), issuer.Token(jwkstest.Claims{"client_id": "warehouse"})
		assert.False(t, refused(later) || refused(subject) || refused(client))
		before := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
		write("id-at-start\nid-later\nsub " + issuer.Issuer() + " alice " + before + "\nclient " + issuer.Issuer() + " warehouse " + before + "\n")
		for name, token := range map[string]string{"jti": later, "sub": subject, "client": client} {
			assert.Eventually(t, func() bool { return refused(token) }, testkit.Patience, testkit.Pause, name)
		}
		write("\xff\xfe")
		require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "UTF-8") }, testkit.Patience, testkit.Pause)
		assert.True(t, refused(later), "a damaged file frees nobody")
		require.NoError(t, os.Remove(path))
		assert.True(t, refused(later), "one that vanished frees nobody")
	})
}

func TestAWrongFeatureNamesItsFlag(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for want, f := range map[string]api.Features{
		`-dpop "maybe" is not there`:   {DPoP: "maybe"},
		"-dpop-nonce is for proofs":    {DPoPNonce: true},
		`-origin "http://api.example"`: {Origin: "http://api.example"},
		`-origin "api"`:                {DPoP: "accept", Origin: "api"},
		"-resource: ":                  {Resource: "http://api.example"},
		"-step-up-acr ":                {StepUpACR: "two words"},
		"-deny-file: ":                 {DenyFile: missing},
	} {
		_, err := api.Start(t.Context(), api.Config{Addr: "127.0.0.1:0", AuthAddr: "127.0.0.1:0", Framework: "nethttp", Features: f})
		assert.ErrorContains(t, err, want)
	}
}

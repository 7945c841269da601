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

// once is a Binding that lets each token pass a single time, as a proof of DPoP.
type once struct{ seen map[string]bool }

func (*once) Confirms() []string { return []string{"jkt"} }

func (o *once) Check(_ *http.Request, c middleware.Credential, _ *claims.Claims) error {
	if o.seen[c.Token] {
		return reason.ReplayedDPoPProof
	}
	o.seen[c.Token] = true
	return nil
}

func TestACallInTheMiddleOfAReplacementIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	v := newTokens(t)
	cfg := middleware.Config{Verifier: v, Bindings: []middleware.Binding{&once{map[string]bool{}}}}
	g := newGuard(t, cfg)
	inner := g.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	h := g.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, g.Replace(cfg))
		inner.ServeHTTP(w, r)
	}))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+bound)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, 200, w.Code)
	assert.EqualValues(t, 1, v.calls.Load())

	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, 401, w.Code, "another call is another one")
}

func TestReplaceOfAGuardIsFollowedByItsHandlers(t *testing.T) {
	t.Parallel()
	nobody := newTokens(t)
	nobody.claims = nil
	g := newGuard(t, middleware.Config{Realm: "one"})
	called := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	requires, isRuled := g.Require(claims.AllScopes("orders.read"))(called).(interface {
		Requires(method, pattern string) (string, bool)
	})
	require.True(t, isRuled)
	h, _ := requires.(http.Handler)
	call := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+reader)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	assert.Equal(t, 200, call().Code)
	require.NoError(t, g.Replace(middleware.Config{Realm: "two", Verifier: nobody}))
	assert.Equal(t, 401, call().Code)
	assert.Contains(t, call().Header().Get("WWW-Authenticate"), `realm="two"`)
	w := httptest.NewRecorder()
	g.Deny(w, nil, reason.NoToken)
	assert.Contains(t, w.Header().Get("WWW-Authenticate"), `realm="two"`)
	require.NoError(t, g.Replace(middleware.Config{Shadow: true, Verifier: nobody}))
	assert.Equal(t, 200, call().Code)
	_, ruled := requires.Requires(http.MethodGet, "/")
	assert.False(t, ruled)
}

func TestMistakesChangeNothing(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Resource: "https://api.example", Exempt: []string{"/healthz"}})
	_, who, err := g.Check(bearing(reader), claims.AnyToken())
	require.NoError(t, err)
	require.NotNil(t, who)
	nobody := newTokens(t)
	nobody.claims = nil
	for want, cfg := range map[string]middleware.Config{
		"Config.Verifier is missing":         {Resource: "https://api.example", Exempt: []string{"/healthz"}},
		"Realm has characters":               {Verifier: nobody, Resource: "https://api.example", Exempt: []string{"/healthz"}, Realm: "\n"},
		"Config.Resource cannot be replaced": {Verifier: nobody, Exempt: []string{"/healthz"}},
		"Config.Exempt cannot be replaced":   {Verifier: nobody, Resource: "https://api.example"},
	} {
		assert.ErrorContains(t, g.Replace(cfg), want)
		_, _, err := g.Check(bearing(reader), claims.AnyToken())
		assert.NoError(t, err, want)
	}
	good := middleware.Config{Verifier: newTokens(t)}
	for _, none := range []*middleware.Guard{nil, {}} {
		assert.ErrorContains(t, none.Replace(good), "not made by New")
		_, _, err := none.Check(bearing(reader), claims.AnyToken())
		var refused *middleware.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 503, refused.Status)
	}
}

func bearing(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// describing is a Binding that states a member of the metadata.
type describing struct{ once }

func (*describing) Describe() map[string]any {
	return map[string]any{"dpop_signing_alg_values_supported": []string{"ES256"}}
}

func TestMetadataFollowsTheBindings(t *testing.T) {
	t.Parallel()
	cfg := middleware.Config{Verifier: newTokens(t), Resource: "https://api.example"}
	g := newGuard(t, cfg)
	h, err := g.MetadataHandler(middleware.Metadata{AuthorizationServers: []string{"https://issuer.example"}, More: map[string]any{"dpop_signing_alg_values_supported": "mine"}})
	require.NoError(t, err)
	document := func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Body.String()
	}
	assert.Contains(t, document(), `"dpop_signing_alg_values_supported":"mine"`)
	cfg.Bindings = []middleware.Binding{&describing{}}
	require.NoError(t, g.Replace(cfg))
	assert.Contains(t, document(), `"dpop_signing_alg_values_supported":["ES256"]`, "what the Guard states by itself")
}

package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestOpaqueTokens(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	everywhere(t, func(t *testing.T, framework string) {
		cfg := trusting(newIssuer(t), issuer)
		cfg.Framework, cfg.DPoP = framework, "accept"
		cfg.Introspect, cfg.IntrospectIssuer = issuer.IntrospectionURL(), issuer.Issuer()
		cfg.IntrospectClient = jwkstest.IntrospectionClient + ":" + jwkstest.IntrospectionSecret
		w := start(t, cfg)
		assert.Equal(t, 200, w.get("/orders", issuer.OpaqueToken()).Status)
		assert.Equal(t, 200, w.get("/orders", issuer.Token()).Status, "a JWT beside it")
		assert.Equal(t, 403, w.do("POST", "/orders", issuer.OpaqueToken(), "").Status)
		assert.Equal(t, 401, w.get("/orders", "made-up").Status)
		assert.Contains(t, challenges(w.get("/orders", "made-up")), `Bearer realm="orders", error="invalid_token"`)
		client := issuer.NewProver("ES256")
		token := issuer.OpaqueToken(client.Bound())
		assert.Equal(t, 200, w.bound("GET", "/orders", token, client).Status, "an opaque token that is bound to a key")
		assert.Equal(t, 401, w.get("/orders", token).Status)

		cfg.IntrospectClient = jwkstest.IntrospectionClient + ":wrong"
		wrong := start(t, cfg)
		a := wrong.get("/orders", issuer.OpaqueToken())
		assert.Equal(t, http.StatusServiceUnavailable, a.Status, "who may not ask cannot know")
		assert.NotEmpty(t, a.Header.Get("Retry-After"))
	})
}

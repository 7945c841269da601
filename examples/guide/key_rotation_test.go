package guide_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

func TestAKeyThatLeaked(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://issuer.example/", "api://orders")
	leaked := iss.NewKey("RS256", jwkstest.JWK{"kid": "the-kid"})
	iss.Publish(leaked)
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic("https://issuer.example/", "api://orders")}}
	cfg.Keys.Client = iss.Client()
	gate := closed(t)(sallyport.Open(cfg))
	assert.Equal(t, 200, call(gate.Authenticate(ok), "GET", "/", iss.Token(jwkstest.WithKey(leaked))).Code)

	err := gate.Distrust("https://issuer.example/", "the-kid")
	require.NoError(t, err)
	assert.Equal(t, 401, call(gate.Authenticate(ok), "GET", "/", iss.Token(jwkstest.WithKey(leaked))).Code)
	assert.Equal(t, 200, call(gate.Authenticate(ok), "GET", "/", iss.Token()).Code)
}

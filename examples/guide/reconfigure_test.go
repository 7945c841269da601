package guide_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

// reload puts what a file says now into force.
func reload(gate *sallyport.Gate, read func() (sallyport.Config, error)) error {
	cfg, err := read() // the whole configuration
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // for the keys of new issuers
	defer cancel()
	return gate.Replace(ctx, cfg) // all of it, or nothing and an error
}

func TestAnotherConfiguration(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.Claims{"scope": "orders.read"})
	config := func(audiences ...string) sallyport.Config {
		return sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), audiences...)}}
	}
	gate := closed(t)(sallyport.Open(config("api://orders", "api://old")))
	h := gate.Require(claims.AllScopes("orders.read"))(ok)
	old := iss.Token(jwkstest.WithAudience("api://old"))
	assert.Equal(t, 200, call(h, "GET", "/", old).Code)
	require.NoError(t, reload(gate, func() (sallyport.Config, error) { return config("api://orders"), nil }))
	assert.Equal(t, 401, call(h, "GET", "/", old).Code)
	assert.Error(t, reload(gate, func() (sallyport.Config, error) { return config(), nil }))
	assert.Equal(t, 200, call(h, "GET", "/", iss.Token(jwkstest.WithAudience("api://orders"))).Code)
}

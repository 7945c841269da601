package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/revocation"
	"github.com/sallyport-go/sallyport/stores/redisstore"
)

// openFleet opens a Gate whose denylist is in Redis.
func openFleet(cfg sallyport.Config, addrs ...string) (*sallyport.Gate, *redisstore.Store, error) {
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: addrs}) // TLS, credentials, Sentinel, a cluster: as you need
	store, err := redisstore.New(redisstore.Config{Client: client, Prefix: "orders"})
	if err != nil {
		return nil, nil, err
	}
	cfg.Verifier.Revoked = store.Denylist().Revoked
	gate, err := sallyport.Open(cfg)
	return gate, store, err
}

func TestADenialInOneInstanceIsARefusalInAnother(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	gates, stores := make([]*sallyport.Gate, 2), make([]*redisstore.Store, 2)
	for i := range gates {
		var err error
		gates[i], stores[i], err = openFleet(sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), "api://orders")}}, s.addr)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, errors.Join(gates[i].Close(), stores[i].Close())) })
		eventually(t, func() bool { return stores[i].Ready(t.Context()) == nil }, "the store is there")
	}
	token := iss.Token(jwkstest.Claims{"jti": "stolen"})
	verify := func() error {
		_, err := gates[1].Verify(t.Context(), token)
		return err
	}
	eventually(t, func() bool { return verify() == nil }, "it is good")

	entry := revocation.Token(iss.Issuer(), "stolen", time.Now().Add(time.Hour))
	eventually(t, func() bool { return stores[0].Denylist().Deny(context.Background(), entry) == nil }, "it is denied for all")
	eventually(t, func() bool { return codeOf(verify()) == reason.Revoked }, "it was seen before, and is refused")
	s.kill()
	eventually(t, func() bool { return codeOf(verify()) == reason.RevocationUnavailable }, "nothing is let through")
}

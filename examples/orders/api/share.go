package api

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sallyport-go/sallyport/stores/redisstore"
)

// firstCopies is how long a start waits for the store, so that the first calls find
// it there.
const firstCopies = time.Second

// share returns the store that the instances of the API share, nil for none. It
// does not matter whether it answers yet: until it does, calls are refused.
func (c *Config) share(opened *closers) (*redisstore.Store, error) {
	if c.Redis == "" {
		return nil, nil //nolint:nilnil // there need not be one
	}
	options, err := redis.ParseURL(c.Redis)
	if err != nil { // which may hold the password
		return nil, errors.New("-redis is no URL such as redis://127.0.0.1:6379/0, rediss://USER:PASSWORD@HOST:PORT or unix:///PATH")
	}
	client := redis.NewClient(options)
	*opened = append(*opened, client.Close)
	store, err := redisstore.New(redisstore.Config{Client: client, Prefix: "orders"})
	if err != nil {
		return nil, err
	}
	*opened = append(*opened, store.Close)
	return store, nil
}

func (c *Config) awaitStore(store *redisstore.Store) {
	if store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), firstCopies)
	defer cancel()
	if err := store.Ready(ctx); err != nil {
		c.Logger.Warn("the store of -redis cannot be relied on yet: calls are refused until it answers", "error", err)
	}
}

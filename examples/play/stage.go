package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/demo"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

// refresh is how often the API looks for new keys. A quarter of an hour would
// be usual, but nobody wants to watch that long.
const refresh = time.Second

// stage is what plays: the authorization server and the API that trusts its
// three issuers.
type stage struct {
	*demo.Demo
	refusals *refusals // the API's log
}

func setStage(ctx context.Context, o options, start demo.Starter) (*stage, error) {
	log := &refusals{}
	d, err := demo.Start(ctx, demo.Config{
		Addr: o.addr, AuthAddr: o.authAddr, Start: start,
		API: api.Config{Framework: o.framework, JWKSRefresh: refresh, Logger: slog.New(log)},
	})
	if err != nil {
		return nil, err
	}
	return &stage{d, log}, nil
}

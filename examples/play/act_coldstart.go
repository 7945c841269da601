package main

import (
	"context"
	"net/http"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

// coldStart plays an API that starts while its issuers are down.
func (p *play) coldStart(ctx context.Context) {
	p.screen.act("A start without keys", "a second API, while the issuers are down")
	p.lever(ctx, "/dev/outage?state=on", says("down again"))
	second, err := p.stage.Another(ctx)
	if err != nil {
		p.broken(ctx, "second", err)
		return
	}
	c := call{who: "reader", method: http.MethodGet, path: "/orders", token: p.token(ctx, devauth.Messaging, devauth.GetOnly, false)}
	p.requestAt(ctx, second, c, noKeys(), says("nobody can tell yet"))
	p.requestAt(ctx, second, call{who: "anyone", method: http.MethodGet, path: "/healthz"}, accepted(http.StatusOK), says("alive all the same"))
	p.lever(ctx, "/dev/outage?state=off", says("up again"))
	p.recovers(ctx, second, c)
	if err := second.Close(); err != nil {
		p.broken(ctx, "second", err)
	}
}

package main

import (
	"context"
	"net/http"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

// refused plays tokens that are no good. The caller hears the same of all of
// them; the log knows better.
func (p *play) refused(ctx context.Context) {
	p.screen.act("What is refused", "the caller learns that, the log says why")
	for _, row := range []struct {
		what   string
		flaw   devauth.Flaw
		reason string
	}{
		{"expired", devauth.Expired, "expired"},
		{"tampered", devauth.Tampered, "bad_signature"},
		{"other aud", devauth.OtherAudience, "wrong_audience"},
	} {
		c := call{who: row.what, method: http.MethodGet, path: "/orders", token: p.flawed(ctx, devauth.Bokbasen, row.flaw)}
		p.request(ctx, c, badToken(row.reason), says("log: "+row.reason))
	}
	p.request(ctx, call{who: "no token", method: http.MethodGet, path: "/orders"}, noToken(), says("log: no_token"))
}

package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

// rotation plays the hard way: the issuer signs with a key that the API has
// never seen, at once, while calls go on.
func (p *play) rotation(ctx context.Context) {
	p.screen.act("Keys rotate while calls go on", "a token of an unknown key waits for one shared fetch")
	old := p.token(ctx, devauth.OKQ8, devauth.AllLevels, false)
	t := p.startTraffic(ctx, old)
	wait(ctx, 300*time.Millisecond)
	p.lever(ctx, "/dev/okq8/rotate", signingKey)
	t.use(old, p.token(ctx, devauth.OKQ8, devauth.AllLevels, false))
	wait(ctx, 1500*time.Millisecond) // longer than between two fetches
	t.end(ctx)
}

func signingKey(a answer) string {
	var got struct{ Signing string }
	if json.Unmarshal(a.body, &got) != nil || len(got.Signing) < 8 {
		return ""
	}
	return "signs with key " + got.Signing[:8] + "…"
}

// wait returns early when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

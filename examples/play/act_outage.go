package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/demo"
	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

// patience is how long a recovery may take: the API tries once a second.
const patience = 5 * time.Second

// outage plays an issuer that is down: known keys stay good, and a token that
// cannot be checked is not called bad.
func (p *play) outage(ctx context.Context) {
	p.screen.act("The issuer goes down while calls go on", "known keys are kept")
	t := p.startTraffic(ctx, p.token(ctx, devauth.OKQ8, devauth.AllLevels, false))
	p.lever(ctx, "/dev/outage?state=on", says("metadata and keys answer 503"))
	p.refreshesFail(ctx)
	wait(ctx, 500*time.Millisecond)
	t.end(ctx)

	p.screen.gap()
	p.lever(ctx, "/dev/okq8/rotate", signingKey)
	unseen := call{who: "all", method: http.MethodGet, path: "/orders", token: p.token(ctx, devauth.OKQ8, devauth.AllLevels, false)}
	p.request(ctx, unseen, noKeys(), says("of a key that nobody can fetch: not a bad token"))
	p.lever(ctx, "/dev/outage?state=off", says("up again"))
	p.recovers(ctx, p.stage.API, unseen)
}

// refreshesFail waits until the API has noticed the outage.
func (p *play) refreshesFail(ctx context.Context) {
	before := p.keyFailures(ctx)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil && p.keyFailures(ctx) == before; {
		wait(ctx, 50*time.Millisecond)
	}
	c := call{who: "anyone", method: http.MethodGet, path: "/keys"}
	p.request(ctx, c, accepted(http.StatusOK), func(a answer) string {
		failures, usable := readKeys(a)
		return fmt.Sprintf("%d refreshes failed, %d issuers have usable keys", failures, usable)
	})
}

func (p *play) keyFailures(ctx context.Context) int {
	a, err := p.send(ctx, p.stage.API.URL(), call{method: http.MethodGet, path: "/keys"})
	if err != nil {
		return 0
	}
	failures, _ := readKeys(a)
	return failures
}

func readKeys(a answer) (failures, usable int) {
	var got struct {
		Issuers []struct {
			Usable   bool
			Failures int
		}
	}
	if json.Unmarshal(a.body, &got) != nil {
		return 0, 0
	}
	for _, i := range got.Issuers {
		failures += i.Failures
		if i.Usable {
			usable++
		}
	}
	return failures, usable
}

// recovers repeats a call until it is let through, and shows the last answer:
// until then it is refused for the keys' sake and for nothing else.
func (p *play) recovers(ctx context.Context, at demo.API, c call) {
	begun := time.Now()
	for time.Since(begun) < patience {
		a, err := p.send(ctx, at.URL(), c)
		if ctx.Err() != nil {
			return
		}
		if err != nil || a.status != http.StatusServiceUnavailable {
			break
		}
		wait(ctx, 50*time.Millisecond)
	}
	took := time.Since(begun)
	p.requestAt(ctx, at, c, accepted(http.StatusOK), says(fmt.Sprintf("%.1f s later, by itself", took.Seconds())))
}

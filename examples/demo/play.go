package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	refresh     = time.Second      // how often the API looks for new keys; a quarter of an hour would be usual
	patience    = 5 * time.Second  // how long a recovery may take
	callTimeout = 15 * time.Second // longer than the API waits for keys
	callers     = 4
	pause       = 5 * time.Millisecond // of a caller between two calls
)

// play is a performance: an authorization server, the API that trusts its three
// issuers, and the calls.
type play struct {
	api      *api.Server
	auth     *devauth.Server
	once     bool
	refusals *refusals // the API's log
	screen   *screen
	client   *http.Client

	kept, broken atomic.Int64 // answers, by whether they were as promised
}

func newPlay(ctx context.Context, o options, stdout io.Writer) (*play, error) {
	log := &refusals{}
	s, err := api.Start(ctx, api.Config{
		Addr: o.addr, AuthAddr: o.authAddr, Framework: o.framework, JWKSRefresh: refresh, Logger: slog.New(log),
	})
	if err != nil {
		return nil, err
	}
	return &play{
		api: s, auth: s.Config.Auth, once: o.once, refusals: log, screen: &screen{w: stdout, color: o.color},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * callers}, Timeout: callTimeout},
	}, nil
}

// perform plays, goes on by hand unless it plays once, and returns the exit
// status.
func (p *play) perform(ctx context.Context, stderr io.Writer) int {
	good := p.acts(ctx)
	if good && !p.once {
		p.byHand()
		p.refusals.follow(p.screen.refusal)
		good = p.serve(ctx, p.api.Failed())
	}
	p.client.CloseIdleConnections()
	if err := p.api.Close(); err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return exitFailed
	}
	if !good || p.broken.Load() > 0 {
		return exitFailed
	}
	return exitOK
}

// serve returns when ctx ends, or with false when the API does.
func (p *play) serve(ctx context.Context, failed <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return true
	case <-failed:
		p.screen.say("the API serves no more")
		return false
	}
}

// acts plays, and reports whether it came to the end.
func (p *play) acts(ctx context.Context) (complete bool) {
	begun := time.Now()
	p.screen.title(p.auth.URL(), p.api.URL(), p.api.Config.Framework)
	for n, act := range []struct {
		name, what string
		play       func(context.Context)
	}{
		{"OKQ8", "Entra ID: credentials in a form, levels as roles, RS256", p.scheme(devauth.OKQ8)},
		{"A messaging platform", "HTTP Basic, levels as scope, ES256", p.scheme(devauth.Messaging)},
		{"Bokbasen", "Auth0: credentials in JSON, levels as permissions, RS256", p.scheme(devauth.Bokbasen)},
		{"What is refused", "the caller learns that, the log says why", p.refused},
		{"Keys rotate while calls go on", "a token of an unknown key waits for one shared fetch", p.rotation},
		{"The issuer goes down while calls go on", "known keys are kept", p.outage},
		{"A start without keys", "a second API, while the issuers are down", p.coldStart},
	} {
		p.screen.act(n+1, act.name, act.what)
		act.play(ctx)
		if ctx.Err() != nil {
			p.screen.say("interrupted")
			return false
		}
	}
	p.screen.summary(p.kept.Load(), p.broken.Load(), time.Since(begun))
	return true
}

// scheme plays what the three clients of a scheme may do.
func (p *play) scheme(scheme devauth.Scheme) func(context.Context) {
	return func(ctx context.Context) {
		as := func(name string, show bool) func(method, path, body string) call {
			token := p.token(ctx, scheme, name, show)
			return func(method, path, body string) call { return call{name, method, path, token, body} }
		}
		all := as(devauth.AllLevels, true)
		p.request(ctx, all(http.MethodGet, "/orders", ""), accepted(http.StatusOK), countOrders)
		created := p.request(ctx, all(http.MethodPost, "/orders", `{"item":"tea","quantity":2}`), accepted(http.StatusCreated), orderIs("created"))
		path := "/orders/" + orderID(created)
		p.request(ctx, all(http.MethodPut, path, `{"item":"tea","quantity":3}`), accepted(http.StatusOK), orderIs("changed"))
		p.request(ctx, all(http.MethodDelete, path, ""), accepted(http.StatusNoContent), says("gone"))

		reader := as(devauth.GetOnly, false)
		p.request(ctx, reader(http.MethodGet, "/orders", ""), accepted(http.StatusOK), countOrders)
		p.request(ctx, reader(http.MethodDelete, "/orders/1", ""), lacks("delete"), says("may only get"))

		none := as(devauth.NoLevel, false)
		p.request(ctx, none(http.MethodGet, "/orders", ""), lacks("get"), says("a good token that grants nothing"))
	}
}

func countOrders(a answer) string {
	var got struct{ Orders []json.RawMessage }
	if json.Unmarshal(a.body, &got) != nil {
		return ""
	}
	return fmt.Sprintf("%d orders", len(got.Orders))
}

func orderIs(what string) func(answer) string {
	return func(a answer) string { return "order " + orderID(a) + " " + what }
}

func orderID(a answer) string {
	var got struct{ ID string }
	if json.Unmarshal(a.body, &got) != nil || got.ID == "" {
		return "0"
	}
	return got.ID
}

// refused plays tokens that are no good. The caller gets the same answer for
// all of them; the log has the reason.
func (p *play) refused(ctx context.Context) {
	for _, row := range []struct {
		what   string
		flaw   devauth.Flaw
		reason string
	}{
		{"expired", devauth.Expired, "expired"},
		{"tampered", devauth.Tampered, "bad_signature"},
		{"other aud", devauth.OtherAudience, "wrong_audience"},
	} {
		c := call{who: row.what, method: http.MethodGet, path: "/orders", token: p.flawed(ctx, row.flaw)}
		p.request(ctx, c, badToken(row.reason), says("log: "+row.reason))
	}
	p.request(ctx, call{who: "no token", method: http.MethodGet, path: "/orders"}, noToken(), says("log: no_token"))
}

// rotation plays the hard way: the issuer signs with a key that the API has
// never seen, at once, while calls go on.
func (p *play) rotation(ctx context.Context) {
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

// outage plays an issuer that is down: known keys stay good, and a token that
// cannot be checked is not called bad.
func (p *play) outage(ctx context.Context) {
	t := p.startTraffic(ctx, p.token(ctx, devauth.OKQ8, devauth.AllLevels, false))
	p.lever(ctx, "/dev/outage?state=on", says("metadata and keys answer 503"))
	before := p.keyFailures(ctx)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; wait(ctx, 50*time.Millisecond) {
		if p.keyFailures(ctx) != before {
			break
		}
	}
	p.request(ctx, call{who: "anyone", method: http.MethodGet, path: "/keys"}, accepted(http.StatusOK), func(a answer) string {
		failures, usable := readKeys(a)
		return fmt.Sprintf("%d refreshes failed, %d issuers have usable keys", failures, usable)
	})
	wait(ctx, 500*time.Millisecond)
	t.end(ctx)

	p.screen.gap()
	p.lever(ctx, "/dev/okq8/rotate", signingKey)
	unseen := call{who: "all", method: http.MethodGet, path: "/orders", token: p.token(ctx, devauth.OKQ8, devauth.AllLevels, false)}
	p.request(ctx, unseen, noKeys(), says("of a key that cannot be fetched: not a bad token"))
	p.lever(ctx, "/dev/outage?state=off", says("up again"))
	p.recovers(ctx, p.api, unseen)
}

func (p *play) keyFailures(ctx context.Context) int {
	a, err := p.send(ctx, p.api.URL(), call{method: http.MethodGet, path: "/keys"})
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
// until then it is refused for lack of keys and for nothing else.
func (p *play) recovers(ctx context.Context, at *api.Server, c call) {
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

// coldStart plays an API that starts while its issuers are down.
func (p *play) coldStart(ctx context.Context) {
	p.lever(ctx, "/dev/outage?state=on", says("down again"))
	second, err := p.api.Another(ctx)
	if err != nil {
		p.fails(ctx, "second", err)
		return
	}
	c := call{who: "reader", method: http.MethodGet, path: "/orders", token: p.token(ctx, devauth.Messaging, devauth.GetOnly, false)}
	p.requestAt(ctx, second, c, noKeys(), says("cannot be checked yet"))
	p.requestAt(ctx, second, call{who: "anyone", method: http.MethodGet, path: "/healthz"}, accepted(http.StatusOK), says("alive all the same"))
	p.lever(ctx, "/dev/outage?state=off", says("up again"))
	p.recovers(ctx, second, c)
	if err := second.Close(); err != nil {
		p.fails(ctx, "second", err)
	}
}

// wait returns early when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// traffic is callers that call and call, each answer compared with the promise
// that they are let through.
type traffic struct {
	play   *play
	tokens atomic.Pointer[[]string] // sent in turn

	stop    chan struct{}
	callers sync.WaitGroup

	calls, refused atomic.Int64
	mu             sync.Mutex
	first          []string // differences of the first broken promise
}

func (p *play) startTraffic(ctx context.Context, tokens ...string) *traffic {
	t := &traffic{play: p, stop: make(chan struct{})}
	t.tokens.Store(&tokens)
	for range callers {
		t.callers.Go(func() { t.call(ctx) })
	}
	return t
}

// use has the callers send these tokens from now on.
func (t *traffic) use(tokens ...string) { t.tokens.Store(&tokens) }

func (t *traffic) call(ctx context.Context) {
	for n := 0; ; n++ {
		tokens := *t.tokens.Load()
		a, err := t.play.send(ctx, t.play.api.URL(), call{method: http.MethodGet, path: "/orders", token: tokens[n%len(tokens)]})
		if ctx.Err() != nil {
			return
		}
		t.calls.Add(1)
		if differences := t.play.count(a, err, accepted(http.StatusOK)); len(differences) > 0 {
			t.refused.Add(1)
			t.mu.Lock()
			if t.first == nil {
				t.first = differences
			}
			t.mu.Unlock()
		}
		select {
		case <-t.stop:
			return
		case <-time.After(pause):
		}
	}
}

// end stops the callers and prints how their calls went.
func (t *traffic) end(ctx context.Context) {
	close(t.stop)
	t.callers.Wait()
	if ctx.Err() != nil {
		return
	}
	text := fmt.Sprintf("%d calls, %d refused", t.calls.Load(), t.refused.Load())
	t.play.screen.answer(t.refused.Load() == 0, http.StatusOK, call{who: "all", method: http.MethodGet, path: "/orders"}, text)
	t.play.screen.differences(t.first)
}

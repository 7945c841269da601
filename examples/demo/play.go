package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	refresh     = time.Second // how often the API looks for new keys; a quarter of an hour would be usual
	patience    = time.Minute // how long a recovery may take; it takes about a second
	callTimeout = time.Minute // longer than the API waits for keys
	callers     = 4
	pause       = 5 * time.Millisecond // of a caller between two calls
)

// play is a performance: an authorization server, the API that trusts its three
// issuers, and the calls.
type play struct {
	api      *api.Server
	auth     *devauth.Server
	refusals *refusals // the API's log
	screen   *screen
	client   *http.Client
	all      bool // with the acts beyond bearer tokens

	redis      string // the program
	needsRedis bool   // where it is missing the play fails
	skipped    int    // acts

	kept, broken atomic.Int64 // answers, by whether they were as promised
}

func newPlay(ctx context.Context, cfg api.Config, screen *screen) (*play, error) {
	log := &refusals{}
	cfg.JWKSRefresh, cfg.Logger = refresh, slog.New(slog.NewJSONHandler(log, nil))
	s, err := api.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * callers}, Timeout: callTimeout}
	return &play{api: s, auth: s.Config.Auth, refusals: log, screen: screen, client: client, redis: redisProgram}, nil
}

// perform plays, goes on by hand unless it plays once, and returns the exit
// status.
func (p *play) perform(ctx context.Context, once bool, stderr io.Writer) int {
	good := p.acts(ctx)
	if good && !once {
		p.screen.byHand(p.api.URL(), p.auth)
		p.refusals.setFollow(p.screen.refusal)
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
		p.screen.line("    the API serves no more")
		return false
	}
}

// act is one part of a play.
type act struct {
	name, what string
	play       func(context.Context)
}

// acts plays, and reports whether it came to the end.
func (p *play) acts(ctx context.Context) (complete bool) {
	begun, s := time.Now(), p.screen
	s.line("\n  ", s.in(bold, "Sallyport, the demo"))
	s.line("\n  issuers  ", s.in(cyan, p.auth.URL()), s.in(dim, "   three schemes, each with keys of its own"))
	s.line("  API      ", s.in(cyan, p.api.URL()), s.in(dim, "   orders, served by "+p.api.Config.Framework))
	s.line("  callers  ", s.in(dim, "all: get post put delete   reader: get   none: nothing"))
	acts := []act{
		{"OKQ8", "Entra ID: credentials in a form, levels as roles, RS256", p.scheme(devauth.OKQ8)},
		{"A messaging platform", "HTTP Basic, levels as scope, ES256", p.scheme(devauth.Messaging)},
		{"Bokbasen", "Auth0: credentials in JSON, levels as permissions, RS256", p.scheme(devauth.Bokbasen)},
		{"What is refused", "the caller learns that, the log says why", p.refused},
		{"Keys rotate while calls go on", "a token of an unknown key waits for one shared fetch", p.rotation},
		{"The issuer goes down while calls go on", "known keys are kept", p.outage},
		{"A start without keys", "a second API, while the issuers are down", p.coldStart},
	}
	if p.all {
		second, err := p.beyondBearer(ctx)
		if err != nil {
			p.show(ctx, call{who: "beyond"}, answer{}, err, outcome{}, "")
			return true
		}
		defer second.close(ctx)
		acts = append(acts, second.acts()...)
	}
	for n, act := range acts {
		s.line("\n ", s.in(bold, fmt.Sprintf("%d  %s", n+1, act.name)), s.in(dim, "  "+act.what), "\n")
		act.play(ctx)
		if ctx.Err() != nil {
			s.line("    interrupted")
			return false
		}
	}
	p.summary(time.Since(begun))
	return true
}

// summary prints how many answers were as promised, and what was not played.
func (p *play) summary(took time.Duration) {
	s, st := p.screen, green
	if p.broken.Load() > 0 {
		st = red
	}
	skipped := ""
	if p.skipped > 0 {
		skipped = s.in(yellow, fmt.Sprintf(", %d act SKIPPED", p.skipped))
	}
	s.line("\n  ", s.in(st, fmt.Sprintf("%d answers as promised, %d not", p.kept.Load(), p.broken.Load())), skipped,
		s.in(dim, fmt.Sprintf("  in %.1f s", took.Seconds())), "\n")
}

// scheme plays what the three clients of a scheme may do.
func (p *play) scheme(scheme devauth.Scheme) func(context.Context) {
	return func(ctx context.Context) {
		var who, token string
		as := func(name string, show bool) { who, token = name, p.token(ctx, scheme, name, show) }
		try := func(method, path, body string, want outcome, note string) answer {
			return p.request(ctx, p.api.URL(), call{who, method, path, token, body}, want, note)
		}
		as(devauth.AllLevels, true)
		try(http.MethodGet, "/orders", "", accepted(http.StatusOK), "")
		path := try(http.MethodPost, "/orders", `{"item":"tea","quantity":2}`, accepted(http.StatusCreated), "").header.Get("Location")
		try(http.MethodPut, path, `{"item":"tea","quantity":3}`, accepted(http.StatusOK), "")
		try(http.MethodDelete, path, "", accepted(http.StatusNoContent), "gone")
		as(devauth.GetOnly, false)
		try(http.MethodGet, "/orders", "", accepted(http.StatusOK), "")
		try(http.MethodDelete, "/orders/1", "", lacks("delete"), "may only get")
		as(devauth.NoLevel, false)
		try(http.MethodGet, "/orders", "", lacks("get"), "a good token that grants nothing")
	}
}

// refused plays tokens that are no good. The caller gets the same answer for
// all of them; the log has the reason.
func (p *play) refused(ctx context.Context) {
	for _, row := range []struct {
		who    string
		flaw   devauth.Flaw
		reason string
	}{
		{"expired", devauth.Expired, "expired"}, {"tampered", devauth.Tampered, "bad_signature"}, {"other aud", devauth.OtherAudience, "wrong_audience"},
	} {
		token, err := p.auth.Mint(devauth.Bokbasen, devauth.AllLevels, row.flaw)
		if err != nil { // cannot happen: the client and the flaws are known
			panic(err)
		}
		p.request(ctx, p.api.URL(), get(row.who, "/orders", token), badToken(row.reason), "log: "+row.reason)
	}
	p.request(ctx, p.api.URL(), get("no token", "/orders", ""), noToken(), "log: no_token")
}

// rotation plays the hard way: the issuer signs with a key that the API has
// never seen, at once, while calls go on.
func (p *play) rotation(ctx context.Context) {
	t := p.startTraffic(ctx, p.token(ctx, devauth.OKQ8, devauth.AllLevels, false))
	wait(ctx, 300*time.Millisecond)
	p.lever(ctx, "/dev/okq8/rotate", "")
	t.alsoUse(p.token(ctx, devauth.OKQ8, devauth.AllLevels, false))
	wait(ctx, 1500*time.Millisecond) // longer than between two fetches
	t.end(ctx)
}

// outage plays an issuer that is down: known keys stay good, and a token that
// cannot be checked is not called bad.
func (p *play) outage(ctx context.Context) {
	t := p.startTraffic(ctx, p.token(ctx, devauth.OKQ8, devauth.AllLevels, false))
	p.lever(ctx, "/dev/outage?state=on", "metadata and keys answer 503")
	before, _ := p.keys(ctx)
	failures, usable := before, 0
	for deadline := time.Now().Add(patience); failures == before && time.Now().Before(deadline) && ctx.Err() == nil; wait(ctx, 50*time.Millisecond) {
		failures, usable = p.keys(ctx)
	}
	note := fmt.Sprintf("%d refreshes failed, %d issuers have usable keys", failures, usable)
	p.request(ctx, p.api.URL(), get("anyone", "/keys", ""), accepted(http.StatusOK), note)
	wait(ctx, 500*time.Millisecond)
	t.end(ctx)

	p.screen.line()
	p.lever(ctx, "/dev/okq8/rotate", "")
	unseen := get("all", "/orders", p.token(ctx, devauth.OKQ8, devauth.AllLevels, false))
	p.request(ctx, p.api.URL(), unseen, noKeys(), "of a key that cannot be fetched: not a bad token")
	p.lever(ctx, "/dev/outage?state=off", "up again")
	p.recovers(ctx, p.api.URL(), unseen)
}

// keys asks the API how many refreshes failed and how many issuers have usable
// keys.
func (p *play) keys(ctx context.Context) (failures, usable int) {
	var got struct {
		Issuers []struct {
			Usable   bool
			Failures int
		}
	}
	if a, err := p.send(ctx, p.api.URL(), get("", "/keys", "")); err == nil {
		_ = json.Unmarshal(a.body, &got)
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
func (p *play) recovers(ctx context.Context, base string, c call) {
	begun := time.Now()
	for time.Since(begun) < patience {
		a, err := p.send(ctx, base, c)
		if err != nil || a.status != http.StatusServiceUnavailable {
			break
		}
		wait(ctx, 50*time.Millisecond)
	}
	p.request(ctx, base, c, accepted(http.StatusOK), fmt.Sprintf("%.1f s later, by itself", time.Since(begun).Seconds()))
}

// coldStart plays an API that starts while its issuers are down.
func (p *play) coldStart(ctx context.Context) {
	p.lever(ctx, "/dev/outage?state=on", "down again")
	second, err := p.api.Another(ctx)
	if err != nil {
		p.show(ctx, call{who: "second"}, answer{}, err, outcome{}, "")
		return
	}
	c := get("reader", "/orders", p.token(ctx, devauth.Messaging, devauth.GetOnly, false))
	p.request(ctx, second.URL(), c, noKeys(), "cannot be checked yet")
	p.request(ctx, second.URL(), get("anyone", "/healthz", ""), accepted(http.StatusOK), "alive all the same")
	p.lever(ctx, "/dev/outage?state=off", "up again")
	p.recovers(ctx, second.URL(), c)
	if err := second.Close(); err != nil {
		p.show(ctx, call{who: "second"}, answer{}, err, outcome{}, "")
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
	play    *play
	callers sync.WaitGroup
	ended   atomic.Bool

	mu     sync.Mutex
	tokens []string // sent in turn
	calls  int
	wrong  []string // of each broken promise
}

func (p *play) startTraffic(ctx context.Context, token string) *traffic {
	t := &traffic{play: p, tokens: []string{token}}
	for range callers {
		t.callers.Go(func() {
			for ; !t.ended.Load() && ctx.Err() == nil; wait(ctx, pause) {
				t.call(ctx)
			}
		})
	}
	return t
}

// alsoUse has the callers send this token too, from now on.
func (t *traffic) alsoUse(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens = append(t.tokens, token)
}

func (t *traffic) call(ctx context.Context) {
	t.mu.Lock()
	token := t.tokens[t.calls%len(t.tokens)]
	t.calls++
	t.mu.Unlock()
	a, err := t.play.send(ctx, t.play.api.URL(), get("all", "/orders", token))
	if ctx.Err() != nil {
		return
	}
	if wrong := t.play.judge(a, err, accepted(http.StatusOK)); wrong != "" {
		t.mu.Lock()
		t.wrong = append(t.wrong, wrong)
		t.mu.Unlock()
	}
}

// end stops the callers and prints how their calls went.
func (t *traffic) end(ctx context.Context) {
	t.ended.Store(true)
	t.callers.Wait()
	if ctx.Err() != nil {
		return
	}
	note := fmt.Sprintf("%d calls, %d refused", t.calls, len(t.wrong))
	first := strings.Join(t.wrong[:min(len(t.wrong), 1)], "")
	t.play.screen.answer(get("all", "/orders", ""), answer{outcome: accepted(http.StatusOK)}, note, first)
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// A day of an API: what its callers and its issuer do, act after act. It is
// played in a synctest bubble, so a day takes seconds, with the library's own
// defaults and the rules as they are.

const audience = "api://orders"

// act is a part of the day.
type act struct {
	name  string
	lasts time.Duration
	play  func(d *day, ctx context.Context) // ctx ends with the act; nil is good calls alone

	begins time.Duration // since the beginning of the day
}

func acts() []act {
	all := []act{
		{name: "calm", lasts: 30 * time.Minute},
		{name: "forgery", lasts: 20 * time.Minute, play: (*day).forgery},
		{name: "calm again", lasts: 30 * time.Minute},
		{name: "a partner's mistake", lasts: 20 * time.Minute, play: (*day).mistake},
		{name: "a careful rotation", lasts: 45 * time.Minute, play: (*day).rotation},
		{name: "a key that is not published", lasts: 25 * time.Minute, play: (*day).unpublished},
		{name: "an hour of calm", lasts: time.Hour},
		{name: "the issuer goes down", lasts: time.Hour, play: (*day).goDown},
		{name: "a start without keys", lasts: 30 * time.Minute, play: (*day).startWithoutKeys},
		{name: "the outage lasts", lasts: 24*time.Hour + 30*time.Minute, play: (*day).goUp},
		{name: "recovery", lasts: time.Hour},
	}
	for i := range all[1:] {
		all[i+1].begins = all[i].begins + all[i].lasts
	}
	return all
}

// day is the API, its issuer and what is recorded.
type day struct {
	t      *testing.T
	issuer *jwkstest.Issuer
	record *recording

	mu   sync.Mutex
	apis map[string]*api // by instance
	key  *jwkstest.Key   // that good tokens are signed with
	flow sync.WaitGroup
}

// playDay plays all acts, and returns what a Prometheus would have scraped.
func playDay(t *testing.T) *recording {
	t.Helper()
	record := newRecording()
	synctest.Test(t, func(t *testing.T) {
		iss := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithoutServer(), jwkstest.WithName("https://issuer.example"), jwkstest.WithAudience(audience))
		iss.SetCacheControl("max-age=300")
		d := &day{t: t, issuer: iss, record: record, apis: map[string]*api{}, key: iss.Key()}
		ctx, end := context.WithCancel(t.Context())
		d.start(ctx, "api-1")
		d.flow.Go(func() { d.scrape(ctx) })
		for _, a := range acts() {
			within, over := context.WithTimeout(ctx, a.lasts)
			if a.play != nil {
				a.play(d, within)
			}
			<-within.Done()
			over()
		}
		end()
		d.flow.Wait()
		d.stop("api-1")
	})
	return record
}

// start opens an API and has good calls go to it until ctx ends.
func (d *day) start(ctx context.Context, instance string) {
	a, err := newAPI(options{issuers: []issuer{{d.issuer.Issuer(), []string{audience}}}, log: slog.New(slog.DiscardHandler), client: d.issuer.Client()})
	require.NoError(d.t, err)
	d.mu.Lock()
	d.apis[instance] = a
	d.mu.Unlock()
	var token string
	var at time.Time
	d.every(ctx, instance, 10*time.Second, func() string {
		d.mu.Lock()
		defer d.mu.Unlock()
		if now := time.Now(); now.Sub(at) >= 5*time.Minute {
			token, at = d.issuer.Token(jwkstest.WithKey(d.key), jwkstest.Claims{"scope": "orders.read"}), now
		}
		return token
	})
}

func (d *day) stop(instance string) {
	d.mu.Lock()
	a := d.apis[instance]
	delete(d.apis, instance)
	d.mu.Unlock()
	require.NoError(d.t, a.Close())
}

// every calls an API again and again until ctx ends.
func (d *day) every(ctx context.Context, instance string, pause time.Duration, token func() string) {
	d.mu.Lock()
	a := d.apis[instance]
	d.mu.Unlock()
	d.flow.Go(func() {
		for ctx.Err() == nil {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/orders", nil)
			r.Header.Set("Authorization", "Bearer "+token())
			a.ServeHTTP(httptest.NewRecorder(), r)
			wait(ctx, pause)
		}
	})
}

// scrape reads all metrics once a minute.
func (d *day) scrape(ctx context.Context) {
	for minute := 0; ctx.Err() == nil; minute++ {
		d.mu.Lock()
		for instance, a := range d.apis {
			require.NoError(d.t, d.record.add(minute, instance, a.registry))
		}
		d.mu.Unlock()
		wait(ctx, time.Minute)
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// forgery is of two kinds: a key of the issuer's name that is not its own, and
// names that are made up.
func (d *day) forgery(ctx context.Context) {
	false1 := d.issuer.NewKey("ES256", jwkstest.JWK{"kid": d.issuer.Key().ID()})
	d.every(ctx, "api-1", 10*time.Second, func() string { return d.issuer.Token(jwkstest.WithKey(false1)) })
	n := 0
	d.every(ctx, "api-1", time.Second, func() string {
		n++
		return d.issuer.Token(jwkstest.Header{"kid": fmt.Sprint("made-up-", n)})
	})
}

// mistake is a partner who asks for tokens of another API.
func (d *day) mistake(ctx context.Context) {
	d.every(ctx, "api-1", 15*time.Second, func() string { return d.issuer.Token(jwkstest.Claims{"aud": "api://billing"}) })
}

// rotation announces a key, signs with it, and withdraws the old one.
func (d *day) rotation(ctx context.Context) {
	before, next := d.issuer.Key(), d.issuer.NewKey("ES256")
	d.issuer.Publish(next)
	wait(ctx, 15*time.Minute)
	d.sign(next)
	wait(ctx, 15*time.Minute)
	d.issuer.Remove(before.ID())
}

// unpublished is a rotation gone wrong: the new key signs before it is published.
func (d *day) unpublished(ctx context.Context) {
	next := d.issuer.NewKey("ES256")
	d.mu.Lock()
	d.key = next
	d.mu.Unlock()
	n := 0
	d.every(ctx, "api-1", 3*time.Second, func() string { // and other callers with other tokens of it
		n++
		return d.issuer.Token(jwkstest.WithKey(next), jwkstest.Claims{"scope": "orders.read", "n": n})
	})
	wait(ctx, 20*time.Minute)
	d.issuer.Publish(next)
	d.sign(next)
}

func (d *day) sign(next *jwkstest.Key) {
	d.issuer.Use(next)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.key = next
}

// goDown has the issuer answer 500, longer than keys may be used.
func (d *day) goDown(context.Context) { d.issuer.Fail(http.StatusInternalServerError) }

// startWithoutKeys has a second instance for as long as the act.
func (d *day) startWithoutKeys(ctx context.Context) {
	d.start(ctx, "api-2")
	<-ctx.Done()
	d.stop("api-2")
}

func (d *day) goUp(ctx context.Context) {
	<-ctx.Done()
	d.issuer.Restore()
}

package soak_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is the clients, all the time.
type crowd struct {
	stage    *stage
	client   *http.Client
	hasty    *http.Client  // of those who hang up
	pace     time.Duration // of one client, on average
	phase    atomic.Int64
	flooding atomic.Bool
	revoking atomic.Bool
	asked    chan exchange
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// start lets clients loose.
func (s *stage) start(ctx context.Context, clients int, pace time.Duration) *crowd {
	ctx, stop := context.WithCancel(ctx)
	c := &crowd{
		stage: s, pace: pace, stop: stop,
		client: newClient(clients), hasty: newClient(clients),
		asked: make(chan exchange, 1<<14), // answers wait for their judge
	}
	for n := range clients {
		c.running.Go(func() {
			switch {
			case n%8 == 7:
				c.repeat(ctx, c.attacker())
			case n%16 == 3:
				c.repeat(ctx, c.impatient())
			case n%4 == 1:
				c.repeat(ctx, c.hoarder())
			default:
				c.repeat(ctx, c.honest())
			}
		})
	}
	return c
}

func newClient(connections int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: time.Minute}
}

func (c *crowd) end() {
	c.stop()
	c.running.Wait()
	c.client.CloseIdleConnections()
	c.hasty.CloseIdleConnections()
	close(c.asked)
}

func (c *crowd) repeat(ctx context.Context, once func(context.Context)) {
	for ctx.Err() == nil {
		once(ctx)
		pause := time.NewTimer(c.pace/2 + rand.N(c.pace))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// honest has a token of a few seconds and uses it until it has expired, and a
// little longer.
func (c *crowd) honest() func(context.Context) {
	var now credential
	return func(ctx context.Context) {
		if time.Since(now.expires) > 200*time.Millisecond {
			now = c.stage.token(time.Second + rand.N(3*time.Second))
		}
		c.ask(ctx, now)
		often := 200
		if c.revoking.Load() {
			often = 30
		}
		if rand.N(often) == 0 {
			now.revoke()
			c.ask(ctx, now)
		}
	}
}

// hoarder keeps tokens for long, also those of keys that are withdrawn.
func (c *crowd) hoarder() func(context.Context) {
	var all []credential
	return func(ctx context.Context) {
		if len(all) < 4 {
			all = append(all, c.stage.token(5*time.Second+rand.N(20*time.Second)))
		}
		i := rand.N(len(all))
		c.ask(ctx, all[i])
		if time.Since(all[i].expires) > time.Second {
			all[i] = all[len(all)-1]
			all = all[:len(all)-1]
		}
	}
}

// attacker forges, and in a flood asks for keys that do not exist.
func (c *crowd) attacker() func(context.Context) {
	n := rand.N(4)
	return func(ctx context.Context) {
		if c.flooding.Load() {
			c.ask(ctx, c.stage.stranger())
			return
		}
		n++
		c.ask(ctx, c.stage.forgery(n))
	}
}

// impatient hangs up before there is an answer, more often than not. What it
// gets is not judged; what it does to others is. Its client is its own: an
// http.Transport may end a request that waits for a connection when another
// one's time is up.
func (c *crowd) impatient() func(context.Context) {
	var now credential
	return func(ctx context.Context) {
		if !time.Now().Before(now.expires) {
			now = c.stage.token(3 * time.Second)
		}
		ctx, hangUp := context.WithTimeout(ctx, rand.N(2*time.Millisecond))
		defer hangUp()
		_, _ = c.call(ctx, c.hasty, now)
	}
}

// ask brings a token and has the answer judged.
func (c *crowd) ask(ctx context.Context, with credential) {
	x, err := c.call(ctx, c.client, with)
	if err == nil || ctx.Err() == nil { // the API has to answer
		x.failure = err
		c.asked <- x
	}
}

func (c *crowd) call(ctx context.Context, client *http.Client, with credential) (exchange, error) {
	x := exchange{credential: with, phase: int(c.phase.Load())}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.stage.url, http.NoBody)
	if err != nil {
		return x, err
	}
	r.Header.Set("Authorization", "Bearer "+with.text)
	x.from = time.Now()
	c.stage.books.sent(with.kid, x.from)
	resp, err := client.Do(r)
	x.to = time.Now()
	if err != nil {
		return x, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	x.status, x.reason = resp.StatusCode, isReason(resp.Header)
	return x, nil
}

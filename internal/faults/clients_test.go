package faults_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/reason"
)

type clients struct {
	*stage
	patient, hasty     *http.Client
	phase              atomic.Int64
	flooding, revoking atomic.Bool
	exchanges          chan exchange // to be judged
	stop               context.CancelFunc
	running            sync.WaitGroup
}

func (s *stage) start(ctx context.Context, n int) *clients {
	ctx, stop := context.WithCancel(ctx)
	client := func() *http.Client {
		return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n, DialContext: s.dial}, Timeout: time.Minute}
	}
	c := &clients{stage: s, stop: stop, patient: client(), hasty: client(), exchanges: make(chan exchange, 1<<14)}
	for i := range n {
		once := c.honest()
		switch {
		case i%8 == 7:
			once = c.attacker()
		case i%16 == 3:
			once = c.impatient()
		case i%4 == 1:
			once = c.hoarder()
		}
		c.running.Go(func() {
			for ctx.Err() == nil {
				once(ctx)
				select {
				case <-time.After(pace/2 + rand.N(pace)):
				case <-ctx.Done():
				}
			}
		})
	}
	return c
}

func (c *clients) end() {
	c.stop()
	c.running.Wait()
	c.patient.CloseIdleConnections()
	c.hasty.CloseIdleConnections()
	close(c.exchanges)
}

// honest has a token of a few seconds and uses it until it has expired, and a little longer.
func (c *clients) honest() func(context.Context) {
	var now credential
	return func(ctx context.Context) {
		if time.Since(now.expires) > 200*time.Millisecond {
			now = c.token(time.Second + rand.N(3*time.Second))
		}
		c.ask(ctx, now)
		often := 200
		if c.revoking.Load() {
			often = 30
		}
		if rand.N(often) == 0 {
			time.Sleep(time.Millisecond) // by a bubble's clock, too, the one comes after the other
			c.revoke(now)
			c.ask(ctx, now)
		}
	}
}

// hoarder keeps tokens for long, also those of keys that are withdrawn.
func (c *clients) hoarder() func(context.Context) {
	var all []credential
	return func(ctx context.Context) {
		if len(all) < 4 {
			all = append(all, c.token(5*time.Second+rand.N(20*time.Second)))
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
func (c *clients) attacker() func(context.Context) {
	n := rand.N(4)
	return func(ctx context.Context) {
		if n++; c.flooding.Load() {
			c.ask(ctx, c.stranger())
		} else {
			c.ask(ctx, c.forgery(n))
		}
	}
}

// impatient hangs up before there is an answer, more often than not. What it gets is not judged; what it does to
// others is. Its http.Client is its own: a Transport may end a request that waits for a connection when another one's
// time is up.
func (c *clients) impatient() func(context.Context) {
	var now credential
	return func(ctx context.Context) {
		if !time.Now().Before(now.expires) {
			now = c.token(3 * time.Second)
		}
		ctx, hangUp := context.WithTimeout(ctx, rand.N(2*time.Millisecond))
		defer hangUp()
		if c.bubble { // where an answer takes no time, others have their turn that often
			go func() {
				for range rand.N(100) {
					runtime.Gosched()
				}
				hangUp()
			}()
		}
		c.send(ctx, c.hasty, now)
	}
}

func (c *clients) ask(ctx context.Context, with credential) {
	if x := c.send(ctx, c.patient, with); x.failure == nil || ctx.Err() == nil { // the API has to answer
		c.exchanges <- x
	}
}

func (c *clients) send(ctx context.Context, client *http.Client, with credential) exchange {
	x := exchange{credential: with, phase: int(c.phase.Load())}
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody))
	r.Header.Set("Authorization", "Bearer "+with.text)
	x.from = time.Now()
	c.ledger.sent(with.kid, x.from)
	resp, err := client.Do(r)
	x.to, x.failure = time.Now(), err
	if err != nil {
		return x
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	x.status, x.reason = resp.StatusCode, reason.Code(resp.Header.Get(reasonHeader))
	return x
}

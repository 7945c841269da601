package sallyport

import (
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/jwks"
)

// linger is how long keys serve calls that are under way when others took their
// place: a call that waits for a fetch waits for one.
func linger(keys *jwks.FetcherConfig) time.Duration { return max(30*time.Second, 2*keys.Timeout) }

// closing is what is closed a while after it was replaced. It is safe for concurrent
// use.
type closing struct {
	mu    sync.Mutex
	later map[*time.Timer]func()
	now   bool // the Gate is closed
	done  sync.WaitGroup
}

// after runs closeIt after d, or when the Gate is closed.
func (c *closing) after(d time.Duration, closeIt func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now {
		c.done.Go(closeIt)
		return
	}
	if c.later == nil {
		c.later = make(map[*time.Timer]func())
	}
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		c.mu.Lock()
		_, mine := c.later[t]
		delete(c.later, t)
		if mine {
			c.done.Go(closeIt)
		}
		c.mu.Unlock()
	})
	c.later[t] = closeIt
}

// all closes everything now, and waits for it.
func (c *closing) all() {
	c.mu.Lock()
	c.now = true
	for t, closeIt := range c.later {
		t.Stop()
		c.done.Go(closeIt)
	}
	clear(c.later)
	c.mu.Unlock()
	c.done.Wait()
}

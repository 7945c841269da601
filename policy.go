package sallyport

import (
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/verifier"
)

// policy is the whole of how one issuer's tokens are judged: what is expected of
// them, and how keys are fetched where they are.
type policy struct {
	tokens  verifier.Issuer // without Keys, unless they were given
	keys    jwks.FetcherConfig
	fetched bool
}

// equal reports whether nothing differs. Functions are never equal to others: what
// they do cannot be compared. Keys, clients and providers of telemetry are equal if
// they are the same one.
func (p *policy) equal(other *policy) bool {
	a, b := *p, *other
	same := a.fetched == b.fetched && sameOne(a.tokens.Keys, b.tokens.Keys) && a.keys.Client == b.keys.Client &&
		sameOne(a.keys.MeterProvider, b.keys.MeterProvider) && sameOne(a.keys.TracerProvider, b.keys.TracerProvider) &&
		a.keys.OnEvent == nil && b.keys.OnEvent == nil
	for _, p := range []*policy{&a, &b} {
		p.tokens.Keys, p.keys.Client, p.keys.MeterProvider, p.keys.TracerProvider = nil, nil, nil, nil
	}
	return same && reflect.DeepEqual(a, b)
}

// sameOne reports whether two interfaces hold the same value. Values that cannot be
// compared are never the same.
func sameOne(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if !x.IsValid() || !y.IsValid() {
		return x.IsValid() == y.IsValid()
	}
	return x.Comparable() && y.Comparable() && a == b
}

// distrusted is what [Gate.Distrust] was told: it lasts as long as the Gate, also
// for keys that are fetched later. It is safe for concurrent use.
type distrusted struct {
	mu   sync.Mutex
	kids map[string][]string // by issuer
}

func (d *distrusted) add(issuer, kid string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kids == nil {
		d.kids = make(map[string][]string)
	}
	if !slices.Contains(d.kids[issuer], kid) {
		d.kids[issuer] = append(d.kids[issuer], kid)
	}
}

// apply has new keys of an issuer know it.
func (d *distrusted) apply(issuer string, f *jwks.Fetcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, kid := range d.kids[issuer] {
		f.Distrust(kid)
	}
}

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

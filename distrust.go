package sallyport

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sallyport-go/sallyport/jwks"
)

// Distrust refuses an issuer's key from now on, whatever the issuer says, and
// every token that it signed, also those that were verified before: for a key
// that is known to have leaked. issuer is the name as configured, of a template
// with its placeholder; an issuer's v1.0 and v2.0 tokens are two issuers. It lasts
// as long as this Gate, through [Gate.Replace] too: call it in every instance, and open
// another Gate to trust the key again. See [jwks.Fetcher.Distrust].
//
// An issuer that [Config.Resolve] finds is named as there, before it is found or after;
// its keys are then fetched anew.
//
// It fails, and changes nothing, if there is no such issuer, if kid is "", or if
// the issuer's keys were given and not fetched: then leave the key out of those
// and open another Gate. Keys that are given later and have that kid are refused, by
// Replace with an error, of a Provider that Resolve returns with 503.
func (g *Gate) Distrust(issuer, kid string) error {
	g = g.orZero()
	g.mu.Lock() // no other configuration comes in between
	defer g.mu.Unlock()
	now := g.state()
	i := slices.IndexFunc(now.issuers, func(i *issuerKeys) bool { return i.name == issuer })
	switch {
	case i < 0 && now.tenants != nil && kid != "":
		return g.distrustTenant(now.tenants, issuer, kid)
	case i < 0:
		return fmt.Errorf("sallyport: Distrust: issuer %.200q is not configured: give its name as in the configuration", issuer)
	}
	f, fetched := now.issuers[i].keys.(*jwks.Fetcher)
	switch {
	case kid == "":
		return errors.New("sallyport: Distrust: no kid is given: keys without one cannot be told apart")
	case !fetched:
		return fmt.Errorf("sallyport: Distrust: the keys of issuer %.200q were given, not fetched: open another Gate without the key", issuer)
	}
	g.distrusted.add(issuer, kid, f)
	f.Distrust(kid)
	return nil
}

// distrustTenant is Distrust for an issuer that came at run time, or may come.
func (g *Gate) distrustTenant(all *tenants, issuer, kid string) error {
	t, ok := all.Peek(issuer)
	switch {
	case !ok:
		g.distrusted.add(issuer, kid, nil)
	case t.fetcher == nil:
		return fmt.Errorf("sallyport: Distrust: the keys of issuer %.200q were given, not fetched: have Resolve leave the key out, and call Forget", issuer)
	default:
		g.distrusted.add(issuer, kid, t.fetcher)
		t.fetcher.Distrust(kid) // for calls that have it at hand
	}
	all.Forget(issuer) // and with it an answer that is under way, which does not know it
	return nil
}

// distrusted is what [Gate.Distrust] was told: it lasts as long as the Gate, also
// for keys that are fetched later. It is safe for concurrent use.
type distrusted struct {
	mu sync.Mutex
	of map[string]*leaked // by issuer
}

// leaked are kids of one issuer, and the keys that they named.
type leaked struct {
	kids []string
	keys []*jwks.Key
}

// add remembers a kid, and the keys of that kid that f has, which may be nil.
func (d *distrusted) add(issuer, kid string, f *jwks.Fetcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil {
		d.of = make(map[string]*leaked)
	}
	if d.of[issuer] == nil {
		d.of[issuer] = new(leaked)
	}
	l := d.of[issuer]
	if !slices.Contains(l.kids, kid) {
		l.kids = append(l.kids, kid)
	}
	if f == nil {
		return
	}
	for k := range f.Snapshot().Keys() {
		if k.ID() == kid && !slices.Contains(l.keys, k) {
			l.keys = append(l.keys, k)
		}
	}
}

// apply has new keys of an issuer know it. Keys that were given, and cannot be told,
// are refused where they hold what is distrusted.
func (d *distrusted) apply(issuer string, keys jwks.KeySet) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.of[issuer]
	if l == nil {
		return nil
	}
	f, fetched := keys.(*jwks.Fetcher)
	if !fetched {
		return l.refuse(issuer, keys)
	}
	for _, kid := range l.kids {
		f.Distrust(kid)
	}
	for _, k := range l.keys {
		f.DistrustKey(k)
	}
	return nil
}

// refuse returns a mistake if there is such a key among those that were given.
func (l *leaked) refuse(issuer string, keys jwks.KeySet) error {
	now := keys.Snapshot()
	if now == nil {
		return nil
	}
	for k := range now.Keys() {
		if slices.Contains(l.kids, k.ID()) {
			return fmt.Errorf("sallyport: the keys given for issuer %.200q hold kid %.64q, which Distrust was called for: leave it out", issuer, k.ID())
		}
	}
	return nil
}

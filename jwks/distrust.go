package jwks

import (
	"fmt"
	"slices"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// Distrust refuses the key of that kid from now on, whatever the issuer says:
// use it when a key is known to have leaked and the issuer still publishes it.
// The key leaves the snapshot at once, with every other that is the same key
// under another kid; what was verified with it no longer holds; later fetches do
// not bring it back, and tokens that name it cause none.
//
// It lasts as long as the Fetcher, and only there: call it in every instance. To
// trust the kid again, make a new Fetcher. "" names no key and changes nothing.
// Where no other key is left, tokens cannot be judged until there is one.
//
// A key set of [NewStatic] never changes: make another one without the key.
func (f *Fetcher) Distrust(kid string) {
	if kid == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.distrusted.add(kid, f.Snapshot().set.byID[kid])
	f.dropDistrusted()
}

// DistrustKey is [Fetcher.Distrust] for a key that is at hand, which counts under any
// kid: one that another Fetcher of the issuer had. nil changes nothing.
func (f *Fetcher) DistrustKey(k *Key) {
	if k == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.distrusted.keys, &k.inner) {
		f.distrusted.keys = append(f.distrusted.keys, &k.inner)
	}
	f.dropDistrusted()
}

// dropDistrusted takes what is distrusted out of the snapshot. Its caller holds the
// lock.
func (f *Fetcher) dropDistrusted() {
	old := f.Snapshot()
	trusted := slices.DeleteFunc(slices.Clone(old.set.keys), func(k *Key) bool {
		why := f.distrusted.why(&k.inner, f.distrusted.keys)
		if why != nil {
			f.report.Skipped = append(f.report.Skipped, why.Error())
		}
		return why != nil
	})
	if len(trusted) < len(old.set.keys) {
		f.snapshot.Store(&Snapshot{set: newIndex(trusted, old.set.skipped), fetchedAt: old.fetchedAt, expires: old.expires})
	}
}

// trusted leaves out what is distrusted, and says what that was.
func (f *Fetcher) trusted(keys []jose.Key) ([]jose.Key, []error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.distrusted.split(keys)
}

// distrusted are the kids that the owner distrusts. As many are kept as there
// were calls: only the owner adds to them.
type distrusted struct {
	kids map[string]bool
	keys []*jose.Key // of these kids when they were distrusted: under another kid they are no better
}

func (d *distrusted) add(kid string, keys []*Key) {
	if d.kids == nil {
		d.kids = make(map[string]bool)
	}
	d.kids[kid] = true
	for _, k := range keys {
		d.keys = append(d.keys, &k.inner)
	}
}

// split leaves out what is distrusted, and says what that was.
func (d *distrusted) split(keys []jose.Key) (trusted []jose.Key, skipped []error) {
	if len(d.kids)+len(d.keys) == 0 {
		return keys, nil
	}
	bad := slices.Clone(d.keys)
	for i := range keys {
		if d.kids[keys[i].ID] {
			bad = append(bad, &keys[i])
		}
	}
	for i := range keys {
		if why := d.why(&keys[i], bad); why != nil {
			skipped = append(skipped, why)
			continue
		}
		trusted = append(trusted, keys[i])
	}
	return trusted, skipped
}

// why returns why a key is not trusted, nil if it is.
func (d *distrusted) why(k *jose.Key, bad []*jose.Key) error {
	switch {
	case d.kids[k.ID]:
		return fmt.Errorf("kid %q is distrusted", cut(k.ID, maxKid))
	case slices.ContainsFunc(bad, k.SameMaterial):
		return fmt.Errorf("kid %q is the same key as one that is distrusted", cut(k.ID, maxKid))
	}
	return nil
}

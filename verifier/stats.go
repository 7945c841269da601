package verifier

import (
	"context"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/sallyport-go/sallyport/claims"
)

// CacheStats are counts of the verified-token cache since it was made. It is a
// copy that its receiver owns. Of a Verifier without a cache all are 0.
type CacheStats struct {
	Hits      uint64 // tokens whose signature was known to be good
	Misses    uint64 // tokens of the right form that were not
	Evictions uint64 // tokens that made room for others
	Tokens    int    // that are remembered now
	Bytes     int64  // that they take
	MaxBytes  int64  // that they may take: Config.CacheBytes
}

// CacheStats returns the counts of the verified-token cache. It never waits for
// a verification.
func (v *Verifier) CacheStats() CacheStats {
	k := v.cache
	if k == nil {
		return CacheStats{}
	}
	k.entries.CleanUp() // so that the bytes are those of now
	return CacheStats{
		Hits:      k.hits.sum(),
		Misses:    k.misses.sum(),
		Evictions: k.evictions.Load(),
		Tokens:    k.entries.EstimatedSize(),
		Bytes:     int64(k.entries.WeightedSize()), //nolint:gosec // G115: bounded by MaxBytes
		MaxBytes:  k.bytes,
	}
}

// VerifySeen is [Verifier.Verify] or, where bound is true,
// [Verifier.VerifyBound], and reports whether the token was seen before: whether
// its signature was known to be good, so that it cost no check of one. Of a
// token that is refused before that is found out seen is false.
func (v *Verifier) VerifySeen(ctx context.Context, token string, bound bool) (c *claims.Claims, seen bool, err error) {
	return v.verify(ctx, token, bound)
}

// Issuers returns the Names of the configured issuers.
func (v *Verifier) Issuers() []string { return append([]string(nil), v.names...) }

// IssuerOf returns the Name of the configured issuer of verified claims, which
// of a template is the template: it is fit for a label, where the iss claim is
// not. It returns "" for claims of another Verifier's issuers. It allocates
// nothing.
func (v *Verifier) IssuerOf(c *claims.Claims) string {
	iss := c.Issuer()
	if i, ok := v.issuers[iss]; ok {
		return i.name
	}
	for _, i := range v.templates {
		if tenant, ok := i.template.tenant(iss); ok && i.allows(tenant) {
			return i.name
		}
	}
	return ""
}

// lanes spread a count that every request adds to over cache lines of their own,
// so that processors do not wait for one another.
const lanes = 16

type counter [lanes]struct {
	n atomic.Uint64
	_ [56]byte // the rest of a cache line
}

func (c *counter) add(lane uint32) { c[lane%lanes].n.Add(1) }

func (c *counter) sum() (total uint64) {
	for i := range c {
		total += c[i].n.Load()
	}
	return total
}

// nextLane gives each scratch a lane of its own: a processor mostly gets the one
// that it used last.
var nextLane atomic.Uint32

// count counts a look-up.
func (k *cache) count(lane uint32, hit bool) {
	if hit {
		k.hits.add(lane)
		return
	}
	k.misses.add(lane)
}

// countEviction is called by the cache for each token that it removes.
func (k *cache) countEviction(e otter.DeletionEvent[digest, *proven]) {
	if e.WasEvicted() {
		k.evictions.Add(1)
	}
}

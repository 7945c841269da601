package verifier

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/internal/view"
	"github.com/sallyport-go/sallyport/jwks"
)

// digest names a token without holding it.
type digest [sha256.Size]byte

// proven is a token whose signature and claims held. That stays true for as
// long as its key is among the issuer's keys, which every use asks again.
type proven struct {
	issuer   *issuer
	key      *jwks.Key
	kid, alg string
	claims   *claims.Claims
}

// cache remembers proven tokens. A nil cache remembers nothing.
type cache struct {
	prefix  [sha256.Size]byte // of this process alone: digests mean nothing elsewhere
	entries *otter.Cache[digest, *proven]
	flights singleflight.Group
}

// entryOverhead is what an entry costs beyond what its claims hold: their
// struct, the entry, the cache's node and its share of the table, as measured
// by what the heap grows. The allocator's rounding adds about a sixteenth.
const entryOverhead = 512

func newCache(bytes int64) (*cache, error) {
	if bytes < 0 {
		return nil, nil //nolint:nilnil // no cache is a valid choice, and a nil one works
	}
	if bytes == 0 {
		bytes = DefaultCacheBytes
	}
	entries, err := otter.New(&otter.Options[digest, *proven]{
		MaximumWeight: uint64(bytes),
		Weigher:       func(_ digest, p *proven) uint32 { return p.weight() },
		// Upkeep runs where it falls due, under a lock that no look-up waits for. A
		// goroutine for it would wake another processor for each new token.
		Executor: func(upkeep func()) { upkeep() },
	})
	if err != nil {
		return nil, err
	}
	k := &cache{entries: entries}
	if _, err := rand.Read(k.prefix[:]); err != nil {
		return nil, err
	}
	return k, nil
}

func (p *proven) weight() uint32 {
	size := vetted.Size(p.claims)
	return uint32(size + size/16 + len(p.kid) + entryOverhead) //nolint:gosec // G115: far below 4 GiB, because MaxTokenBytes bounds what a token can hold
}

// recall finds the token among those proven before. It answers no when its key
// is not, or no longer, exactly what a fresh verification would use.
func (k *cache) recall(c *check) bool {
	if k == nil || c.v.headers.excludes(c.compact.HeaderText()) {
		return false
	}
	c.digest = c.digestOf(k.prefix[:])
	c.digested = true
	p, ok := k.entries.GetIfPresent(c.digest)
	if !ok {
		return false
	}
	keys := p.issuer.keys.Snapshot()
	if !keys.Usable() {
		return false
	}
	if key, err := keys.Key(p.kid, p.alg); err != nil || key != p.key {
		return false
	}
	c.issuer, c.claims = p.issuer, p.claims
	return true
}

// prove runs the proof, once for all callers that bring the same token at the
// same moment, and remembers it when it held.
func (k *cache) prove(c *check) error {
	if k == nil {
		return c.prove()
	}
	if !c.digested {
		c.digest = c.digestOf(k.prefix[:])
	}
	shared, err, _ := k.flights.Do(string(c.digest[:]), func() (any, error) {
		if err := c.prove(); err != nil {
			return c.key, err
		}
		// Cloned: a kid cut out of a header of kilobytes would keep all of it.
		kid, alg := strings.Clone(c.header.KeyID), strings.Clone(c.header.Algorithm)
		p := &proven{issuer: c.issuer, key: c.key, kid: kid, alg: alg, claims: c.claims}
		k.entries.Set(c.digest, p)
		return p, nil
	})
	switch s := shared.(type) {
	case *proven:
		if s.key == c.key {
			c.claims = s.claims
			return nil
		}
	case *jwks.Key:
		if s == c.key {
			return err
		}
	}
	// The keys changed between the two callers: theirs is not this answer.
	return c.prove()
}

func (c *check) digestOf(prefix []byte) digest {
	s := c.scratch
	s.hash.Reset()
	s.hash.Write(prefix)
	s.hash.Write(view.Bytes(c.token))
	s.hash.Sum(s.sum[:0])
	return s.sum
}

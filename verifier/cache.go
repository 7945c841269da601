package verifier

import (
	"crypto/rand"
	"crypto/sha256"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/internal/view"
	"github.com/sallyport-go/sallyport/jwks"
)

// digest names a token without holding it.
type digest [sha256.Size]byte

// proven is a verified token with its key. It is good for as long as the key is
// what a fresh verification would use, which every use checks.
type proven struct {
	verified
	key   *jwks.Key
	query jwks.Query
	in    atomic.Pointer[jwks.Snapshot] // where query was last found to mean key; a Snapshot never changes
}

// means reports whether the token's header would still lead to its key.
func (p *proven) means(keys *jwks.Snapshot) bool {
	if p.in.Load() == keys {
		return true
	}
	candidates, err := keys.Find(&p.query)
	if err != nil || !slices.Contains(candidates.Keys[:], p.key) {
		return false
	}
	p.in.Store(keys)
	return true
}

// proof is what a token was checked by.
type proof struct {
	issuer *issuer
	keys   [jwks.MaxCandidates]*jwks.Key
}

// cache remembers verified tokens. A nil cache remembers nothing.
type cache struct {
	prefix  [sha256.Size]byte // of this process alone: digests mean nothing elsewhere
	entries *otter.Cache[digest, *proven]
	flights singleflight.Group

	bytes        int64 // at most
	hits, misses counter
	evictions    atomic.Uint64
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
		bytes = defaultCacheBytes
	}
	k := &cache{bytes: bytes}
	entries, err := otter.New(&otter.Options[digest, *proven]{
		MaximumWeight: uint64(bytes),
		Weigher:       func(_ digest, p *proven) uint32 { return p.weight() },
		// Upkeep runs where it falls due, under a lock that no look-up waits for. A
		// goroutine for it would wake another processor for each new token.
		Executor:         func(upkeep func()) { upkeep() },
		OnAtomicDeletion: k.countEviction,
	})
	if err != nil {
		return nil, err
	}
	k.entries = entries
	if _, err := rand.Read(k.prefix[:]); err != nil {
		return nil, err
	}
	return k, nil
}

func (p *proven) weight() uint32 {
	size := vetted.Size(p.claims)
	names := len(p.query.KeyID) + len(p.query.Thumbprint) + len(p.query.ThumbprintSHA256)
	return uint32(size + size/16 + names + entryOverhead) //nolint:gosec // G115: far below 4 GiB, because MaxTokenBytes bounds what a token can hold
}

// find returns what is known of the token, and counts the look-up.
func (k *cache) find(s *split) (verified, bool) {
	if k == nil {
		return verified{}, false
	}
	known, ok := k.lookUp(s)
	k.count(ok)
	return known, ok
}

// lookUp finds nothing when the key is not, or no longer, exactly what a fresh
// verification would use.
func (k *cache) lookUp(s *split) (verified, bool) {
	if s.v.headers.excludes(s.compact.HeaderText()) {
		return verified{}, false
	}
	p, ok := k.entries.GetIfPresent(k.digestOf(&s.request))
	if !ok || !p.issuer.holds() {
		return verified{}, false
	}
	if keys := p.issuer.keys.Snapshot(); !keys.Usable() || !p.means(keys) {
		return verified{}, false
	}
	return p.verified, true
}

// prove verifies the token, once for all callers that bring it at the same
// moment, and remembers it when it is good.
func (k *cache) prove(c *check) (verified, error) {
	if k == nil {
		return c.verify()
	}
	own, d := proof{c.issuer.is.issuer, c.key.is.candidates.Keys}, k.digestOf(&c.request.is)
	shared, err, _ := k.flights.Do(string(d[:]), func() (any, error) {
		known, err := c.verify()
		if err != nil {
			return own, err
		}
		p := &proven{verified: known, key: c.key.is.key, query: c.key.is.query}
		// Cloned: a kid cut out of a header of kilobytes would keep all of it.
		for _, name := range []*string{&p.query.Algorithm, &p.query.KeyID, &p.query.Thumbprint, &p.query.ThumbprintSHA256} {
			*name = strings.Clone(*name)
		}
		k.entries.Set(d, p)
		return p, nil
	})
	switch s := shared.(type) {
	case *proven:
		if s.issuer == own.issuer && slices.Contains(own.keys[:], s.key) {
			return s.verified, nil
		}
	case proof:
		if s == own {
			return verified{}, err
		}
	}
	// The keys or the policy changed between the two callers: this answer is for
	// others.
	return c.verify()
}

// digestOf returns the token's digest, which it computes once.
func (k *cache) digestOf(r *request) digest {
	if !r.digested {
		h := sha256.New()
		h.Write(k.prefix[:])
		h.Write(view.Bytes(r.token))
		h.Sum(r.digest[:0])
		r.digested = true
	}
	return r.digest
}

// lanes spread a count that every request adds to over cache lines of their own,
// so that processors do not wait for one another.
const lanes = 16

type counter [lanes]struct {
	n atomic.Uint64
	_ [56]byte // the rest of a cache line
}

func (c *counter) add() { c[mathrand.Uint32()%lanes].n.Add(1) } //nolint:gosec // G404: any lane will do

func (c *counter) sum() (total uint64) {
	for i := range c {
		total += c[i].n.Load()
	}
	return total
}

// count counts a look-up.
func (k *cache) count(hit bool) {
	if hit {
		k.hits.add()
		return
	}
	k.misses.add()
}

// countEviction is called by the cache for each token that it removes.
func (k *cache) countEviction(e otter.DeletionEvent[digest, *proven]) {
	if e.WasEvicted() {
		k.evictions.Add(1)
	}
}

// headers remembers what the headers of verified tokens say, by their encoded
// text. An issuer's tokens all have the same one until it rotates its keys, so
// it need not be decoded again; and a token whose header is not among them is
// not in the cache. Only headers under a good signature are added.
//
// Readers take no lock. The zero value is empty.
type headers struct {
	mu     sync.Mutex // of those who add
	known  atomic.Pointer[known]
	full   atomic.Bool
	filled time.Time // when it became full
}

// known are headers by their text. The latest is that of the newest key: most
// tokens have it, and it is compared before the rest is searched.
type known struct {
	byText map[string]*jose.Header
	latest string
}

// maxHeaders bounds them: a few hundred keys, of one issuer or of many. Issuers
// that put something else into each header gain nothing and lose nothing. Once
// there are as many, no other is added for an hour; then they begin anew, because
// rotations, too, come to as many in time.
const (
	maxHeaders  = 256
	fullHeaders = time.Hour
)

// find returns what the header of that text says, nil if it is not known.
func (h *headers) find(text string) *jose.Header {
	if h == nil { // of the zero Verifier
		return nil
	}
	known := h.known.Load()
	if known == nil {
		return nil
	}
	return known.byText[text]
}

// excludes reports that no verified token had a header of that text.
func (h *headers) excludes(text string) bool {
	known := h.known.Load()
	return known == nil || text != known.latest && known.byText[text] == nil && !h.full.Load()
}

// add remembers a verified token's header. Its strings are copied: what they
// were cut from may be large.
func (h *headers) add(text string, header *jose.Header) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := &known{byText: map[string]*jose.Header{}, latest: strings.Clone(text)}
	if known := h.known.Load(); known != nil {
		switch {
		case known.byText[text] != nil:
			return
		case len(known.byText) < maxHeaders:
			next.byText = maps.Clone(known.byText)
		case !h.full.Load():
			h.filled = time.Now()
			h.full.Store(true)
			return
		case time.Since(h.filled) < fullHeaders:
			return
		}
	}
	own := *header
	own.Algorithm, own.KeyID = strings.Clone(header.Algorithm), strings.Clone(header.KeyID)
	own.Type, own.ContentType = strings.Clone(header.Type), strings.Clone(header.ContentType)
	own.Thumbprint, own.ThumbprintSHA256 = strings.Clone(header.Thumbprint), strings.Clone(header.ThumbprintSHA256)
	next.byText[next.latest] = &own
	h.known.Store(next)
	h.full.Store(false)
}

package introspection

import (
	"crypto/rand"
	"crypto/sha256"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/internal/view"
)

// maxRefusals bounds the memory of tokens that were refused, which anybody can
// make up.
const maxRefusals = 8192

// entryOverhead is what an entry costs beyond what its claims hold, in bytes.
const entryOverhead = 512

// digest names a token without holding it.
type digest [sha256.Size]byte

// answer is what an issuer says of a token, as it is remembered.
type answer struct {
	active bool
	until  time.Time // of the monotonic clock
	exp    time.Time // by the clock of the Verifier; zero: none

	known   any            // for judge.Check; nil where the token is refused, or a JWT
	claims  *claims.Claims // of known
	refusal error          // nil where it is not
}

// cache remembers answers. Those about active tokens and those about others have
// each their own room, so that made-up tokens drive out no good one.
type cache struct {
	prefix [sha256.Size]byte // of this process alone: digests mean nothing elsewhere
	good   *otter.Cache[digest, *answer]
	bad    *otter.Cache[digest, *answer]
}

func newCache(bytes int64) (*cache, error) {
	k := new(cache)
	if _, err := rand.Read(k.prefix[:]); err != nil {
		return nil, err
	}
	upkeep := func(run func()) { run() }
	var err error
	if k.good, err = otter.New(&otter.Options[digest, *answer]{
		MaximumWeight: uint64(bytes), //nolint:gosec // G115: not negative
		Weigher:       func(_ digest, a *answer) uint32 { return a.weight() },
		Executor:      upkeep,
	}); err != nil {
		return nil, err
	}
	k.bad, err = otter.New(&otter.Options[digest, *answer]{MaximumSize: maxRefusals, Executor: upkeep})
	return k, err
}

func (a *answer) weight() uint32 {
	size := entryOverhead
	if a.claims != nil {
		size += vetted.Size(a.claims) * 17 / 16
	}
	return uint32(size)
}

func (k *cache) digestOf(token string) (d digest) {
	h := sha256.New()
	h.Write(k.prefix[:])
	h.Write(view.Bytes(token))
	h.Sum(d[:0])
	return d
}

// find returns an answer that may be used again, nil for none. known reports
// whether the token was active when it was last asked about.
//
// RFC 7662 section 4: https://www.rfc-editor.org/rfc/rfc7662#section-4
func (k *cache) find(d digest, now, byClock time.Time) (a *answer, known bool) {
	if a, ok := k.good.GetIfPresent(d); ok {
		if now.Before(a.until) && (a.exp.IsZero() || byClock.Before(a.exp)) {
			return a, true
		}
		return nil, true
	}
	if a, ok := k.bad.GetIfPresent(d); ok && now.Before(a.until) {
		return a, false
	}
	return nil, false
}

// keep remembers an answer in place of an older one.
func (k *cache) keep(d digest, a *answer) {
	if a.active && a.refusal == nil {
		k.good.Set(d, a)
		k.bad.Invalidate(d)
		return
	}
	k.good.Invalidate(d)
	k.bad.Set(d, a)
}

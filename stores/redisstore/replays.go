package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	defaultMaxProofs = 1_000_000

	// maxSeen bounds each of the two halves of what is known of used proofs here.
	maxSeen = 1 << 15
)

// Replays remembers which DPoP proofs were used, for all instances that share the
// store. It is safe for concurrent use.
//
// It implements dpop.ReplayStore. A call costs one round trip at most: a proof that
// was used here before is known without one. Proofs are digests; nothing of a token
// is stored.
//
// RFC 9449 section 11.1: https://www.rfc-editor.org/rfc/rfc9449#section-11.1
type Replays struct {
	store          *Store
	all, perClient int

	mu           sync.Mutex
	seen, before map[[32]byte]struct{} // used proofs; of two halves the older one goes
}

func newReplays(s *Store, cfg Config) *Replays {
	all := orDefault(cfg.MaxProofs, defaultMaxProofs)
	return &Replays{store: s, all: all, perClient: orDefault(cfg.MaxProofsPerClient, max(1, all/10)), seen: map[[32]byte]struct{}{}}
}

// remember remembers a proof for the milliseconds of ARGV[2], if it is new and there
// is room. The value is a mark of the call, so that a client that sends a command
// again, for it lost the answer, does not find its own first try.
//
// Proofs end by themselves. How many there are is counted by the second in which
// they end, in a hash of all and in one of the client: n is their sum, low the first
// second that is counted, till the last.
//
//nolint:dupword // Lua closes blocks with end
var remember = redis.NewScript(`
local known = redis.call('GET', KEYS[1])
if known then
	return known == ARGV[1] and 1 or 0
end
local now, ttl = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2])
local ends = now + math.ceil(ttl / 1000)
local function load(key)
	local h = redis.call('HMGET', key, 'low', 'n', 'till', ends)
	local c = {low = tonumber(h[1]) or now, n = tonumber(h[2]) or 0, till = tonumber(h[3]) or 0, ends = tonumber(h[4]) or 0}
	for second = c.low, now - 1 do
		local ended = redis.call('HGET', key, second)
		if ended then
			c.n = c.n - tonumber(ended)
			redis.call('HDEL', key, second)
		end
	end
	if c.low ~= now then
		redis.call('HSET', key, 'low', now, 'n', c.n)
	end
	return c
end
local function add(key, c)
	redis.call('HSET', key, 'low', now, 'n', c.n + 1, 'till', math.max(c.till, ends), ends, c.ends + 1)
	if ends > c.till then
		redis.call('PEXPIRE', key, ttl + 2000)
	end
end
local client = load(KEYS[2])
if client.n >= tonumber(ARGV[3]) then
	return -1
end
local all = load(KEYS[3])
if all.n >= tonumber(ARGV[4]) then
	return -2
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ttl)
add(KEYS[2], client)
add(KEYS[3], all)
return 1
`)

// Remember remembers entry until that time and reports whether it was not remembered
// before: of two calls with one entry exactly one gets true, in whatever instances
// they are. The error is [ErrFull] where there is no room, for this client or at all;
// with any other it is not known whether the proof was used.
func (r *Replays) Remember(ctx context.Context, entry, client [32]byte, until time.Time) (fresh bool, err error) {
	if r.used(entry) {
		return false, nil
	}
	mark := rand.Text()
	base := r.store.base
	keys := []string{base + "proof:" + string(entry[:]), base + "proofs:" + string(client[:]), base + "proofs"}
	ttl := max(time.Until(until), 0).Milliseconds() + 1
	got, err := r.store.run(ctx, remember, keys, mark, ttl, r.perClient, r.all)
	if err != nil {
		return false, err
	}
	switch got {
	case int64(1), int64(0):
		r.note(entry)
		return got == int64(1), nil
	case int64(-1):
		return false, fmt.Errorf("%w: this client has %d proofs", ErrFull, r.perClient)
	case int64(-2):
		return false, fmt.Errorf("%w: there are %d proofs", ErrFull, r.all)
	}
	return false, fmt.Errorf("redisstore: Redis answered %.40q", fmt.Sprint(got))
}

// used reports whether it is known here that a proof was used.
func (r *Replays) used(entry [32]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[entry]; ok {
		return true
	}
	_, ok := r.before[entry]
	return ok
}

func (r *Replays) note(entry [32]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) >= maxSeen {
		r.seen, r.before = make(map[[32]byte]struct{}, maxSeen), r.seen
	}
	r.seen[entry] = struct{}{}
}

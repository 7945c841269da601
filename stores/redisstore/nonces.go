package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	secretBytes = 32

	// nonceAhead is for how long a new secret is known before nonces are made with it,
	// so that every instance knows it by then.
	nonceAhead = 10 * time.Second

	nonceInterval = time.Second
)

// NonceSecrets are the secrets that DPoP nonces are made with, the same in all
// instances, so that one takes the nonces of another. They rotate by themselves, and
// each is known to all before it is used. It is safe for concurrent use.
//
// It implements dpop.NonceSecrets. Who can read Redis can make nonces: what they are
// for, to bound the life of a proof that was made in advance, rests on it.
type NonceSecrets struct {
	follower
	lifetime, rotation time.Duration
	current            atomic.Pointer[[][]byte]
}

func newNonceSecrets(s *Store, cfg Config) *NonceSecrets {
	n := &NonceSecrets{lifetime: orDefault(cfg.NonceLifetime, defaultNonceLifetime), rotation: orDefault(cfg.NonceRotation, defaultNonceRotation)}
	n.follower = newFollower(s, "secrets of nonces", nonceInterval, n.look)
	return n
}

// rotate returns the secrets and for how many milliseconds each is the one to make
// nonces with, the oldest first; negative: from when on it will be. It adds the one
// of ARGV[1] where the last one's time of ARGV[2] ends within ARGV[3], and drops those
// that another has replaced for ARGV[4].
//
//nolint:dupword // Lua closes blocks with end
var rotate = redis.NewScript(`
local t = redis.call('TIME')
local now = math.floor(t[1] * 1000 + t[2] / 1000)
local turn, ahead, keep = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local all = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
if #all == 0 then
	redis.call('ZADD', KEYS[1], now, ARGV[1])
elseif tonumber(all[#all]) + turn <= now + ahead then
	redis.call('ZADD', KEYS[1], math.max(now + ahead, tonumber(all[#all]) + turn), ARGV[1])
end
for i = 3, #all, 2 do
	if tonumber(all[i+1]) + keep < now then
		redis.call('ZREM', KEYS[1], all[i-2])
	end
end
redis.call('PEXPIRE', KEYS[1], 2 * (turn + ahead + keep))
all = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 2, #all, 2 do
	all[i] = string.format('%.0f', now - tonumber(all[i]))
end
return all
`)

// Secrets returns the secrets that are valid now, the one that new nonces are made
// with first. It answers from memory; an error, where Redis could not be had for as
// long as a nonce lives, means that none is known. The slices are only to be read.
func (n *NonceSecrets) Secrets(context.Context) ([][]byte, error) {
	if err := n.within(n.lifetime); err != nil {
		return nil, err
	}
	return *n.current.Load(), nil
}

// Status returns how old the local copy is, for a status page or an alarm.
func (n *NonceSecrets) Status() Status { return n.status() }

func (n *NonceSecrets) look(ctx context.Context) error {
	fresh := make([]byte, secretBytes)
	_, _ = rand.Read(fresh) // it never fails
	keep := n.lifetime + nonceAhead
	answer, err := n.store.run(ctx, rotate, []string{n.store.base + "nonces"}, fresh, n.rotation.Milliseconds(), nonceAhead.Milliseconds(), keep.Milliseconds())
	if err != nil {
		return err
	}
	texts, err := stringsOf(answer)
	if err != nil {
		return err
	}
	var first []byte
	var others [][]byte
	for i := 0; i+1 < len(texts); i += 2 {
		since, err := strconv.ParseInt(texts[i+1], 10, 64)
		if err != nil || len(texts[i]) != secretBytes {
			return fmt.Errorf("redisstore: the secrets of nonces are none of this package")
		}
		switch {
		case since < 0:
			others = append(others, []byte(texts[i]))
		default:
			if first != nil {
				others = append(others, first)
			}
			first = []byte(texts[i])
		}
	}
	if first == nil { // the clock of Redis went back: the next one will do
		if len(others) == 0 {
			return fmt.Errorf("redisstore: there are no secrets of nonces")
		}
		first, others = others[0], others[1:]
	}
	all := append([][]byte{first}, others...)
	n.current.Store(&all)
	return nil
}

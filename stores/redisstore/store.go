// Package redisstore keeps what the instances of an API must share in Redis or
// Valkey: the proofs that were used (DPoP, RFC 9449), the denylist, and the secrets
// of DPoP nonces.
//
//	store, err := redisstore.New(redisstore.Config{Client: client})
//	if err != nil { ... }
//	defer store.Close()
//	cfg.Verifier.Revoked = store.Denylist().Revoked
//
// The client is yours: its TLS, its credentials, Sentinel or a cluster. Where the
// store cannot be had, calls that need it are refused: nothing is let through.
//
// Redis must not evict (maxmemory-policy noeviction): what it throws away is
// denied no longer. It wants Redis 5 or Valkey, and as commands EVALSHA, EVAL and
// PING, and INFO for [Store.Ready]; the scripts use strings, hashes and sorted sets.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	defaultPrefix  = "sallyport"
	defaultTimeout = time.Second // a connection is made within it, with TLS, and a machine may be busy
	defaultMaxAge  = time.Second

	defaultNonceLifetime = 5 * time.Minute
	defaultNonceRotation = time.Hour

	// maxInFlight bounds the calls that wait for Redis, so that one that hangs
	// gathers no goroutines without end.
	maxInFlight = 1024
)

// ErrFull is returned where a bound is reached: of the proofs of one client, of all
// proofs, of the denylist, or of the memory of Redis.
var ErrFull = errors.New("redisstore: no room")

// errBusy means that as many calls as may wait for Redis do.
var errBusy = errors.New("redisstore: too many calls wait for Redis")

// Config is the configuration of a [Store]. Only the Client is required.
type Config struct {
	_ [0]func() // keyed literals only

	// Client is the client of Redis or Valkey: of one server, of a cluster, or of
	// Sentinel. The Store does not close it.
	Client redis.UniversalClient

	// Prefix begins every key: PREFIX:{PREFIX}:... As the part in braces is the same
	// in all, they are in one slot of a cluster, so that a script may use several.
	// Two APIs that must not share give one each. "" is "sallyport".
	Prefix string

	// Timeout bounds each call to Redis, whatever the time-outs of the Client. It is
	// how long a request waits for a Redis that hangs, before it is refused with 503;
	// the first call makes its connection within it. 0 is 1 s.
	Timeout time.Duration

	// MaxProofs bounds the proofs that are remembered at once, of all clients. Each
	// takes about 200 bytes of Redis. 0 is 1 000 000.
	MaxProofs int
	// MaxProofsPerClient is how many of them may be of one client, so that one cannot
	// shut out the others. 0 is a tenth of MaxProofs.
	MaxProofsPerClient int

	// MaxDenied bounds the entries of the denylist. 0 is 100 000.
	MaxDenied int
	// MaxAge is how old the local copy of the denylist may be. It is read four times
	// as often; calls are refused where it is older. 0 is 1 s, more than a minute an
	// error.
	MaxAge time.Duration

	// NonceLifetime is for how long a secret is good after a newer one took its place:
	// at least for as long as nonces are. 0 is 5 min.
	NonceLifetime time.Duration
	// NonceRotation is how long nonces are made with one secret. 0 is 1 h.
	NonceRotation time.Duration
}

// Store is the state that the instances of an API share. It is safe for concurrent
// use. Close it when done. The zero Store is not usable; [New] makes one that is.
type Store struct {
	client   redis.UniversalClient
	base     string // what every key begins with
	timeout  time.Duration
	inFlight chan struct{}

	replays   *Replays
	denylist  *Denylist
	nonces    *NonceSecrets
	life      context.Context //nolint:containedctx // ends with the Store: of its own goroutines
	stop      context.CancelFunc
	followers sync.WaitGroup
	closing   sync.Mutex // against a follower that starts while Close waits
}

// New returns a Store, or every mistake in cfg at once. It asks Redis nothing.
func New(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	prefix := cfg.Prefix
	if prefix == "" {
		prefix = defaultPrefix
	}
	s := &Store{
		client:   cfg.Client,
		base:     prefix + ":{" + prefix + "}:",
		timeout:  orDefault(cfg.Timeout, defaultTimeout),
		inFlight: make(chan struct{}, maxInFlight),
	}
	s.life, s.stop = context.WithCancel(context.Background())
	s.replays = newReplays(s, cfg)
	s.denylist = newDenylist(s, cfg)
	s.nonces = newNonceSecrets(s, cfg)
	return s, nil
}

// Validate returns every mistake in cfg at once.
func (cfg Config) Validate() error {
	var problems []error
	say := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("redisstore: Config."+format, args...))
	}
	if isNil(cfg.Client) {
		say("Client is nil: give a client of Redis or Valkey")
	}
	if strings.ContainsFunc(cfg.Prefix, isNoPrefix) {
		say("Prefix %.100q has a brace, a space or what is not printable ASCII", cfg.Prefix)
	}
	for name, d := range map[string]time.Duration{"Timeout": cfg.Timeout, "MaxAge": cfg.MaxAge, "NonceLifetime": cfg.NonceLifetime, "NonceRotation": cfg.NonceRotation} {
		if d < 0 || d > 0 && d < time.Millisecond {
			say("%s %v is less than a millisecond: 0 is the default", name, d)
		}
	}
	for name, n := range map[string]int{"MaxProofs": cfg.MaxProofs, "MaxProofsPerClient": cfg.MaxProofsPerClient, "MaxDenied": cfg.MaxDenied} {
		if n < 0 {
			say("%s %d is negative: 0 is the default", name, n)
		}
	}
	if cfg.MaxAge > time.Minute {
		say("MaxAge %v is more than a minute: so long what was denied would still pass", cfg.MaxAge)
	}
	if most := orDefault(cfg.MaxProofs, defaultMaxProofs); cfg.MaxProofsPerClient > most {
		say("MaxProofsPerClient %d is more than MaxProofs %d", cfg.MaxProofsPerClient, most)
	}
	return errors.Join(problems...)
}

// isNil reports whether there is no client, or a nil pointer to one.
func isNil(client redis.UniversalClient) bool {
	v := reflect.ValueOf(client)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// isNoPrefix reports whether a character can be in no prefix: braces would make
// another slot of it.
func isNoPrefix(c rune) bool { return c <= ' ' || c > '~' || c == '{' || c == '}' }

// orDefault returns v, or the default for 0.
func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Replays returns the store of the proofs that were used. It is the same each time.
func (s *Store) Replays() *Replays { return s.replays }

// Denylist returns the denylist, and has it followed from the first call on. It is
// the same each time.
func (s *Store) Denylist() *Denylist {
	s.denylist.follow()
	return s.denylist
}

// NonceSecrets returns the secrets of nonces, and has them followed from the first
// call on. They are the same each time.
func (s *Store) NonceSecrets() *NonceSecrets {
	s.nonces.follow()
	return s.nonces
}

// Ready waits, for as long as ctx allows, until Redis answers and what is used of
// the store was read once. It fails where Redis says that it evicts keys. A program
// need not call it: without the store calls are refused, until it is there.
func (s *Store) Ready(ctx context.Context) error {
	policy, err := s.evictionPolicy(ctx)
	if err != nil {
		return err
	}
	if policy != "" && policy != "noeviction" {
		return fmt.Errorf("redisstore: Redis evicts keys (maxmemory-policy %.40q), so that it would forget who is denied: set noeviction", policy)
	}
	for _, f := range []*follower{&s.denylist.follower, &s.nonces.follower} {
		if err := f.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// evictionPolicy returns what Redis does where memory ends, "" if it does not say.
func (s *Store) evictionPolicy(ctx context.Context) (string, error) {
	if err := s.do(ctx, func(ctx context.Context) error { return s.client.Ping(ctx).Err() }); err != nil {
		return "", err
	}
	var memory string
	err := s.do(ctx, func(ctx context.Context) (err error) {
		memory, err = s.client.Info(ctx, "memory").Result()
		return err
	})
	if err != nil {
		return "", nil // INFO is a question that an ACL may forbid
	}
	for line := range strings.Lines(memory) {
		if policy, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok {
			return policy, nil
		}
	}
	return "", nil
}

// Close ends what the Store does in the background, and waits for it. What it gave
// out fails from then on.
func (s *Store) Close() error {
	s.closing.Lock()
	s.stop()
	s.closing.Unlock()
	s.followers.Wait()
	return nil
}

// errClosed is the error of a Store that was closed.
var errClosed = errors.New("redisstore: the Store is closed")

// run runs a script in one round trip, or two where Redis does not know it yet.
func (s *Store) run(ctx context.Context, script *redis.Script, keys []string, args ...any) (any, error) {
	var answer any
	err := s.do(ctx, func(ctx context.Context) error {
		got, err := script.Run(ctx, s.client, keys, args...).Result()
		answer = got
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// do makes a call to Redis and waits for it no longer than the time-out: a client
// need not heed a context while it reads from a socket. A call that is waited for
// no longer ends by the client's own time-outs.
func (s *Store) do(ctx context.Context, call func(context.Context) error) error {
	if s.life.Err() != nil {
		return errClosed
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	select {
	case s.inFlight <- struct{}{}:
	case <-ctx.Done():
		defer cancel()
		return fmt.Errorf("%w: %w", errBusy, context.Cause(ctx))
	}
	done := make(chan error, 1)
	go func() {
		defer cancel()
		defer func() { <-s.inFlight }()
		done <- call(ctx)
	}()
	select {
	case err := <-done:
		return outcomeOf(err)
	case <-ctx.Done():
	}
	select {
	case err := <-done: // the context ends with the call too: what it brought counts
		return outcomeOf(err)
	default:
		return fmt.Errorf("redisstore: Redis did not answer: %w", context.Cause(ctx))
	}
}

// outcomeOf returns the error of a call that Redis answered, or that failed.
func outcomeOf(err error) error {
	switch {
	case err == nil:
		return nil
	case redis.IsOOMError(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("redisstore: %w", err)
}

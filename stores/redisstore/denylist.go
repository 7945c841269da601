package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/revocation"
)

const (
	defaultMaxDenied = 100_000

	readAtOnce  = 5_000       // entries that one read brings, so that Redis is not held up
	writeAtOnce = 500         // entries that one write takes
	resyncAfter = time.Minute // after which the whole list is compared
	rememberFor = 24 * time.Hour
)

// Denylist is a denylist that all instances share. A question is answered from a
// local copy, which is at most [Config.MaxAge] old: it costs no round trip. Where the
// copy is older, because Redis cannot be had, every question is an error, and calls
// are refused with 503.
//
// What Redis loses, as at a failover to a replica that was behind, is not lost to
// those that know it: each instance gives back what it has and Redis has not.
//
// It is a [revocation.Source] and a [revocation.Sink], and safe for concurrent use.
type Denylist struct {
	follower
	max    int
	maxAge time.Duration
	list   *revocation.List

	mu     sync.Mutex                  // of what follows: one reader or writer at a time
	known  map[string]revocation.Entry // what is in the list, by the key in Redis
	seq    int64                       // the number of the last change that was read
	resync time.Time                   // when the whole is to be read next
}

func newDenylist(s *Store, cfg Config) *Denylist {
	d := &Denylist{max: orDefault(cfg.MaxDenied, defaultMaxDenied), maxAge: orDefault(cfg.MaxAge, defaultMaxAge), known: map[string]revocation.Entry{}}
	d.list, _ = revocation.New(revocation.Config{MaxEntries: 2 * d.max}) // the bound is not negative
	d.follower = newFollower(s, "denylist", max(d.maxAge/4, time.Millisecond), d.look)
	return d
}

// The denylist in Redis. Each change has a number, which rises: the microseconds of
// Redis' clock, or one more than the last.
//
//	denied      hash     key of an entry -> "BEFORE UNTIL", in milliseconds, 0 for none
//	denied:log  zset     key of an entry, by the number of its last change
//	denied:end  zset     key of an entry, by when it is forgotten
//	denied:seq  string   the number of the last change
//
// A key in the log that is not in the hash was allowed.
func (d *Denylist) keys() []string {
	base := d.store.base + "denied"
	return []string{base, base + ":log", base + ":end", base + ":seq"}
}

// change forgets what has ended, and then denies or allows entries: key, BEFORE,
// UNTIL, three each. ARGV[1] is deny, restore or allow, ARGV[2] the bound, ARGV[3]
// for how many milliseconds it is remembered what was allowed. To restore is to deny
// what was not allowed since.
//
//nolint:dupword // Lua closes blocks with end
var change = redis.NewScript(`
local t = redis.call('TIME')
local us = t[1] * 1000000 + t[2]
local ms = math.floor(us / 1000)
local ended = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ms, 'LIMIT', 0, 1000)
for _, key in ipairs(ended) do
	redis.call('HDEL', KEYS[1], key)
	redis.call('ZREM', KEYS[2], key)
	redis.call('ZREM', KEYS[3], key)
end
local function later(a, b)
	if a == 0 or b == 0 then return 0 end
	return math.max(a, b)
end
local changes, added = {}, 0
for i = 4, #ARGV, 3 do
	local key, before, till = ARGV[i], tonumber(ARGV[i+1]), tonumber(ARGV[i+2])
	local has = redis.call('HGET', KEYS[1], key)
	if ARGV[1] == 'allow' then
		if has then table.insert(changes, {key, false, ms + tonumber(ARGV[3])}) end
	elseif has then
		local b, u = string.match(has, '^(%d+) (%d+)$')
		local value = string.format('%.0f %.0f', later(before, tonumber(b)), later(till, tonumber(u)))
		if value ~= has then table.insert(changes, {key, value, later(till, tonumber(u))}) end
	elseif ARGV[1] == 'deny' or not redis.call('ZSCORE', KEYS[2], key) then
		added = added + 1
		table.insert(changes, {key, string.format('%.0f %.0f', before, till), till})
	end
end
if added > 0 and redis.call('HLEN', KEYS[1]) + added > tonumber(ARGV[2]) then
	return -1
end
if #changes == 0 then
	return 0
end
local seq = math.max(tonumber(redis.call('GET', KEYS[4]) or 0) + 1, us)
redis.call('SET', KEYS[4], string.format('%.0f', seq))
for _, c in ipairs(changes) do
	if c[2] then redis.call('HSET', KEYS[1], c[1], c[2]) else redis.call('HDEL', KEYS[1], c[1]) end
	redis.call('ZADD', KEYS[2], string.format('%.0f', seq), c[1])
	redis.call('ZADD', KEYS[3], c[3] == 0 and '+inf' or string.format('%.0f', c[3]), c[1])
end
return #changes
`)

// changes returns what changed after the number ARGV[1], and behind the key ARGV[3]
// of that number: the number up to which that is all, and key, number and value of
// each. ARGV[2] bounds it.
//
//nolint:dupword // Lua closes blocks with end
var changes = redis.NewScript(`
local out = {redis.call('GET', KEYS[4]) or '0'}
if out[1] == ARGV[1] then
	return out
end
local keys = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, tonumber(ARGV[2]))
local n = #keys / 2
if n == tonumber(ARGV[2]) then
	out[1] = string.format('%.0f', keys[#keys])
	for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], keys[#keys], keys[#keys])) do
		table.insert(out, key)
		table.insert(out, redis.call('HGET', KEYS[1], key) or '')
	end
end
for i = 1, #keys, 2 do
	if out[1] ~= string.format('%.0f', keys[i+1]) or n < tonumber(ARGV[2]) then
		table.insert(out, keys[i])
		table.insert(out, redis.call('HGET', KEYS[1], keys[i]) or '')
	end
end
return out
`)

// member is an entry as the key of it in Redis has it.
type member struct {
	Issuer  string `json:"iss,omitempty"`
	ID      string `json:"jti,omitempty"`
	Subject string `json:"sub,omitempty"`
	Client  string `json:"client_id,omitempty"`
}

func keyOf(e revocation.Entry) (string, error) {
	key, err := json.Marshal(member{e.Issuer, e.ID, e.Subject, e.Client})
	return string(key), err
}

// entryOf returns the entry of a key and its value.
func entryOf(key, value string) (revocation.Entry, error) {
	var m member
	var before, until int64
	if err := json.Unmarshal([]byte(key), &m); err != nil {
		return revocation.Entry{}, errors.New("redisstore: a key of the denylist is none of this package")
	}
	if _, err := fmt.Sscanf(value, "%d %d", &before, &until); err != nil {
		return revocation.Entry{}, errors.New("redisstore: a value of the denylist is none of this package")
	}
	e := revocation.Entry{Issuer: m.Issuer, ID: m.ID, Subject: m.Subject, Client: m.Client, Before: timeOf(before), Until: timeOf(until)}
	return e, e.Validate()
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// msOf rounds up: what is denied in a part of a millisecond is denied in all of it.
func msOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, t.Add(time.Millisecond-1).UnixMilli())
}

// Revoked reports whether a token is withdrawn. It is for verifier.Config.Revoked.
func (d *Denylist) Revoked(ctx context.Context, c *claims.Claims) (bool, error) {
	if err := d.within(d.maxAge); err != nil {
		return false, err
	}
	return d.list.Revoked(ctx, c)
}

// Deny adds entries for all instances: here at once, in the others within
// [Config.MaxAge]. Of two for the same tokens the later times count. With an error
// some may have been added: call it again. It is [ErrFull] where there is no room.
func (d *Denylist) Deny(ctx context.Context, entries ...revocation.Entry) error {
	return d.change(ctx, "deny", entries)
}

// Allow removes the entries for the same tokens, for all instances.
func (d *Denylist) Allow(ctx context.Context, entries ...revocation.Entry) error {
	return d.change(ctx, "allow", entries)
}

func (d *Denylist) change(ctx context.Context, how string, entries []revocation.Entry) error {
	for i := range entries {
		if err := entries[i].Validate(); err != nil {
			return fmt.Errorf("redisstore: entry %d: %w", i, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.write(ctx, how, entries); err != nil {
		return err
	}
	return d.catchUp(ctx)
}

func (d *Denylist) write(ctx context.Context, how string, entries []revocation.Entry) error {
	for some := range slices.Chunk(entries, writeAtOnce) {
		args := []any{how, d.max, rememberFor.Milliseconds()}
		for _, e := range some {
			key, err := keyOf(e)
			if err != nil {
				return fmt.Errorf("redisstore: %w", err)
			}
			args = append(args, key, msOf(e.Before), msOf(e.Until))
		}
		switch got, err := d.store.run(ctx, change, d.keys(), args...); {
		case err != nil:
			return err
		case got == int64(-1):
			return fmt.Errorf("%w: the denylist has room for %d entries", ErrFull, d.max)
		}
	}
	return nil
}

// Status returns how old the local copy is, for a status page or an alarm.
func (d *Denylist) Status() Status { return d.status() }

// Len returns how many entries there are in the local copy.
func (d *Denylist) Len() int { return d.list.Len() }

// look reads what changed. From time to time, and after trouble, it reads all and
// gives back what Redis lost.
func (d *Denylist) look(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	due := !time.Now().Before(d.resync)
	if !due {
		return d.catchUp(ctx)
	}
	if err := d.compare(ctx); err != nil {
		return err
	}
	d.resync = time.Now().Add(resyncAfter)
	return nil
}

// catchUp reads what changed since it was last read.
func (d *Denylist) catchUp(ctx context.Context) error {
	changed, seq, err := d.fetch(ctx, d.seq)
	if err != nil {
		d.resync = time.Time{} // who knows which Redis answers next
		return err
	}
	if seq < d.seq {
		d.resync = time.Time{} // it has lost what it had
	}
	return d.take(ctx, changed, seq)
}

// compare reads all, and gives Redis what is known here and it has not.
func (d *Denylist) compare(ctx context.Context) error {
	all, seq, err := d.fetch(ctx, 0)
	if err != nil {
		return err
	}
	now := time.Now()
	var lost []revocation.Entry
	for key, e := range d.known {
		_, there := all[key]
		switch {
		case !e.Until.IsZero() && !now.Before(e.Until):
			delete(d.known, key)
		case !there:
			lost = append(lost, e)
		}
	}
	if err := d.write(ctx, "restore", lost); err != nil && !errors.Is(err, ErrFull) {
		return err
	}
	return d.take(ctx, all, seq)
}

// fetch returns the values of the keys that changed after a number, and the number
// up to which that is all. A value that is "" was allowed.
func (d *Denylist) fetch(ctx context.Context, from int64) (changed map[string]string, seq int64, err error) {
	changed = map[string]string{}
	for {
		answer, err := d.store.run(ctx, changes, d.keys(), from, readAtOnce)
		if err != nil {
			return nil, 0, err
		}
		texts, err := stringsOf(answer)
		if err != nil {
			return nil, 0, err
		}
		for i := 1; i+1 < len(texts); i += 2 {
			changed[texts[i]] = texts[i+1]
		}
		if from, err = strconv.ParseInt(texts[0], 10, 64); err != nil {
			return nil, 0, fmt.Errorf("redisstore: Redis answered no number: %w", err)
		}
		if len(texts) <= 2*readAtOnce {
			return changed, from, nil
		}
	}
}

// take takes changes over: all or none.
func (d *Denylist) take(ctx context.Context, changed map[string]string, seq int64) error {
	entries := make(map[string]revocation.Entry, len(changed))
	for key, value := range changed {
		if value == "" {
			continue
		}
		e, err := entryOf(key, value)
		if err != nil {
			return err
		}
		entries[key] = e
	}
	d.seq = seq
	if len(changed) == 0 {
		return nil
	}
	for key := range changed {
		delete(d.known, key)
	}
	maps.Copy(d.known, entries)
	if err := d.list.Replace(ctx, slices.Collect(maps.Values(d.known))...); err != nil {
		return fmt.Errorf("redisstore: %w", err)
	}
	return nil
}

// stringsOf returns the answer of a script that is an array of strings.
func stringsOf(answer any) ([]string, error) {
	list, ok := answer.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("redisstore: Redis answered %T, no array", answer)
	}
	out := make([]string, len(list))
	for i := range list {
		if out[i], ok = list[i].(string); !ok {
			return nil, fmt.Errorf("redisstore: Redis answered %T in an array, no string", list[i])
		}
	}
	return out, nil
}

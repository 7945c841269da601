package revocation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/claims"
)

const defaultMaxEntries = 100_000

// maxRecent is how many entries are copied when one is added; more are merged.
const maxRecent = 512

// ErrFull is returned for entries that a list has no room for.
var ErrFull = errors.New("revocation: the list is full")

// Config is the configuration of a [List]. The zero value is ready to use.
type Config struct {
	_ [0]func() // keyed literals only

	// MaxEntries bounds the list. 0 is 100 000; each takes about 300 bytes.
	MaxEntries int

	// Now is the clock by which entries end. nil is time.Now.
	Now func() time.Time
}

// List is a denylist in memory. It is safe for concurrent use, a question takes no
// lock, and it needs no Close. The zero List is empty and has the defaults of
// [Config]; a nil one fails every question.
type List struct {
	max     int
	now     func() time.Time
	change  sync.Mutex // one writer at a time
	content atomic.Pointer[content]
}

// content is what a list holds. It is never changed once it is seen: readers take
// no lock. What was added last is apart, so that little is copied for one entry.
type content struct {
	recent, settled map[key]span // of a key in both, recent counts
	kinds           kind         // those that there are entries of
	size            int
}

// New returns an empty List.
func New(cfg Config) (*List, error) {
	if cfg.MaxEntries < 0 {
		return nil, fmt.Errorf("revocation: Config.MaxEntries %d is negative: 0 is %d", cfg.MaxEntries, defaultMaxEntries)
	}
	return &List{max: cfg.MaxEntries, now: cfg.Now}, nil
}

// Revoked reports whether a token is withdrawn. It has the form of
// [verifier.Config.Revoked], which is asked on every call.
//
// [verifier.Config.Revoked]: https://pkg.go.dev/github.com/sallyport-go/sallyport/verifier#Config
func (l *List) Revoked(_ context.Context, c *claims.Claims) (bool, error) {
	if l == nil {
		return false, errors.New("revocation: the list is nil")
	}
	in := l.content.Load()
	if in == nil || in.kinds == 0 {
		return false, nil
	}
	now, iat, issuer := l.clock(), c.IssuedAt(), c.Issuer()
	for _, k := range [...]key{
		{byID, issuer, c.ID()},
		{byIDOfAny, "", c.ID()},
		{bySubject, issuer, c.Subject()},
		{byClient, issuer, c.ClientID()},
		{byIssuer, issuer, ""},
	} {
		if k.kind&in.kinds == 0 {
			continue
		}
		if s, ok := in.find(k); ok && s.covers(iat, now) {
			return true, nil
		}
	}
	return false, nil
}

func (in *content) find(k key) (s span, ok bool) {
	if s, ok = in.recent[k]; !ok {
		s, ok = in.settled[k]
	}
	return s, ok
}

// Deny adds entries, from the next call on. Of two entries for the same tokens the
// later Before counts, and the later Until. It adds all or none: the error is
// [ErrFull], or says which entry is faulty. The context is not used.
func (l *List) Deny(_ context.Context, entries ...Entry) error {
	if err := validate(entries); err != nil {
		return err
	}
	l.change.Lock()
	defer l.change.Unlock()
	now := l.clock()
	next := l.current()
	next.recent = maps.Clone(next.recent)
	if next.recent == nil {
		next.recent = make(map[key]span, len(entries))
	}
	next.add(entries, now)
	if len(next.recent) > maxRecent || next.size > l.room() {
		next = next.merged(now)
	}
	if next.size > l.room() {
		return fmt.Errorf("%w: it has room for %d entries", ErrFull, l.room())
	}
	l.content.Store(&next)
	return nil
}

// Allow removes the entries for the same tokens, whatever their Before and Until.
func (l *List) Allow(_ context.Context, entries ...Entry) error {
	if err := validate(entries); err != nil {
		return err
	}
	l.change.Lock()
	defer l.change.Unlock()
	current := l.current()
	next := current.merged(l.clock())
	for i := range entries {
		delete(next.settled, entries[i].key())
	}
	next.count()
	l.content.Store(&next)
	return nil
}

// Replace makes entries all that the list holds, at once. It fails as Deny does,
// and then changes nothing.
func (l *List) Replace(_ context.Context, entries ...Entry) error {
	if err := validate(entries); err != nil {
		return err
	}
	l.change.Lock()
	defer l.change.Unlock()
	next := content{recent: make(map[key]span, len(entries))}
	next.add(entries, l.clock())
	if next.size > l.room() {
		return fmt.Errorf("%w: it has room for %d entries", ErrFull, l.room())
	}
	next.recent, next.settled = nil, next.recent
	l.content.Store(&next)
	return nil
}

// Len returns how many entries there are. Those that ended may be counted until
// the list changes.
func (l *List) Len() int {
	if in := l.content.Load(); in != nil {
		return in.size
	}
	return 0
}

// All returns an iterator over the entries that hold now, in no order.
func (l *List) All() iter.Seq[Entry] {
	in, now := l.content.Load(), l.clock()
	return func(yield func(Entry) bool) {
		if in == nil {
			return
		}
		for k, s := range in.recent {
			if !s.isOver(now) && !yield(k.entry(s)) {
				return
			}
		}
		for k, s := range in.settled {
			if _, again := in.recent[k]; !again && !s.isOver(now) && !yield(k.entry(s)) {
				return
			}
		}
	}
}

func (l *List) clock() time.Time {
	if l.now == nil {
		return time.Now()
	}
	return l.now()
}

func (l *List) room() int {
	if l.max == 0 {
		return defaultMaxEntries
	}
	return l.max
}

// current returns a copy of the content, which shares its maps.
func (l *List) current() content {
	if in := l.content.Load(); in != nil {
		return *in
	}
	return content{}
}

// add adds entries to what is recent, which is the caller's own.
func (in *content) add(entries []Entry, now time.Time) {
	for i := range entries {
		k, s := entries[i].key(), span{entries[i].Before, entries[i].Until}
		if s.isOver(now) {
			continue
		}
		if known, ok := in.find(k); !ok {
			in.size++
		} else if !known.isOver(now) {
			s = s.with(known)
		}
		in.recent[k.clone()] = s
		in.kinds |= k.kind
	}
}

// merged returns the content in one map of its own, without what has ended.
func (in *content) merged(now time.Time) content {
	out := content{settled: make(map[key]span, in.size)}
	for _, from := range []map[key]span{in.settled, in.recent} {
		for k, s := range from {
			out.settled[k] = s
		}
	}
	maps.DeleteFunc(out.settled, func(_ key, s span) bool { return s.isOver(now) })
	out.count()
	return out
}

// count brings size and kinds up to date; all is in settled.
func (in *content) count() {
	in.size, in.kinds = len(in.settled), 0
	for k := range in.settled {
		in.kinds |= k.kind
	}
}

func validate(entries []Entry) error {
	for i := range entries {
		if err := entries[i].Validate(); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

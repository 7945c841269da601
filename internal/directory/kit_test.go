package directory_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/internal/directory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errNone = errors.New("no such name")

// value is what a name stands for.
type value struct {
	text  string
	lease *directory.Lease
}

// owner is an owner's function, which knows some names.
type owner struct {
	mu      sync.Mutex
	known   map[string]string
	asked   []string
	closed  []string
	counted [4]int
	before  func(ctx context.Context, name string) error
}

func (o *owner) find(ctx context.Context, name string, old *value, lease *directory.Lease) (*value, error) {
	o.mu.Lock()
	o.asked = append(o.asked, name)
	text, ok := o.known[name]
	before := o.before
	o.mu.Unlock()
	if before != nil {
		if err := before(ctx, name); err != nil {
			return nil, err
		}
	}
	switch {
	case !ok:
		return nil, errNone
	case old != nil && old.text == text:
		return old, nil
	}
	return &value{text, lease}, nil
}

func (o *owner) close(v *value, inUse bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !inUse {
		o.closed = append(o.closed, v.text+" at once")
		return
	}
	o.closed = append(o.closed, v.text)
}

func (o *owner) count(outcome directory.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counted[outcome]++
}

// counts are how many calls were found, unknown, failed and refused.
func (o *owner) counts() [4]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counted
}

func (o *owner) set(name, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[name] = text
}

func (o *owner) calls() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

func (o *owner) gone() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.closed...)
}

func (o *owner) config(l directory.Limits) directory.Config[*value] {
	return directory.Config[*value]{Limits: l, Find: o.find, IsUnknown: func(err error) bool { return errors.Is(err, errNone) }, Close: o.close, Count: o.count}
}

var usual = directory.Limits{
	MaxEntries: 3, MaxIdle: time.Hour, GoodFor: 10 * time.Minute, UnknownFor: time.Minute, FailedFor: 5 * time.Second,
	Timeout: 5 * time.Second, Burst: 4, Every: time.Second,
}

// with runs a test in a bubble, with a Directory that knows these names, each for
// itself.
func with(t *testing.T, test func(t *testing.T, d *directory.Directory[*value], o *owner), names ...string) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &owner{known: map[string]string{}}
		for _, name := range names {
			o.known[name] = name
		}
		d := directory.New(o.config(usual))
		defer d.Close()
		test(t, d, o)
	})
}

// textOf is what a name stands for, or why not.
func textOf(t *testing.T, d *directory.Directory[*value], name string) string {
	t.Helper()
	v, err := d.Find(t.Context(), name)
	if err != nil {
		return err.Error()
	}
	return v.text
}

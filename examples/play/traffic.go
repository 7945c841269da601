package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	callers = 4
	pause   = 5 * time.Millisecond // of a caller between two calls
)

// traffic is callers that call and call, each answer held against the promise
// that they are let through.
type traffic struct {
	play   *play
	tokens atomic.Pointer[[]string] // sent in turn

	stop    chan struct{}
	callers sync.WaitGroup

	calls, broken atomic.Int64
	mu            sync.Mutex
	first         []string // differences of the first broken promise
}

func (p *play) startTraffic(ctx context.Context, tokens ...string) *traffic {
	t := &traffic{play: p, stop: make(chan struct{})}
	t.tokens.Store(&tokens)
	for range callers {
		t.callers.Go(func() { t.call(ctx) })
	}
	return t
}

// use has the callers send these tokens from now on.
func (t *traffic) use(tokens ...string) { t.tokens.Store(&tokens) }

func (t *traffic) call(ctx context.Context) {
	for n := 0; ; n++ {
		tokens := *t.tokens.Load()
		a, err := t.play.send(ctx, t.play.stage.API.URL(), call{method: http.MethodGet, path: "/orders", token: tokens[n%len(tokens)]})
		if ctx.Err() != nil {
			return
		}
		t.judge(a, err)
		select {
		case <-t.stop:
			return
		case <-time.After(pause):
		}
	}
}

func (t *traffic) judge(a answer, err error) {
	differences := accepted(http.StatusOK).differences(a)
	if err != nil {
		differences = []string{err.Error()}
	}
	t.calls.Add(1)
	if t.play.tally.note(differences) {
		return
	}
	t.broken.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first == nil {
		t.first = differences
	}
}

// end stops the callers and prints what became of their calls.
func (t *traffic) end(ctx context.Context) {
	close(t.stop)
	t.callers.Wait()
	if ctx.Err() != nil {
		return
	}
	calls, broken := t.calls.Load(), t.broken.Load()
	text := fmt.Sprintf("%d calls, %d refused", calls, broken)
	t.play.screen.answer(broken == 0, http.StatusOK, call{who: "all", method: http.MethodGet, path: "/orders"}, text)
	t.play.screen.differences(t.first)
}

package cachecontrol_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/cachecontrol"
)

// What is optional in a ResponseWriter is there if the one inside has it.
func TestAWriterCanDoWhatTheOneInsideCan(t *testing.T) {
	t.Parallel()
	type (
		plain struct{ http.ResponseWriter }
		f     struct {
			http.ResponseWriter
			http.Flusher
		}
		h struct {
			http.ResponseWriter
			http.Hijacker
		}
		fh struct {
			http.ResponseWriter
			http.Flusher
			http.Hijacker
		}
		fp struct {
			http.ResponseWriter
			http.Flusher
			http.Pusher
		}
		fhp struct {
			http.ResponseWriter
			http.Flusher
			http.Hijacker
			http.Pusher
		}
	)
	can := &abilities{}
	for _, row := range []struct {
		name                     string
		make                     func(w http.ResponseWriter) http.ResponseWriter
		flush, hijack, push      bool
		flushes, hijacks, pushes int
	}{
		{"nothing", func(w http.ResponseWriter) http.ResponseWriter { return plain{w} }, false, false, false, 0, 0, 0},
		{"flush", func(w http.ResponseWriter) http.ResponseWriter { return f{w, can} }, true, false, false, 2, 0, 0},
		{"hijack, by the controller", func(w http.ResponseWriter) http.ResponseWriter { return h{w, can} }, false, false, false, 0, 1, 0},
		{"flush and hijack, as HTTP/1", func(w http.ResponseWriter) http.ResponseWriter { return fh{w, can, can} }, true, true, false, 2, 2, 0},
		{"flush and push, as HTTP/2", func(w http.ResponseWriter) http.ResponseWriter { return fp{w, can, can} }, true, false, true, 2, 0, 1},
		{"all", func(w http.ResponseWriter) http.ResponseWriter { return fhp{w, can, can, can} }, true, true, true, 2, 2, 1},
	} {
		*can = abilities{}
		outer := row.make(httptest.NewRecorder())
		w := new(cachecontrol.Writer).Around(outer)
		fl, flush := w.(http.Flusher)
		hj, hijack := w.(http.Hijacker)
		pu, push := w.(http.Pusher)
		assert.Equal(t, []bool{row.flush, row.hijack, row.push}, []bool{flush, hijack, push}, row.name)
		control := http.NewResponseController(w)
		_ = control.Flush()
		_, _, _ = control.Hijack()
		if flush {
			fl.Flush()
		}
		if hijack {
			_, _, _ = hj.Hijack()
		}
		if push {
			assert.ErrorIs(t, pu.Push("/x", nil), errPushed, row.name)
		}
		assert.Implements(t, (*cachecontrol.Keeper)(nil), w, row.name)
		assert.Equal(t, outer, w.(interface{ Unwrap() http.ResponseWriter }).Unwrap(), row.name)
		assert.Equal(t, abilities{row.flushes, row.hijacks, row.pushes}, *can, row.name)
	}
}

var errPushed = errors.New("pushed")

// abilities counts what it is asked for.
type abilities struct{ flushes, hijacks, pushes int }

func (a *abilities) Flush()                                               { a.flushes++ }
func (a *abilities) Hijack() (c net.Conn, b *bufio.ReadWriter, err error) { a.hijacks++; return }
func (a *abilities) Push(string, *http.PushOptions) error                 { a.pushes++; return errPushed }

func TestAnAnswerIsPrivateUnlessItSaysOtherwise(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		handler func(w http.ResponseWriter)
		want    []string
	}{
		"a status":     {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, []string{"private"}},
		"a body":       {func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) }, []string{"private"}},
		"a string":     {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") }, []string{"private"}},
		"a flush":      {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, []string{"private"}},
		"a file":       {func(w http.ResponseWriter) { _, _ = io.Copy(w, strings.NewReader("x")) }, []string{"private"}},
		"what it sets": {func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store"); w.WriteHeader(http.StatusOK) }, []string{"no-store"}},
		"what it adds": {func(w http.ResponseWriter) {
			w.Header().Add("Cache-Control", "max-age=5")
			w.WriteHeader(http.StatusOK)
		}, []string{"max-age=5"}},
		"an interim answer": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) }, nil},
	} {
		recorder := httptest.NewRecorder()
		row.handler(new(cachecontrol.Writer).Around(recorder))
		assert.Equal(t, row.want, recorder.Header()["Cache-Control"], name)
	}
}

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

var errHijacked = errors.New("hijacked")

// The ResponseWriters that servers and routers hand out differ in what else they can do.
type (
	plain    struct{ http.ResponseWriter }
	flushes  struct{ *httptest.ResponseRecorder }
	hijacks  struct{ flushes }
	pushes   struct{ flushes }
	canDoAll struct{ hijacks }
)

func (hijacks) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errHijacked }

func (pushes) Push(string, *http.PushOptions) error   { return nil }
func (canDoAll) Push(string, *http.PushOptions) error { return nil }

func TestAWriterCanDoWhatTheOneInsideCan(t *testing.T) {
	t.Parallel()
	for name, inner := range map[string]func(*httptest.ResponseRecorder) http.ResponseWriter{
		"plain":   func(w *httptest.ResponseRecorder) http.ResponseWriter { return plain{w} },
		"flushes": func(w *httptest.ResponseRecorder) http.ResponseWriter { return flushes{w} },
		"hijacks": func(w *httptest.ResponseRecorder) http.ResponseWriter { return hijacks{flushes{w}} },
		"pushes":  func(w *httptest.ResponseRecorder) http.ResponseWriter { return pushes{flushes{w}} },
		"all":     func(w *httptest.ResponseRecorder) http.ResponseWriter { return canDoAll{hijacks{flushes{w}}} },
	} {
		in := inner(httptest.NewRecorder())
		out := new(cachecontrol.Writer).Around(in)
		_, wantFlush := in.(http.Flusher)
		flusher, gotFlush := out.(http.Flusher)
		assert.Equal(t, wantFlush, gotFlush, name)
		_, wantHijack := in.(http.Hijacker)
		hijacker, gotHijack := out.(http.Hijacker)
		assert.Equal(t, wantHijack, gotHijack, name)
		_, wantPush := in.(http.Pusher)
		pusher, gotPush := out.(http.Pusher)
		assert.Equal(t, wantPush, gotPush, name)
		_, keeps := out.(cachecontrol.Keeper)
		assert.True(t, keeps, name)
		if gotHijack {
			_, _, err := hijacker.Hijack()
			assert.ErrorIs(t, err, errHijacked, name)
		}
		if gotPush {
			assert.NoError(t, pusher.Push("/x", nil), name)
		}
		if gotFlush {
			flusher.Flush()
			assert.Equal(t, "private", in.Header().Get("Cache-Control"), "%s: the first byte settles it", name)
		}
	}
}

func TestAnAnswerIsPrivateUnlessItSaysOtherwise(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		handler func(w http.ResponseWriter)
		want    []string
	}{
		"a status":     {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, []string{"private"}},
		"a body":       {func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) }, []string{"private"}},
		"a string":     {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") }, []string{"private"}},
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

func TestAControllerReachesTheWriterInside(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	out := new(cachecontrol.Writer).Around(recorder)
	assert.NoError(t, http.NewResponseController(out).Flush())
	assert.True(t, recorder.Flushed)
	inside, ok := out.(interface{ Unwrap() http.ResponseWriter })
	assert.True(t, ok)
	assert.Same(t, recorder, inside.Unwrap())
}

package middleware_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// get sends a request over a socket.
func get(t *testing.T, h http.Handler, token string) *http.Response {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/orders", nil)
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	res, err := transport.RoundTrip(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// proxy is an httputil.ReverseProxy to an API that answers with these headers.
func proxy(t *testing.T, header http.Header, interim bool) http.Handler {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		if interim {
			w.WriteHeader(http.StatusEarlyHints)
		}
		_, _ = io.WriteString(w, "proxied")
	}))
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: transport}
}

func TestCacheControlOfWhatPasses(t *testing.T) {
	t.Parallel()
	says := func(act func(w http.ResponseWriter)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { act(w) })
	}
	private, public := []string{"private"}, []string{"public, max-age=60"}
	for _, row := range []struct {
		name    string
		handler http.Handler
		want    []string
	}{
		{"108 an answer that says nothing is private", handler, private},
		{"108 one without a body too", says(func(http.ResponseWriter) {}), private},
		{"108 one with a status alone too", says(func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }), private},
		{"108 one that is a string", says(func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") }), private},
		{"108 one that is copied", says(func(w http.ResponseWriter) { _, _ = io.Copy(w, strings.NewReader("x")) }), private},
		{"108 one that is copied from where no one knows how", says(func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(strings.NewReader("xy"), 1)) }), private},
		{"108 one that begins by a flush", says(func(w http.ResponseWriter) { w.(http.Flusher).Flush() }), private},
		{"108 one that begins by a flush of the controller", says(func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }), private},
		{"108 one that http.Error writes", says(func(w http.ResponseWriter) { http.Error(w, "gone", http.StatusGone) }), private},
		{"108 one whose headers were cleared", says(func(w http.ResponseWriter) { clear(w.Header()) }), private},
		{"108 one behind an interim answer", says(func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints); w.WriteHeader(http.StatusOK) }), private},
		{"108 an empty line says nothing", says(func(w http.ResponseWriter) { w.Header()["Cache-Control"] = nil }), private},
		{"108 a handler that sets its own keeps it", says(func(w http.ResponseWriter) { w.Header().Set("Cache-Control", public[0]) }), public},
		{"108 a handler that adds its own keeps it alone", says(func(w http.ResponseWriter) { w.Header().Add("Cache-Control", public[0]); w.WriteHeader(http.StatusOK) }), public},
		{"108 a handler that adds two keeps two", says(func(w http.ResponseWriter) {
			w.Header().Add("Cache-Control", "private")
			w.Header().Add("Cache-Control", "max-age=1")
		}), []string{"private", "max-age=1"}},
		{"108 a handler may say it behind an interim answer", says(func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Add("Cache-Control", public[0])
		}), public},
		{"108 no-store stays", says(func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }), []string{"no-store"}},
		{"108 a proxy adds what upstream says", proxy(t, http.Header{"Cache-Control": public}, false), public},
		{"108 a proxy adds nothing where upstream is silent", proxy(t, nil, false), private},
		{"108 a proxy with an interim answer", proxy(t, http.Header{"Cache-Control": public}, true), public},
		{"108 a proxy with an interim answer, silent", proxy(t, nil, true), private},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{})
			enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/orders": allReads()}})
			require.NoError(t, err)
			for name, around := range map[string]func(http.Handler) http.Handler{
				"Authenticate": g.Authenticate, "Require": g.Require(allReads()), "Optional": g.Optional, "Enforce": enforce,
				"two handlers": func(h http.Handler) http.Handler { return g.Authenticate(g.Require(allReads())(h)) },
				"two Guards": func(h http.Handler) http.Handler {
					return newGuard(t, middleware.Config{}).Authenticate(g.Require(allReads())(h))
				},
			} {
				assert.Equal(t, row.want, get(t, around(row.handler), reader).Header["Cache-Control"], name)
			}
			left := newGuard(t, middleware.Config{NoCacheControl: true})
			if row.want[0] == "private" && len(row.want) == 1 {
				row.want = nil
			}
			assert.Equal(t, row.want, get(t, left.Authenticate(row.handler), reader).Header["Cache-Control"], "by option")
			assert.Equal(t, row.want, get(t, g.Optional(row.handler), "").Header["Cache-Control"], "anonymous")
		})
	}
}

// Behind a Guard a connection can be taken over and deadlines can be set.
func TestAConnectionCanBeTakenOverBehindAGuard(t *testing.T) {
	t.Parallel()
	h := newGuard(t, middleware.Config{}).Require(allReads())(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		assert.NoError(t, control.SetWriteDeadline(time.Now().Add(time.Minute)))
		assert.NoError(t, control.SetReadDeadline(time.Now().Add(time.Minute)))
		assert.NoError(t, control.EnableFullDuplex())
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\nX-Taken: over\r\nContent-Length: 0\r\n\r\n")
			_ = buffered.Flush()
			_ = conn.Close()
		}
	}))
	res := get(t, h, reader)
	assert.Equal(t, "over", res.Header.Get("X-Taken"))
	assert.NotContains(t, res.Header, "Cache-Control")
}

// A copy to the ResponseWriter goes on to where the kernel may do it.
func TestACopyIsHandedOn(t *testing.T) {
	t.Parallel()
	w := &readerFrom{ResponseRecorder: httptest.NewRecorder()}
	copies := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n, err := w.(io.ReaderFrom).ReadFrom(io.LimitReader(strings.NewReader("abc"), 2))
		assert.NoError(t, err)
		assert.EqualValues(t, 2, n)
	})
	newGuard(t, middleware.Config{}).Authenticate(copies).ServeHTTP(w, withToken(reader))
	assert.Equal(t, 1, w.copies)
	assert.Equal(t, "private", w.Header().Get("Cache-Control"))
}

type readerFrom struct {
	*httptest.ResponseRecorder
	copies int
}

func (w *readerFrom) ReadFrom(src io.Reader) (int64, error) {
	w.copies++
	return io.Copy(w.ResponseRecorder, src)
}

// A request that Check admitted is served by a Guard further in as it comes.
func TestTheContextOfARequestServesOneAnswer(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	first, second := httptest.NewRecorder(), httptest.NewRecorder()
	var kept *http.Request
	g.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { kept = r })).ServeHTTP(first, withToken(reader))
	g.Require(allReads())(handler).ServeHTTP(second, kept)
	assert.Equal(t, "r", second.Body.String())
	assert.Empty(t, first.Body.String())
}

package jwks_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

// heapInUse is what is on the heap once the garbage is gone.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestAFetcherIsSmallAndHasNoGoroutineBetweenFetches(t *testing.T) { // alone: it measures the process
	const count, most = 300, 8 << 10
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(set(rsaJWK("a"), rsaJWK("b")))) })
	fetchers := make([]*jwks.Fetcher, count)
	goroutines, before := runtime.NumGoroutine(), heapInUse()
	perFetcher := func() int64 { return (heapInUse() - before) / count }
	for i := range fetchers {
		fetchers[i] = newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL})
	}
	assert.LessOrEqual(t, perFetcher(), int64(most), "before its first fetch")
	for _, f := range fetchers {
		require.NoError(t, f.Ready(t.Context()))
	}
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+1 }, time.Minute, time.Millisecond, "fetches and connections end, but for the goroutine that asks")
	size := perFetcher()
	t.Logf("%d bytes of heap a Fetcher with two RSA keys", size)
	assert.LessOrEqual(t, size, int64(most), "after it")
	for i, f := range fetchers {
		assert.NoError(t, f.Refresh(t.Context(), "unknown"), i)
	}
	assert.LessOrEqual(t, perFetcher(), int64(most), "and after another one, for a kid that nobody has")
	runtime.KeepAlive(fetchers)
}

// connections counts those that a server gets.
func connections(t *testing.T, handler http.HandlerFunc) (s *httptest.Server, made, open *atomic.Int64) {
	t.Helper()
	made, open = new(atomic.Int64), new(atomic.Int64)
	s = httptest.NewUnstartedServer(handler)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			made.Add(1)
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, made, open
}

func TestMetadataAndKeysComeOverOneConnectionThatThenEnds(t *testing.T) {
	t.Parallel()
	var origin string
	s, made, open := connections(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == oidcPath {
			assert.False(t, r.Close)
			_, _ = w.Write([]byte(metadata(origin, origin+"/jwks")))
			return
		}
		assert.True(t, r.Close, "the connection ends with the keys")
		_, _ = w.Write([]byte(setOf("a")))
	})
	origin = s.URL
	readyFetcher(t, jwks.FetcherConfig{Issuer: origin})
	assert.EqualValues(t, 1, made.Load())
	assert.Eventually(t, func() bool { return open.Load() == 0 }, time.Minute, time.Millisecond)
}

func TestAConnectionOfAGivenClientIsKept(t *testing.T) {
	t.Parallel()
	s, made, open := connections(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(setOf("a"))) })
	own := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(own.CloseIdleConnections)
	for range 2 {
		require.NoError(t, readyFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: own}).Close())
	}
	assert.EqualValues(t, 1, made.Load())
	assert.EqualValues(t, 1, open.Load())
}

func TestTheCloseOfOneFetcherLeavesOthersTheirTransport(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(setOf("a"))) })
	one, other := readyFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL}), newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL})
	require.NoError(t, one.Close())
	require.NoError(t, one.Close())
	assert.NoError(t, other.Ready(t.Context()))
	require.NoError(t, other.Close())
	assert.NoError(t, newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL}).Ready(t.Context()))
}

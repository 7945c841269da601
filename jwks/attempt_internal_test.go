package jwks

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked counts the requests that it fails, which it keeps waiting until release.
type asked struct {
	n       atomic.Int64
	release chan struct{}
}

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a.n.Add(1)
	select {
	case <-a.release:
	case <-r.Context().Done():
	}
	return nil, http.ErrHandlerTimeout
}

func TestATimerThatFiresTogetherWithCloseFetchesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &asked{release: make(chan struct{})}
		close(a.release)
		f, err := NewFetcher(FetcherConfig{JWKSURL: "https://issuer.example/jwks", Client: &http.Client{Transport: a}})
		require.NoError(t, err)
		require.NoError(t, f.Close())
		f.attempt() // as the timer does
		assert.Zero(t, a.n.Load())
	})
}

func TestAFetchThatCloseEndsSetsNoTimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &asked{release: make(chan struct{})}
		f, err := NewFetcher(FetcherConfig{JWKSURL: "https://issuer.example/jwks", Client: &http.Client{Transport: a}})
		require.NoError(t, err)
		got := make(chan error)
		go func() { got <- f.Refresh(t.Context(), "a") }()
		synctest.Wait()
		require.EqualValues(t, 1, a.n.Load())
		require.NoError(t, f.Close())
		assert.ErrorIs(t, <-got, ErrClosed)
		assert.False(t, f.timer.Stop(), "it would keep the Fetcher in memory until then")
	})
}

func TestATimerThatFiresTooEarlyIsSetAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &asked{release: make(chan struct{})}
		close(a.release)
		f, err := NewFetcher(FetcherConfig{JWKSURL: "https://issuer.example/jwks", Client: &http.Client{Transport: a}})
		require.NoError(t, err)
		defer func() { _ = f.Close() }()
		assert.Error(t, f.Refresh(t.Context(), "a"))
		require.EqualValues(t, 1, a.n.Load())
		f.attempt()
		assert.EqualValues(t, 1, a.n.Load(), "the pause after a failure is not over")
		assert.True(t, f.timer.Stop())
	})
}

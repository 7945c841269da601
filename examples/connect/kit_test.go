package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const audience = "api://orders"

const (
	waitFor = time.Minute
	tick    = 10 * time.Millisecond
)

// buffer is a log that the server writes while the test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newIssuer(t *testing.T) *jwkstest.Issuer {
	t.Helper()
	return jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience(audience), jwkstest.Claims{"client_id": "warehouse"})
}

func level(names ...string) jwkstest.Claims {
	return jwkstest.Claims{"scope": strings.Join(names, " ")}
}

// started runs the program until the test ends, and returns its URL.
func started(t *testing.T, iss *jwkstest.Issuer, flags ...string) string {
	t.Helper()
	var stderr buffer
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"-addr", "127.0.0.1:0", "-issuer", iss.Issuer(), "-audience", audience}, flags...), io.Discard, &stderr)
	}()
	t.Cleanup(func() {
		stop()
		assert.Equal(t, exitOK, <-ended, "%s", &stderr)
	})
	var url string
	require.Eventually(t, func() bool {
		_, rest, ok := strings.Cut(stderr.String(), "url=")
		url, _, _ = strings.Cut(rest, " ")
		return ok
	}, waitFor, tick)
	return url
}

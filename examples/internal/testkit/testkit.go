// Package testkit is what the tests of the examples have in common: requests to
// a loopback socket, answers read to their end, and a log to read.
package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Buffer is a log that several goroutines write and that can be read meanwhile.
// The zero value is empty.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Answer is a response that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Decode reads a JSON body.
func (a Answer) Decode(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.Body), into), a.Body)
}

// Members returns the members of a JSON object.
func (a Answer) Members(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	a.Decode(t, &v)
	return v
}

// NewRequest returns a request with a bearer token, "" for none.
func NewRequest(t *testing.T, method, url, token, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// Send sends a request over a connection of its own, and follows no redirect.
func Send(r *http.Request) (Answer, error) {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r) //nolint:gosec // G704: a test asks where it wants
	if err != nil {
		return Answer{}, err
	}
	body, err := io.ReadAll(res.Body)
	return Answer{res.StatusCode, res.Header, string(body)}, errors.Join(err, res.Body.Close())
}

// Do is Send where nothing may fail.
func Do(t *testing.T, r *http.Request) Answer {
	t.Helper()
	a, err := Send(r)
	require.NoError(t, err)
	return a
}

// Get gets url with a bearer token, "" for none.
func Get(t *testing.T, url, token string) Answer {
	t.Helper()
	return Do(t, NewRequest(t, http.MethodGet, url, token, ""))
}

// Listener listens on a free port of the loopback interface until the test ends.
func Listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// FreeAddr returns an address that was free a moment ago.
func FreeAddr(t *testing.T) string {
	t.Helper()
	l := Listener(t)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// Listens reports whether connections to addr, with or without http://, are
// accepted.
func Listens(addr string) bool {
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", strings.TrimPrefix(addr, "http://"))
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// AssertClosed fails the test if something listens on addr.
func AssertClosed(t *testing.T, addr string) {
	t.Helper()
	assert.False(t, Listens(addr), addr)
}

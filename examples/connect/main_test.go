package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAddressInUseEndsIt(t *testing.T) {
	t.Parallel()
	busy := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(busy.Close)
	for _, row := range []struct{ addr, issuer, mistake string }{
		{busy.Listener.Addr().String(), "https://issuer.example", "-addr"},
		{"127.0.0.1:0", "http://issuer.example", "issuer.example"},
	} {
		var stderr bytes.Buffer
		code := run(t.Context(), []string{"-addr", row.addr, "-issuer", row.issuer, "-audience", audience}, io.Discard, &stderr)
		assert.Equal(t, exitFailed, code, row.addr)
		assert.Contains(t, stderr.String(), row.mistake)
	}
}

// A signal ends it although a stream is open.
func TestAStreamDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	url := started(t, iss) // whose end asserts the exit code, and that nothing is left
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+watchProcedure, strings.NewReader("\x00\x00\x00\x00\x02{}"))
	require.NoError(t, err)
	r.Header = http.Header{"Content-Type": {"application/connect+json"}, "Authorization": {"Bearer " + iss.Token(level("get"))}}
	answer, err := client.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	_, err = io.ReadFull(answer.Body, make([]byte, 5))
	require.NoError(t, err)
}

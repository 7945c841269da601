package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// buffer is a place that the server writes to while the test reads.
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

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args string
		want []issuer
		err  string
	}{
		{"-issuer A -audience x -audience y -issuer B -audience z", []issuer{{"A", []string{"x", "y"}}, {"B", []string{"z"}}}, ""},
		{"-issuer A -issuer B -audience x", []issuer{{"A", []string{"x"}}, {"B", []string{"x"}}}, ""},
		{"-audience x -issuer A -issuer B -audience y", []issuer{{"A", []string{"x", "y"}}, {"B", []string{"x", "y"}}}, ""},
		{"", nil, "no -issuer"},
		{"-issuer A", nil, "-issuer A has no audience"},
		{"-issuer A -audience x more", nil, `unexpected argument "more"`},
		{"-isuer A", nil, "-isuer"},
	} {
		t.Run(row.args, func(t *testing.T) {
			t.Parallel()
			cfg, err := parse(strings.Fields(row.args), io.Discard)
			if row.err != "" {
				require.ErrorContains(t, err, row.err)
				var stderr bytes.Buffer
				assert.Equal(t, exitUsage, run(t.Context(), strings.Fields(row.args), io.Discard, &stderr))
				assert.Contains(t, stderr.String(), row.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, cfg.issuers)
			assert.Equal(t, "127.0.0.1:8091", cfg.addr)
		})
	}
	var help bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &help, io.Discard))
	for _, name := range []string{"-addr", "-issuer", "-audience"} {
		assert.Contains(t, help.String(), name)
	}
}

func TestAnAddressInUseEndsIt(t *testing.T) {
	t.Parallel()
	busy := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(busy.Close)
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-addr", busy.Listener.Addr().String(), "-issuer", "https://issuer.example", "-audience", audience}, io.Discard, &stderr)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr.String(), "-addr")
}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestItServesMeasuresAndAudits(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience(audience))
	var audit, stderr buffer
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-issuer", iss.Issuer(), "-audience", audience}, &audit, &stderr)
	}()
	var url string
	require.Eventually(t, func() bool {
		_, rest, ok := strings.Cut(stderr.String(), "url=")
		url, _, _ = strings.Cut(rest, " ")
		return ok
	}, waitFor, tick)

	good := iss.Token(jwkstest.Claims{"scope": "orders.read", "client_id": "partner-1", "jti": "id-1"})
	for _, call := range []struct {
		token string
		want  int
	}{{good, 200}, {good, 200}, {"", 401}, {iss.Token(), 403}} {
		status, _ := get(t, url+"/orders", call.token)
		assert.Equal(t, call.want, status)
	}
	status, _ := get(t, url+"/readyz", "")
	assert.Equal(t, 200, status)
	status, metrics := get(t, url+"/metrics", "")
	assert.Equal(t, 200, status)
	for _, line := range []string{
		fmt.Sprintf(`sallyport_requests_total{sallyport_issuer=%q,sallyport_outcome="verified"} 2`, iss.Issuer()),
		`sallyport_requests_total{sallyport_outcome="refused",sallyport_reason="no_token"} 1`,
		`sallyport_check_duration_seconds_count{sallyport_outcome="verified",sallyport_seen="true"} 1`,
		`sallyport_cache_lookups_total{sallyport_result="hit"} 1`,
		fmt.Sprintf(`sallyport_jwks_state{sallyport_issuer=%q,sallyport_state="usable"} 1`, iss.Issuer()),
		fmt.Sprintf(`sallyport_jwks_age_seconds{sallyport_issuer=%q} `, iss.Issuer()),
	} {
		assert.Contains(t, metrics, line)
	}
	stop()
	assert.Equal(t, exitOK, <-ended)

	lines := strings.Split(strings.TrimSpace(audit.String()), "\n")
	require.Len(t, lines, 4)
	var first map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &first))
	assert.Equal(t, "partner-1", first["sallyport.client_id"])
	assert.Equal(t, "id-1", first["sallyport.token_id"])
	for _, name := range []string{"@timestamp", "log.level", "message", "event.outcome", "source.ip"} {
		assert.Contains(t, first, name)
	}
}

func TestAMistakeOfTheConfigurationEndsIt(t *testing.T) {
	t.Parallel()
	_, err := newAPI(options{issuers: []issuer{{"http://issuer.example", []string{audience}}}, log: slog.New(slog.DiscardHandler)})
	assert.ErrorContains(t, err, "issuer.example")
}

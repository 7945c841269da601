package adapters_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// message is an answer as it came over the wire, less its Date.
type message struct {
	statusLine string
	header     map[string][]string
	body       string
}

// exchange sends the bytes of one request over a connection of its own.
func exchange(t *testing.T, address, request string) message {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	raw, err := io.ReadAll(conn)
	require.NoError(t, err)
	return parse(t, raw)
}

// parse keeps header names as they were sent, and the lines of one name in order.
func parse(t *testing.T, raw []byte) message {
	t.Helper()
	head, body, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	require.True(t, ok, "no answer: %q", raw)
	lines := strings.Split(string(head), "\r\n")
	m := message{statusLine: lines[0], header: map[string][]string{}, body: string(body)}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		require.True(t, ok, line)
		if name != "Date" {
			m.header[name] = append(m.header[name], value)
		}
	}
	return m
}

func statusLine(code int) string { return fmt.Sprintf("HTTP/1.1 %d %s", code, http.StatusText(code)) }

// auth-param of RFC 9110 section 11.2, where every value is a quoted-string.
func params(t *testing.T, challenge string) map[string]string {
	t.Helper()
	scheme, rest, ok := strings.Cut(challenge, " ")
	require.True(t, ok, "row 8: a challenge has at least one parameter: %q", challenge)
	assert.Equal(t, "Bearer", scheme)
	out := map[string]string{}
	for _, param := range strings.Split(rest, ", ") {
		name, value, ok := strings.Cut(param, "=")
		require.True(t, ok, "%q", challenge)
		assert.NotContains(t, out, name, "row 9: each parameter at most once: %q", challenge)
		require.Regexp(t, `^"[ !#-\[\]-~]*"$`, value, "rows 10 and 13: %q", challenge)
		out[name] = strings.Trim(value, `"`)
	}
	return out
}

// obeysRFC6750 is what holds for every answer, whatever the row.
func obeysRFC6750(t *testing.T, m message) {
	t.Helper()
	challenges := m.header["Www-Authenticate"]
	var code int
	_, err := fmt.Sscanf(m.statusLine, "HTTP/1.1 %d ", &code)
	require.NoError(t, err)
	if code < 400 {
		assert.Empty(t, challenges)
		assert.Equal(t, []string{"reached"}, m.header["X-Handler"])
		return
	}
	assert.Empty(t, m.header["X-Handler"], "a refused request came to the handler")
	assert.NotContains(t, m.body, "hello")
	assert.Equal(t, []string{"no-store"}, m.header["Cache-Control"])
	if code == 503 {
		assert.Empty(t, challenges, "nobody can say that the token is bad")
		assert.NotEmpty(t, m.header["Retry-After"])
		return
	}
	require.Len(t, challenges, 1, "row 7: a refusal has a challenge")
	p := params(t, challenges[0])
	assert.Equal(t, "orders", p["realm"])
	assert.Contains(t, map[int][]string{400: {"invalid_request"}, 401: {"", "invalid_token"}, 403: {"insufficient_scope"}}[code], p["error"])
}

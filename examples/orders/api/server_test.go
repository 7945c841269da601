package api_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	slowBegin = `{"item":"slow `
	slowEnd   = `tea"}`
)

// slowRequest is one that the API is reading: its body stops after slowBegin.
// It goes over a bare connection, for a transport of net/http would wait for
// the body's end.
func (w *world) slowRequest(token string) (net.Conn, *bufio.Reader) {
	w.t.Helper()
	c, err := net.Dial("tcp", w.Addr())
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = c.Close() })
	require.NoError(w.t, c.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: orders\r\nAuthorization: Bearer %s\r\n"+
		"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", token, len(slowBegin+slowEnd))
	require.NoError(w.t, err)
	answers := bufio.NewReader(c)
	wanted, err := http.ReadResponse(answers, nil) // comes when the handler reads
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusContinue, wanted.StatusCode)
	require.NoError(w.t, wanted.Body.Close())
	_, err = c.Write([]byte(slowBegin))
	require.NoError(w.t, err)
	return c, answers
}

func TestCloseFinishesRequestsUnderWay(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "get post"})
	w := start(t, trusting(issuer))
	require.Equal(t, http.StatusOK, w.get("/orders", issuer.Token()).status)
	c, answers := w.slowRequest(issuer.Token())
	closed := make(chan error, 1)
	go func() { closed <- w.Close() }()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", w.Addr())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 3*time.Second, 10*time.Millisecond, "no new connections")

	_, err := c.Write([]byte(slowEnd))
	require.NoError(t, err)
	res, err := http.ReadResponse(answers, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, res.StatusCode)
	require.NoError(t, res.Body.Close())
	assert.NoError(t, <-closed)
}

func TestCloseCutsOffWhoTakesTooLong(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "get post"})
	w := start(t, trusting(issuer))
	_, answers := w.slowRequest(issuer.Token())
	begun := time.Now()
	assert.ErrorContains(t, w.Close(), "cut off")
	assert.Less(t, time.Since(begun), 5*time.Second)
	_, err := http.ReadResponse(answers, nil)
	assert.Error(t, err)
}

func TestAServerThatServesNoMoreSaysSo(t *testing.T) {
	t.Parallel()
	l, err := api.Listen(t.Context(), "-addr", "127.0.0.1:0")
	require.NoError(t, err)
	cfg := trusting(newIssuer(t))
	cfg.Framework = "nethttp"
	s, err := api.Start(l, cfg)
	require.NoError(t, err)
	select {
	case <-s.Failed():
		assert.Fail(t, "it serves")
	default:
	}
	require.NoError(t, l.Close()) // behind its back
	select {
	case <-s.Failed():
	case <-time.After(20 * time.Second):
		assert.Fail(t, "nobody is told")
	}
	assert.NoError(t, s.Close())
}

func TestMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	l, err := api.Listen(t.Context(), "-addr", "127.0.0.1:0")
	require.NoError(t, err)
	_, err = api.Start(l, api.Config{
		Framework:   "rails",
		Issuers:     []api.Issuer{{Name: "http://issuer.example", Audiences: []string{"two words"}}},
		JWKSRefresh: time.Millisecond,
		Leeway:      time.Hour,
	})
	for _, want := range []string{`framework "rails"`, "nethttp", "http://issuer.example", "two words", "1ms", "Leeway 1h0m0s"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = net.Dial("tcp", l.Addr().String())
	assert.Error(t, err, "the listener was taken over, and closed")
}

func TestAnAddressThatCannotBeListenedOnNamesTheFlag(t *testing.T) {
	t.Parallel()
	l, err := api.Listen(t.Context(), "-addr", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	addr := l.Addr().String()
	_, err = api.Listen(t.Context(), "-addr", addr)
	assert.EqualError(t, err, addr+" is in use: stop the other program or choose another with -addr")
	_, err = api.Listen(t.Context(), "-addr", "8080")
	assert.ErrorContains(t, err, `-addr "8080" must be host:port`)
	_, err = api.Listen(t.Context(), "-addr", "192.0.2.1:80") // documentation only (RFC 5737): no address of this machine
	assert.ErrorContains(t, err, "choose another with -addr")
	assert.NotContains(t, err.Error(), "in use")
}

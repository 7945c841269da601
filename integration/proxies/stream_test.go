package proxies_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/websocket"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestEventsArriveAtOnceBehindEachProxy(t *testing.T) {
	t.Parallel()
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, f := newGateway(t, middleware.Config{}), newFeed()
			api := orders(g)
			api.Handle("GET /events", g.Require(claims.AllScopes("orders.read"))(f))
			s := start(t, name, site, map[string]string{application: serve(t, api)})
			eachVersion(t, s, func(t *testing.T, client *http.Client) {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/events", http.NoBody)
				require.NoError(t, err)
				request.Header.Set("Authorization", "Bearer "+g.token("orders.read"))
				answer, err := client.Do(request)
				require.NoError(t, err)
				line, err := bufio.NewReader(answer.Body).ReadString('\n') // the feed waits, so nothing follows that would push it out
				require.NoError(t, err)
				assert.Equal(t, "data: first\n", line)
				assert.Equal(t, "private", answer.Header.Get("Cache-Control"))

				require.NoError(t, answer.Body.Close())
				silent := name == "apache" || name == "haproxy" && answer.ProtoMajor == 1
				assert.True(t, f.gone(silent), "the API is told that the caller went")
			})
		})
	}
}

func TestAStreamEndsWithItsTokenBehindEachProxy(t *testing.T) {
	t.Parallel()
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, f := newGateway(t, middleware.Config{EndAtExpiry: true}), newFeed()
			api := orders(g)
			api.Handle("GET /events", g.Require(claims.AllScopes("orders.read"))(f))
			s := start(t, name, site, map[string]string{application: serve(t, api)})
			soon := time.Now().Add(2*time.Second - 30*time.Second).Unix() // the leeway adds 30 seconds
			token := g.issuer.Token(jwkstest.Claims{"scope": "orders.read", "exp": soon})
			a := do(t, s.client(t, 2), call{path: "/events", tokens: []string{token}})
			assert.Equal(t, http.StatusOK, a.StatusCode)
			assert.Equal(t, "data: first\n\n", a.body, "it ended in good order")
		})
	}
}

// feed is a handler that sends one event at once, and then one for each beat.
type feed struct{ beats, ended chan struct{} }

func newFeed() feed { return feed{beats: make(chan struct{}), ended: make(chan struct{}, 16)} }

func (f feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() { f.ended <- struct{}{} }()
	w.Header().Set("Content-Type", "text/event-stream")
	for event := "data: first\n\n"; ; event = ": beat\n\n" {
		_, err := io.WriteString(w, event)
		if errors.Join(err, http.NewResponseController(w).Flush()) != nil {
			return
		}
		select {
		case <-f.beats:
		case <-r.Context().Done():
			return
		}
	}
}

// gone reports whether a call to the feed ends. Behind Apache, and behind HAProxy
// with HTTP/1.1, that takes events: they find out when they cannot send one.
func (f feed) gone(send bool) bool {
	beats := f.beats
	if !send {
		beats = nil
	}
	late := time.After(10 * time.Second)
	for {
		select {
		case <-f.ended:
			return true
		case beats <- struct{}{}:
		case <-late:
			return false
		}
	}
}

func TestAWebSocketPassesEachProxy(t *testing.T) {
	t.Parallel()
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, middleware.Config{})
			s := start(t, name, site, map[string]string{application: serve(t, orders(g))})

			_, err := s.dial(t, "")
			require.ErrorContains(t, err, "bad status")

			ws, err := s.dial(t, g.token("orders.read"))
			require.NoError(t, err)
			for _, text := range []string{"first", "second"} {
				require.NoError(t, websocket.Message.Send(ws, text))
				var echo string
				require.NoError(t, websocket.Message.Receive(ws, &echo))
				assert.Equal(t, text, echo)
			}
			assert.NoError(t, ws.Close())
		})
	}
}

// dial opens a WebSocket through the proxy.
func (s *server) dial(t *testing.T, token string) (*websocket.Conn, error) {
	t.Helper()
	cfg, err := websocket.NewConfig("wss://"+host+"/socket", "https://"+host)
	require.NoError(t, err)
	if token != "" {
		cfg.Header.Set("Authorization", "Bearer "+token)
	}
	conn, err := (&tls.Dialer{Config: s.tls()}).DialContext(t.Context(), "tcp", s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return websocket.NewClient(cfg, conn)
}

package guide_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

var feed = make(chan string, 1)

func events(w http.ResponseWriter, r *http.Request) { // server-sent events
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		select {
		case <-r.Context().Done():
			if errors.Is(context.Cause(r.Context()), middleware.ErrTokenExpired) {
				fmt.Fprint(w, "event: expired\ndata: get a new token\n\n")
			}
			return
		case e := <-feed:
			fmt.Fprintf(w, "data: %s\n\n", e)
			http.NewResponseController(w).Flush()
		}
	}
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), iss.Audience())}}
	cfg.Verifier.Leeway = -1
	cfg.Guard.EndAtExpiry = true
	gate := closed(t)(sallyport.Open(cfg))
	server := httptest.NewServer(gate.Authenticate(http.HandlerFunc(events)))
	t.Cleanup(server.Close)

	feed <- "an order"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+iss.Token(jwkstest.Claims{"exp": time.Now().Add(2 * time.Second)}))
	res, err := server.Client().Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, "data: an order\n\nevent: expired\ndata: get a new token\n\n", string(body))
}

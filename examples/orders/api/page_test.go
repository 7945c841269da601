package api_test

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// anywhere is a listener that says it is reached from elsewhere.
type anywhere struct{ net.Listener }

func (anywhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8080} }

func TestThePageHandsOutTokensToThisMachineAlone(t *testing.T) {
	t.Parallel()
	auth := testkit.Auth(t, devauth.Config{})
	for name, row := range map[string]struct {
		listener func(net.Listener) net.Listener
		page     int
	}{
		"on loopback":     {func(l net.Listener) net.Listener { return l }, http.StatusOK},
		"on every device": {func(l net.Listener) net.Listener { return anywhere{l} }, http.StatusNotFound},
	} {
		var log testkit.Buffer
		l := testkit.Listener(t)
		s, err := api.Serve(row.listener(l), api.Config{Framework: "nethttp", Auth: auth, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
		require.NoError(t, err)
		url := "http://" + l.Addr().String()
		assert.Equal(t, row.page, testkit.Get(t, url+"/", "").Status, name)
		assert.Equal(t, row.page, testkit.Get(t, url+"/try/clients", "").Status, name)
		assert.Equal(t, http.StatusOK, testkit.Get(t, url+"/healthz", "").Status, "the API is there all the same")
		assert.Equal(t, row.page != http.StatusOK, strings.Contains(log.String(), "no page at /"), name)
		require.NoError(t, s.Close())
	}
}

func TestThePageExplainsACallByWhatItRequires(t *testing.T) {
	t.Parallel()
	auth := testkit.Auth(t, devauth.Config{})
	s, err := api.Serve(testkit.Listener(t), api.Config{Framework: "nethttp", Auth: auth})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	token, err := auth.Mint(devauth.Messaging, devauth.GetOnly, "")
	require.NoError(t, err)
	for call, want := range map[[2]string]string{
		{http.MethodGet, "/orders"}:      `"ok":true`,
		{http.MethodDelete, "/orders/1"}: `lacks the access level \"delete\"`,
		{http.MethodGet, "/whoami"}:      `"ok":true`,
	} {
		body := `{"token":"` + token + `","method":"` + call[0] + `","path":"` + call[1] + `"}`
		a := testkit.Do(t, testkit.NewRequest(t, http.MethodPost, s.URL()+"/try/explain", "", body))
		assert.Contains(t, a.Body, want, call)
	}
}

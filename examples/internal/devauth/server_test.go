package devauth_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "169.254.0.1:0"} {
		_, err := devauth.Start(addr, devauth.Config{})
		require.ErrorIs(t, err, devauth.ErrNotLoopback, addr)
	}
	for _, addr := range []string{"127.0.0.1:0", "127.0.0.9:0", "localhost:0"} {
		s, err := devauth.Start(addr, devauth.Config{})
		require.NoError(t, err, addr)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close(), "a second time")
		assert.False(t, testkit.Listens(s.URL()))
	}
	_, err := devauth.Start("127.0.0.1", devauth.Config{})
	require.ErrorContains(t, err, "host:port")
	taken := strings.TrimPrefix(start(t).base, "http://")
	_, err = devauth.Start(taken, devauth.Config{})
	require.ErrorContains(t, err, taken)
	require.ErrorContains(t, err, "choose another address")
}

func TestForeignHostsAndPagesAreRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	for host, want := range map[string]int{
		"rebound.example": 421, "rebound.example:9000": 421, "192.0.2.1": 421,
		"localhost": 200, "LOCALHOST:9000": 200, "[::1]:9000": 200, "[::1]": 200, "127.0.0.1": 200,
	} {
		r := testkit.NewRequest(t, http.MethodGet, h.base+"/dev", "", "")
		r.Host = host
		assert.Equal(t, want, testkit.Do(t, r).Status, host)
	}
	r := testkit.NewRequest(t, http.MethodPost, h.base+"/dev/okq8/rotate", "", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	a := testkit.Do(t, r)
	assert.Equal(t, http.StatusForbidden, a.Status)
	assert.Equal(t, "forbidden", a.Members(t)["error"])
	assert.Len(t, h.kids(devauth.OKQ8), 1)
}

func TestUnknownPathsAndOtherMethodsAreRefusedInJSON(t *testing.T) {
	t.Parallel()
	h := start(t)
	refused := func(a answer, status int, code, allow string) {
		t.Helper()
		assert.Equal(t, status, a.Status)
		assert.Contains(t, a.Members(t)["error"], code)
		assert.Equal(t, allow, a.Header.Get("Allow"))
		assert.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
	}
	for _, path := range []string{"/", "/token", "/oauth", "/keycloak/.well-known/openid-configuration", "/bokbasen/", "/.well-known/openid-configuration"} {
		refused(h.get(h.base+path), http.StatusNotFound, "not_found", "")
	}
	for _, i := range h.Issuers() {
		refused(h.post(i.JWKSURL, "", ""), http.StatusMethodNotAllowed, "method_not_allowed", "GET, HEAD")
		refused(h.get(i.TokenURL), http.StatusMethodNotAllowed, "invalid_request", "POST")
		for _, path := range []string{"/dev/outage", "/dev/" + string(i.Scheme) + "/rotate"} {
			refused(h.get(h.base+path), http.StatusMethodNotAllowed, "method_not_allowed", "POST")
		}
	}
}

func TestTheIndexListsEverythingButSecrets(t *testing.T) {
	t.Parallel()
	h := start(t)
	var index struct {
		Issuers []struct {
			Issuer string
			Keys   struct{ Signing string }
		}
		Clients []devauth.Client
	}
	a := h.get(h.base + "/dev")
	a.Decode(t, &index)
	require.Len(t, index.Issuers, 3)
	assert.Equal(t, index.Issuers[0].Keys.Signing, h.kids(devauth.OKQ8)[0])
	for n, c := range h.Clients() {
		assert.NotContains(t, a.Body, c.Secret)
		c.Secret = ""
		assert.Equal(t, c, index.Clients[n])
	}
}

func TestNoSecretOrTokenIsLoggedOrPrinted(t *testing.T) {
	t.Parallel()
	h := start(t)
	okq8 := h.granted(devauth.OKQ8, h.okq8(devauth.AllLevels), nil)
	bokbasen := h.bokbasenOK(devauth.AllLevels, 86400)
	c := h.client(devauth.Messaging, devauth.AllLevels)
	messaging := h.granted(devauth.Messaging, h.messaging(c.ID+":"+c.Secret, typeForm, messagingBody), nil)
	h.okq8(devauth.AllLevels, "client_secret", "guessed-secret", "scope", "guessed-scope")
	h.bokbasen(h.bokbasenForm(devauth.AllLevels, "audience", "guessed-audience"))

	printed := h.log.String() + fmt.Sprintf("%v %+v %#v %s", h.Server, h.Server, h.Server, h.Server)
	require.Contains(t, printed, "token granted")
	require.Contains(t, printed, "token refused")
	hidden := []string{okq8.raw, bokbasen.raw, messaging.raw, "guessed"}
	for _, c := range h.Clients() {
		hidden = append(hidden, c.Secret)
	}
	for _, text := range hidden {
		assert.NotContains(t, printed, text)
	}
}

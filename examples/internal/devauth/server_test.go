package devauth_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "169.254.0.1:0"} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			_, err := devauth.Start(addr, devauth.Config{})
			require.ErrorIs(t, err, devauth.ErrNotLoopback)
		})
	}
	for _, addr := range []string{"127.0.0.1:0", "127.0.0.9:0", "localhost:0"} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			s, err := devauth.Start(addr, devauth.Config{})
			require.NoError(t, err)
			require.NoError(t, s.Close())
		})
	}
	_, err := devauth.Start("127.0.0.1", devauth.Config{})
	require.ErrorContains(t, err, "host:port")
}

func TestAPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	addr := strings.TrimPrefix(start(t).base, "http://")
	_, err := devauth.Start(addr, devauth.Config{})
	require.ErrorContains(t, err, addr)
	require.ErrorContains(t, err, "choose another address")
}

func TestClose(t *testing.T) {
	t.Parallel()
	s, err := devauth.Start("127.0.0.1:0", devauth.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "a second time")
	_, err = net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	require.Error(t, err)
}

func TestForeignHostsAndPagesAreRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	for host, want := range map[string]int{
		"rebound.example": 421, "rebound.example:9000": 421, "192.0.2.1": 421,
		"localhost": 200, "LOCALHOST:9000": 200, "[::1]:9000": 200, "[::1]": 200, "127.0.0.1": 200,
	} {
		r := h.request(http.MethodGet, h.base+"/dev", "", "")
		r.Host = host
		assert.Equal(t, want, h.do(r).Status, host)
	}
	r := h.request(http.MethodPost, h.base+"/dev/okq8/rotate", "", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	a := h.do(r)
	assert.Equal(t, http.StatusForbidden, a.Status)
	assert.Equal(t, "forbidden", a.Members(t)["error"])
	assert.Len(t, h.kids(devauth.OKQ8), 1)
}

func TestUnknownPathsAreNotFoundInJSON(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, path := range []string{"/", "/token", "/oauth", "/keycloak/.well-known/openid-configuration", "/bokbasen/", "/.well-known/openid-configuration"} {
		a := h.get(h.base + path)
		assert.Equal(t, http.StatusNotFound, a.Status, path)
		assert.Equal(t, "not_found", a.Members(t)["error"])
		assert.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
	}
}

func TestTheIndexListsEverythingButSecrets(t *testing.T) {
	t.Parallel()
	h := start(t)
	var index struct {
		Issuers []struct {
			Issuer string
			Keys   devauth.KeyState
		}
		Clients []devauth.Client
	}
	a := h.get(h.base + "/dev")
	a.Decode(t, &index)
	require.Len(t, index.Issuers, 3)
	assert.Equal(t, index.Issuers[0].Keys.Signing, h.kids(devauth.OKQ8)[0])
	assert.Equal(t, h.Clients(), index.Clients)
	for _, secret := range h.secrets() {
		assert.NotContains(t, a.Body, secret)
	}
}

func (h *harness) secrets() []string {
	h.t.Helper()
	var all []string
	for _, c := range h.Clients() {
		secret, err := h.Secret(c.Scheme, c.ID)
		require.NoError(h.t, err)
		all = append(all, secret)
	}
	return all
}

func TestTheClientTable(t *testing.T) {
	t.Parallel()
	h := start(t)
	seen := map[string]bool{}
	for _, scheme := range schemes {
		for name, levels := range map[string][]string{
			devauth.AllLevels: {"get", "post", "put", "delete"},
			devauth.GetOnly:   {"get"},
			devauth.NoLevel:   {},
		} {
			c, err := h.Client(scheme, name)
			require.NoError(t, err)
			assert.Equal(t, levels, c.Levels)
			assert.NotEmpty(t, c.Audiences)
			assert.NotContains(t, c.ID, ":", "a colon ends the id in HTTP Basic")
			assert.False(t, seen[c.ID])
			seen[c.ID] = true
		}
	}
	_, err := h.Client(devauth.OKQ8, "admin")
	require.Error(t, err)
	_, err = h.Secret(devauth.OKQ8, "nobody")
	require.Error(t, err)
}

func TestSecretsAreFreshAtEachStart(t *testing.T) {
	t.Parallel()
	one, other := start(t), start(t)
	seen := map[string]bool{}
	for _, secret := range append(one.secrets(), other.secrets()...) {
		assert.False(t, seen[secret])
		assert.GreaterOrEqual(t, len(secret), 43, "256 bits")
		seen[secret] = true
	}
}

func TestWhatIsHandedOutIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.Issuers()[0].Audiences[0] = "changed"
	h.Clients()[0].Levels[0] = "changed"
	assert.Equal(t, okq8Resource, h.Issuers()[0].Audiences[0])
	assert.Equal(t, "get", h.Clients()[0].Levels[0])
}

func TestNoSecretOrTokenIsLoggedOrPrinted(t *testing.T) {
	t.Parallel()
	h := start(t)
	form := h.okq8Form(devauth.AllLevels)
	okq8 := h.postForm(h.issuer(devauth.OKQ8).TokenURL, form)
	require.Equal(t, http.StatusOK, okq8.Status)
	token, _ := h.bokbasenOK(h.bokbasenForm(devauth.AllLevels))
	id, secret := h.credentials(devauth.Messaging, devauth.AllLevels)
	require.Equal(t, http.StatusOK, h.messaging(id+":"+secret, messagingBody).Status)
	h.postForm(h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(devauth.AllLevels, "client_secret", "guessed-secret", "scope", "guessed-scope"))
	h.bokbasen(h.bokbasenForm(devauth.AllLevels, "audience", "guessed-audience"))

	printed := h.log.String() + fmt.Sprintf("%v %+v %#v %s", h.Server, h.Server, h.Server, h.Server)
	require.Contains(t, printed, "token granted")
	require.Contains(t, printed, "token refused")
	for _, hidden := range append(h.secrets(), token, okq8.Members(t)["access_token"].(string), "guessed") {
		assert.NotContains(t, printed, hidden)
	}
}

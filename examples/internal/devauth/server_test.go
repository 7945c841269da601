package devauth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachIssuerPublishesItsMetadataInBothPlaces(t *testing.T) {
	t.Parallel()
	h := start(t)
	want := map[devauth.Scheme][3]string{ // issuer, OpenID Connect Discovery, RFC 8414
		devauth.OKQ8:      {"/" + devauth.Tenant + "/", "/" + devauth.Tenant + "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/" + devauth.Tenant},
		devauth.Messaging: {"/messaging", "/messaging/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/messaging"},
		devauth.Bokbasen:  {"/bokbasen/", "/bokbasen/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/bokbasen"},
	}
	require.Len(t, h.Issuers(), 3)
	for _, i := range h.Issuers() {
		t.Run(string(i.Scheme), func(t *testing.T) {
			t.Parallel()
			paths := want[i.Scheme]
			assert.Equal(t, h.base+paths[0], i.Issuer)
			for _, path := range paths[1:] {
				a := h.get(h.base + path)
				require.Equal(t, http.StatusOK, a.status)
				assert.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
				document := a.decode(t)
				assert.Equal(t, i.Issuer, document["issuer"])
				assert.Equal(t, i.TokenURL, document["token_endpoint"])
				assert.Equal(t, i.JWKSURL, document["jwks_uri"])
				assert.Equal(t, []any{i.Algorithm}, document["id_token_signing_alg_values_supported"])
			}
			assert.Equal(t, http.StatusMethodNotAllowed, h.postForm(i.JWKSURL, nil).status)
		})
	}
}

func TestKeysHaveAnEntityTag(t *testing.T) {
	t.Parallel()
	h := start(t)
	address := h.issuer(devauth.Messaging).JWKSURL
	first := h.get(address)
	assert.Equal(t, "public, max-age=300", first.header.Get("Cache-Control"))
	again := h.request(http.MethodGet, address, "", "")
	again.Header.Set("If-None-Match", first.header.Get("ETag"))
	a := h.do(again)
	assert.Equal(t, http.StatusNotModified, a.status)
	assert.Empty(t, a.body)

	_, err := h.Rotate(devauth.Messaging, devauth.StepPublish)
	require.NoError(t, err)
	after := h.request(http.MethodGet, address, "", "")
	after.Header.Set("If-None-Match", first.header.Get("ETag"))
	assert.Equal(t, http.StatusOK, h.do(after).status)
}

func TestKeysNameTheirAlgorithmExceptEntras(t *testing.T) {
	t.Parallel()
	h := start(t)
	for scheme, alg := range map[devauth.Scheme]any{devauth.OKQ8: nil, devauth.Messaging: "ES256", devauth.Bokbasen: "RS256"} {
		k := h.keys(scheme)[0]
		assert.Equal(t, alg, k["alg"], scheme)
		assert.Equal(t, "sig", k["use"], scheme)
	}
}

func TestKeysHoldNothingPrivate(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, scheme := range schemes {
		for _, k := range h.keys(scheme) {
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
				assert.NotContains(t, k, private)
			}
		}
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	h := start(t)
	post := func(path string) answer { return h.do(h.request(http.MethodPost, h.base+path, "", "")) }
	statuses := func(scheme devauth.Scheme) []int {
		i := h.issuer(scheme)
		return []int{h.get(i.DiscoveryURL).status, h.get(i.MetadataURL).status, h.get(i.JWKSURL).status}
	}
	up, down := []int{200, 200, 200}, []int{503, 503, 503}

	require.Equal(t, http.StatusOK, post("/dev/outage?state=on").status)
	for _, scheme := range schemes {
		assert.Equal(t, down, statuses(scheme))
	}
	a := h.postForm(h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(devauth.AllLevels))
	assert.Equal(t, http.StatusOK, a.status, "tokens are handed out all the same")

	require.Equal(t, http.StatusOK, post("/dev/messaging/outage?state=off").status)
	assert.Equal(t, up, statuses(devauth.Messaging))
	assert.Equal(t, down, statuses(devauth.OKQ8))

	require.NoError(t, h.SetOutage(false))
	assert.Equal(t, up, statuses(devauth.OKQ8))
	require.NoError(t, h.SetOutage(true, devauth.Bokbasen))
	assert.Equal(t, down, statuses(devauth.Bokbasen))
	assert.Equal(t, up, statuses(devauth.OKQ8))

	assert.Equal(t, http.StatusBadRequest, post("/dev/outage").status)
	assert.Equal(t, http.StatusNotFound, post("/dev/keycloak/outage?state=on").status)
	require.Error(t, h.SetOutage(true, "keycloak"))
}

func TestMintedTokensAreSoundButForTheirFlaw(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, scheme := range schemes {
		t.Run(string(scheme), func(t *testing.T) {
			t.Parallel()
			audience := h.issuer(scheme).Audiences[0]
			seconds := float64(h.clock().Unix())

			sound := h.verified(scheme, h.token(scheme, devauth.Sound))
			assert.Equal(t, audience, sound.claims["aud"])
			assert.Greater(t, sound.claims["exp"], seconds)

			expired := h.verified(scheme, h.token(scheme, devauth.Expired))
			assert.Equal(t, audience, expired.claims["aud"])
			assert.InDelta(t, seconds-3600, expired.claims["exp"], 0)
			assert.Less(t, expired.claims["iat"], expired.claims["exp"])

			other := h.verified(scheme, h.token(scheme, devauth.OtherAudience))
			assert.NotContains(t, h.issuer(scheme).Audiences, other.claims["aud"])
			assert.Greater(t, other.claims["exp"], seconds)

			for _, c := range h.Clients() {
				if c.Scheme != scheme {
					continue
				}
				raw, err := h.Mint(scheme, c.ID, devauth.Tampered)
				require.NoError(t, err)
				tampered, ok := h.verify(scheme, raw)
				assert.False(t, ok, "the signature must not fit: %s", c.Name)
				assert.Contains(t, h.kids(scheme), tampered.header["kid"], "the key is a known one")
				assert.Equal(t, audience, tampered.claims["aud"])
				assert.Greater(t, tampered.claims["exp"], seconds)
			}
		})
	}
	_, err := h.Mint(devauth.OKQ8, "nobody", devauth.Sound)
	require.Error(t, err)
	_, err = h.Mint("keycloak", "nobody", devauth.Sound)
	require.Error(t, err)
	c, err := h.Client(devauth.OKQ8, devauth.NoLevel)
	require.NoError(t, err)
	_, err = h.Mint(devauth.OKQ8, c.ID, "rusty")
	require.ErrorContains(t, err, "rusty")
}

func TestListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "169.254.0.1:0"} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			_, err := devauth.Listen(addr)
			require.ErrorIs(t, err, devauth.ErrNotLoopback)
			_, err = devauth.Start(addr, devauth.Config{})
			require.ErrorIs(t, err, devauth.ErrNotLoopback)
		})
	}
	for _, addr := range []string{"127.0.0.1:0", "127.0.0.9:0", "localhost:0"} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			l, err := devauth.Listen(addr)
			require.NoError(t, err)
			require.NoError(t, l.Close())
		})
	}
	_, err := devauth.Listen("127.0.0.1")
	require.ErrorContains(t, err, "host:port")
}

// everywhere claims to listen on all interfaces, and opens nothing.
type everywhere struct{ closed bool }

func (*everywhere) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (e *everywhere) Close() error            { e.closed = true; return nil }
func (*everywhere) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4zero, Port: 9000} }

func TestServeRefusesAListenerForEverybody(t *testing.T) {
	t.Parallel()
	s, err := devauth.New(devauth.WithReusedKeys(devauth.Config{}))
	require.NoError(t, err)
	l := &everywhere{}
	require.ErrorIs(t, s.Serve(l), devauth.ErrNotLoopback)
	assert.True(t, l.closed)
}

func TestAPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	l, err := devauth.Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	_, err = devauth.Start(l.Addr().String(), devauth.Config{})
	require.ErrorContains(t, err, l.Addr().String())
	require.ErrorContains(t, err, "choose another address")
}

func TestConfigMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := devauth.New(devauth.Config{BaseURL: "https://192.0.2.1:9000/"})
	require.ErrorContains(t, err, "must start with http://")
	require.ErrorContains(t, err, "must name a loopback address")
	require.ErrorContains(t, err, "without a slash at the end")
	_, err = devauth.New(devauth.Config{BaseURL: "http://127.0.0.1:port"})
	require.ErrorContains(t, err, "BaseURL")
	_, err = devauth.Start("127.0.0.1:0", devauth.Config{BaseURL: "http://example.com"})
	require.ErrorContains(t, err, "must name a loopback address")
}

func TestClose(t *testing.T) {
	t.Parallel()
	s, err := devauth.Start("127.0.0.1:0", devauth.WithReusedKeys(devauth.Config{}))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "a second time")
	_, err = net.Dial("tcp", strings.TrimPrefix(s.Issuers()[1].Issuer, "http://"))
	require.Error(t, err)
	l, err := devauth.Listen("127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorIs(t, s.Serve(l), http.ErrServerClosed)
}

func TestANewServerListensLater(t *testing.T) {
	t.Parallel()
	l, err := devauth.Listen("127.0.0.1:0")
	require.NoError(t, err)
	s, err := devauth.New(devauth.WithReusedKeys(devauth.Config{BaseURL: "http://" + l.Addr().String()}))
	require.NoError(t, err)
	require.NoError(t, s.Serve(l))
	defer func() { require.NoError(t, s.Close()) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(s.Issuers()[0].DiscoveryURL)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, http.StatusOK, res.StatusCode)
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
		assert.Equal(t, want, h.do(r).status, host)
	}
	r := h.request(http.MethodPost, h.base+"/dev/okq8/rotate", "", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	a := h.do(r)
	assert.Equal(t, http.StatusForbidden, a.status)
	assert.Equal(t, "forbidden", a.decode(t)["error"])
	assert.Len(t, h.kids(devauth.OKQ8), 1)
}

func TestUnknownPathsAreNotFoundInJSON(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, path := range []string{"/", "/token", "/oauth", "/keycloak/.well-known/openid-configuration", "/bokbasen/", "/.well-known/openid-configuration"} {
		a := h.get(h.base + path)
		assert.Equal(t, http.StatusNotFound, a.status, path)
		assert.Equal(t, "not_found", a.decode(t)["error"])
		assert.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
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
	require.NoError(t, json.Unmarshal(a.body, &index))
	require.Len(t, index.Issuers, 3)
	assert.Equal(t, index.Issuers[0].Keys.Signing, h.kids(devauth.OKQ8)[0])
	assert.Equal(t, h.Clients(), index.Clients)
	for _, secret := range h.secrets() {
		assert.NotContains(t, string(a.body), secret)
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
	require.Equal(t, http.StatusOK, okq8.status)
	token, _ := h.bokbasenOK(h.bokbasenForm(devauth.AllLevels))
	id, secret := h.credentials(devauth.Messaging, devauth.AllLevels)
	require.Equal(t, http.StatusOK, h.messaging(id+":"+secret, messagingBody).status)
	h.postForm(h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(devauth.AllLevels, "client_secret", "guessed-secret", "scope", "guessed-scope"))
	h.bokbasen(h.bokbasenForm(devauth.AllLevels, "audience", "guessed-audience"))

	printed := h.log.String() + fmt.Sprintf("%v %+v %#v %s", h.Server, h.Server, h.Server, h.Server)
	require.Contains(t, printed, "token granted")
	require.Contains(t, printed, "token refused")
	for _, hidden := range append(h.secrets(), token, okq8.decode(t)["access_token"].(string), "guessed") {
		assert.NotContains(t, printed, hidden)
	}
}

func TestCurlLines(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, secret := h.credentials(devauth.OKQ8, devauth.AllLevels)
	line, err := h.CurlToken(devauth.OKQ8, id, "")
	require.NoError(t, err)
	assert.Equal(t, "curl -s -X POST '"+h.base+"/"+devauth.Tenant+"/oauth2/v2.0/token' -d 'grant_type=client_credentials' -d 'client_id="+id+
		"' --data-urlencode 'client_secret="+secret+"' --data-urlencode 'scope=api://apim-x-api/.default'", line)

	id, secret = h.credentials(devauth.Messaging, devauth.GetOnly)
	line, err = h.CurlToken(devauth.Messaging, id, "")
	require.NoError(t, err)
	assert.Equal(t, "curl -s -X POST '"+h.base+"/oauth/v2/token' -u 'leser-50%-blåbær:"+secret+"' -d 'grant_type=client_credentials'", line)

	id, secret = h.credentials(devauth.Bokbasen, devauth.GetOnly)
	line, err = h.CurlToken(devauth.Bokbasen, id, "https://api.dev.bokbasen.io/order/")
	require.NoError(t, err)
	assert.Equal(t, "curl -s -X POST '"+h.base+"/oauth/token' -H 'Content-Type: application/json' -d '{\"audience\":\"https://api.dev.bokbasen.io/order/\",\"client_id\":\""+id+
		"\",\"client_secret\":\""+secret+"\",\"grant_type\":\"client_credentials\"}'", line)

	_, err = h.CurlToken(devauth.Bokbasen, id, "https://elsewhere.example/")
	require.Error(t, err)
	_, err = h.CurlToken(devauth.Bokbasen, "nobody", "")
	require.Error(t, err)
	_, err = h.CurlToken("keycloak", "nobody", "")
	require.Error(t, err)
}

func TestWorksAsAHandlerWithoutASocket(t *testing.T) {
	t.Parallel()
	s, err := devauth.New(devauth.WithReusedKeys(devauth.Config{}))
	require.NoError(t, err)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, s.Issuers()[0].JWKSURL, nil))
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, string(body), `"keys"`)
	assert.Equal(t, "http://127.0.0.1:9000/messaging", s.Issuers()[1].Issuer)
}

package devauth_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rotate takes one step and returns the answer's status.
func (h *harness) rotate(scheme devauth.Scheme, step string) int {
	h.t.Helper()
	return h.post(h.base+"/dev/"+string(scheme)+"/rotate?step="+step, "", "").Status
}

func TestRotationStepByStep(t *testing.T) {
	t.Parallel()
	for _, scheme := range devauth.Schemes {
		t.Run(string(scheme), func(t *testing.T) {
			t.Parallel()
			h := start(t)
			old := h.verified(scheme, h.mint(scheme, devauth.Sound))
			oldKid := old.header["kid"].(string)
			require.Equal(t, []string{oldKid}, h.kids(scheme))

			require.Equal(t, http.StatusOK, h.rotate(scheme, "publish"))
			kids := h.kids(scheme)
			require.Len(t, kids, 2, "the next key is published")
			newKid := kids[1]
			require.NotEqual(t, oldKid, newKid)
			assert.Equal(t, oldKid, h.verified(scheme, h.mint(scheme, devauth.Sound)).header["kid"], "it does not sign yet")
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, "publish"))

			a := h.post(h.base+"/dev/"+string(scheme)+"/rotate?step=sign", "", "")
			require.Equal(t, http.StatusOK, a.Status)
			assert.Equal(t, map[string]any{"signing": newKid, "previous": []any{oldKid}}, a.Members(t))
			assert.Equal(t, newKid, h.verified(scheme, h.mint(scheme, devauth.Sound)).header["kid"])
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, "sign"))

			a = h.post(h.base+"/dev/"+string(scheme)+"/rotate?step=retire", "", "")
			assert.Equal(t, http.StatusConflict, a.Status, "its tokens are valid")
			assert.Contains(t, a.Members(t)["error_description"], "retire-now")
			h.verified(scheme, old.raw) // still good

			expiry := time.Unix(int64(old.claims["exp"].(float64)), 0)
			h.advance(expiry.Sub(h.clock()) - time.Second)
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, "retire"), "a second too early")
			h.advance(time.Second)
			require.Equal(t, http.StatusOK, h.rotate(scheme, "retire"))
			assert.Equal(t, []string{newKid}, h.kids(scheme))
		})
	}
}

func TestRotationUsesTheNextKeyThatWaits(t *testing.T) {
	t.Parallel()
	h := start(t)
	require.Equal(t, http.StatusOK, h.rotate(devauth.Messaging, "publish"))
	kids := h.kids(devauth.Messaging)
	require.Equal(t, http.StatusOK, h.rotate(devauth.Messaging, ""))
	assert.Equal(t, kids, h.kids(devauth.Messaging))
	assert.Equal(t, kids[1], h.verified(devauth.Messaging, h.mint(devauth.Messaging, devauth.Sound)).header["kid"])
}

func TestRetiringNowDropsTheKeyAndTheTokenThatBokbasenKept(t *testing.T) {
	t.Parallel()
	h := start(t)
	first := h.bokbasenOK(devauth.AllLevels, 86400)
	require.Equal(t, http.StatusOK, h.rotate(devauth.Bokbasen, ""))
	assert.Equal(t, first, h.bokbasenOK(devauth.AllLevels, 86400), "a rotation alone changes nothing for the token in use")
	require.Equal(t, http.StatusOK, h.rotate(devauth.Bokbasen, "retire-now"))
	_, ok := h.verify(devauth.Bokbasen, first.raw)
	assert.False(t, ok, "the old key is gone")
	assert.NotEqual(t, first, h.bokbasenOK(devauth.AllLevels, 86400))
}

func TestRotationsAtOnceAllSucceedUntilTooManyKeysArePublished(t *testing.T) {
	t.Parallel()
	const maxKeys = 16
	h := start(t)
	var wg sync.WaitGroup
	for range maxKeys - 1 {
		wg.Go(func() { assert.Equal(t, http.StatusOK, h.rotate(devauth.Messaging, "")) })
		wg.Go(func() { _ = h.get(h.base + "/dev") })
		wg.Go(func() { _ = h.mint(devauth.OKQ8, devauth.Sound) })
	}
	wg.Wait()
	require.Len(t, h.kids(devauth.Messaging), maxKeys)
	assert.Equal(t, http.StatusConflict, h.rotate(devauth.Messaging, "publish"))
	assert.Equal(t, http.StatusOK, h.rotate(devauth.Messaging, "retire"), "no token was signed with the old keys")
	assert.Len(t, h.kids(devauth.Messaging), 1)
	assert.Equal(t, http.StatusNotFound, h.rotate("keycloak", ""))
	assert.Equal(t, http.StatusBadRequest, h.rotate(devauth.OKQ8, "forget"))
}

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
		paths := want[i.Scheme]
		assert.Equal(t, h.base+paths[0], i.Issuer)
		for _, path := range paths[1:] {
			a := h.get(h.base + path)
			require.Equal(t, http.StatusOK, a.Status)
			assert.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
			document := a.Members(t)
			assert.Equal(t, i.Issuer, document["issuer"])
			assert.Equal(t, i.TokenURL, document["token_endpoint"])
			assert.Equal(t, i.JWKSURL, document["jwks_uri"])
			assert.Equal(t, []any{i.Algorithm}, document["id_token_signing_alg_values_supported"])
		}
	}
}

func TestKeysHaveAnEntityTag(t *testing.T) {
	t.Parallel()
	h := start(t)
	again := testkit.NewRequest(t, http.MethodGet, h.issuer(devauth.Messaging).JWKSURL, "", "")
	first := testkit.Do(t, again)
	assert.Equal(t, "public, max-age=300", first.Header.Get("Cache-Control"))
	again.Header.Set("If-None-Match", first.Header.Get("ETag"))
	a := testkit.Do(t, again)
	assert.Equal(t, http.StatusNotModified, a.Status)
	assert.Empty(t, a.Body)
	require.Equal(t, http.StatusOK, h.rotate(devauth.Messaging, "publish"))
	assert.Equal(t, http.StatusOK, testkit.Do(t, again).Status)
}

func TestKeysNameTheirAlgorithmExceptEntrasAndHoldNothingPrivate(t *testing.T) {
	t.Parallel()
	h := start(t)
	for scheme, alg := range map[devauth.Scheme]any{devauth.OKQ8: nil, devauth.Messaging: "ES256", devauth.Bokbasen: "RS256"} {
		keys := h.keys(scheme)
		require.Len(t, keys, 1)
		assert.Equal(t, alg, keys[0]["alg"], scheme)
		assert.Equal(t, "sig", keys[0]["use"], scheme)
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
			assert.NotContains(t, keys[0], private)
		}
		if n, ok := keys[0]["n"].(string); ok {
			assert.Len(t, n, 342, "2048 bits")
		}
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	h := start(t)
	post := func(path string) int { return h.post(h.base+path, "", "").Status }
	assertStatus := func(want int, scheme devauth.Scheme) {
		t.Helper()
		i := h.issuer(scheme)
		for _, address := range []string{i.DiscoveryURL, i.MetadataURL, i.JWKSURL} {
			assert.Equal(t, want, h.get(address).Status, address)
		}
	}
	require.Equal(t, http.StatusOK, post("/dev/outage?state=on"))
	for _, scheme := range devauth.Schemes {
		assertStatus(http.StatusServiceUnavailable, scheme)
	}
	assert.Equal(t, http.StatusOK, h.okq8(devauth.AllLevels).Status, "tokens are handed out all the same")

	require.Equal(t, http.StatusOK, post("/dev/messaging/outage?state=off"))
	assertStatus(http.StatusOK, devauth.Messaging)
	assertStatus(http.StatusServiceUnavailable, devauth.OKQ8)

	require.Equal(t, http.StatusOK, post("/dev/outage?state=off"))
	assertStatus(http.StatusOK, devauth.OKQ8)

	assert.Equal(t, http.StatusBadRequest, post("/dev/outage"))
	assert.Equal(t, http.StatusNotFound, post("/dev/keycloak/outage?state=on"))
}

func TestMintedTokensAreSoundButForTheirFlaw(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, c := range h.Clients() {
		for _, flaw := range []devauth.Flaw{devauth.Sound, devauth.Expired, devauth.OtherAudience, devauth.Tampered} {
			who := []any{"%s of %s: %s", c.Name, c.Scheme, flaw}
			token, ok := h.verify(c.Scheme, testkit.Mint(t, h.Server, c.Scheme, c.ID, flaw))
			assert.Equal(t, flaw != devauth.Tampered, ok, who...)
			assert.Contains(t, h.kids(c.Scheme), token.header["kid"], who...)
			assert.Equal(t, flaw != devauth.OtherAudience, token.claims["aud"] == h.issuer(c.Scheme).Audiences[0], who...)
			assert.Less(t, token.claims["iat"], token.claims["exp"], who...)
			left := token.claims["exp"].(float64) - float64(h.clock().Unix())
			assert.Equal(t, flaw != devauth.Expired, left > 0, who...)
			if flaw == devauth.Expired {
				assert.InDelta(t, -3600, left, 0, who...)
			}
		}
	}
	for _, row := range []struct {
		scheme    devauth.Scheme
		who, flaw string
	}{{devauth.OKQ8, "nobody", ""}, {"keycloak", "nobody", ""}, {devauth.OKQ8, devauth.NoLevel, "rusty"}} {
		_, err := h.Mint(row.scheme, row.who, devauth.Flaw(row.flaw))
		require.ErrorContains(t, err, "use ")
	}
}

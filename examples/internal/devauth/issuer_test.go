package devauth_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var schemes = []devauth.Scheme{devauth.OKQ8, devauth.Messaging, devauth.Bokbasen}

// token mints a sound token for the client with all levels.
func (h *harness) token(scheme devauth.Scheme, flaw devauth.Flaw) string {
	h.t.Helper()
	c, err := h.Client(scheme, devauth.AllLevels)
	require.NoError(h.t, err)
	token, err := h.Mint(scheme, c.ID, flaw)
	require.NoError(h.t, err)
	return token
}

func (h *harness) rotate(scheme devauth.Scheme, step devauth.Step) answer {
	h.t.Helper()
	address := h.base + "/dev/" + string(scheme) + "/rotate"
	if step != "" {
		address += "?step=" + string(step)
	}
	return h.do(h.request(http.MethodPost, address, "", ""))
}

func TestRotationStepByStep(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(string(scheme), func(t *testing.T) {
			t.Parallel()
			h := start(t)
			old := h.verified(scheme, h.token(scheme, devauth.Sound))
			oldKid := old.header["kid"].(string)
			require.Equal(t, []string{oldKid}, h.kids(scheme))

			require.Equal(t, http.StatusOK, h.rotate(scheme, devauth.StepPublish).Status)
			kids := h.kids(scheme)
			require.Len(t, kids, 2, "the next key is published")
			newKid := kids[1]
			require.NotEqual(t, oldKid, newKid)
			assert.Equal(t, oldKid, h.verified(scheme, h.token(scheme, devauth.Sound)).header["kid"], "it does not sign yet")
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, devauth.StepPublish).Status)

			a := h.rotate(scheme, devauth.StepSign)
			require.Equal(t, http.StatusOK, a.Status)
			assert.Equal(t, map[string]any{"signing": newKid, "previous": []any{oldKid}}, a.Members(t))
			assert.Equal(t, newKid, h.verified(scheme, h.token(scheme, devauth.Sound)).header["kid"])
			h.verified(scheme, old.raw) // still good
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, devauth.StepSign).Status)

			a = h.rotate(scheme, devauth.StepRetire)
			assert.Equal(t, http.StatusConflict, a.Status, "its tokens are valid")
			assert.Contains(t, a.Members(t)["error_description"], "retire-now")
			h.verified(scheme, old.raw)

			expiry := time.Unix(int64(old.claims["exp"].(float64)), 0)
			h.advance(expiry.Sub(h.clock()) - time.Second)
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, devauth.StepRetire).Status, "a second too early")
			h.advance(time.Second)
			require.Equal(t, http.StatusOK, h.rotate(scheme, devauth.StepRetire).Status)
			assert.Equal(t, []string{newKid}, h.kids(scheme))
		})
	}
}

func TestRotationInOneStepKeepsEveryTokenVerifiable(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, scheme := range schemes {
		before := h.token(scheme, devauth.Sound)
		require.Equal(t, http.StatusOK, h.rotate(scheme, "").Status)
		after := h.token(scheme, devauth.Sound)
		assert.NotEqual(t, h.verified(scheme, before).header["kid"], h.verified(scheme, after).header["kid"])
	}
}

func TestRotationUsesTheNextKeyThatWaits(t *testing.T) {
	t.Parallel()
	h := start(t)
	published, err := h.Rotate(devauth.Messaging, devauth.StepPublish)
	require.NoError(t, err)
	state, err := h.Rotate(devauth.Messaging, devauth.StepPublishAndSign)
	require.NoError(t, err)
	assert.Equal(t, devauth.KeyState{Signing: published.Next, Previous: []string{published.Signing}}, state)
}

func TestRetiringNowDropsTheKeyAndTheTokenThatBokbasenKept(t *testing.T) {
	t.Parallel()
	h := start(t)
	form := h.bokbasenForm(devauth.AllLevels)
	first, _ := h.bokbasenOK(form)
	require.Equal(t, http.StatusOK, h.rotate(devauth.Bokbasen, "").Status)
	kept, _ := h.bokbasenOK(form)
	assert.Equal(t, first, kept, "a rotation alone changes nothing for the token in use")
	h.verified(devauth.Bokbasen, kept)

	require.Equal(t, http.StatusOK, h.rotate(devauth.Bokbasen, devauth.StepRetireNow).Status)
	_, ok := h.verify(devauth.Bokbasen, first)
	assert.False(t, ok, "the old key is gone")
	renewed, left := h.bokbasenOK(form)
	assert.NotEqual(t, first, renewed)
	assert.Equal(t, 86400, left)
	h.verified(devauth.Bokbasen, renewed)
}

func TestRotationsEndWhenTooManyKeysArePublished(t *testing.T) {
	t.Parallel()
	const maxKeys = 16
	h := start(t)
	for range maxKeys - 1 {
		_, err := h.Rotate(devauth.Messaging, devauth.StepPublishAndSign)
		require.NoError(t, err)
	}
	require.Len(t, h.kids(devauth.Messaging), maxKeys)
	_, err := h.Rotate(devauth.Messaging, devauth.StepPublish)
	require.ErrorIs(t, err, devauth.ErrRotation)
	_, err = h.Rotate(devauth.Messaging, devauth.StepRetire)
	require.NoError(t, err, "no token was signed with the old keys")
	assert.Len(t, h.kids(devauth.Messaging), 1)
}

func TestRotationsAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	h := start(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := h.Rotate(devauth.Messaging, devauth.StepPublishAndSign)
			assert.NoError(t, err)
			_, err = h.Mint(devauth.Messaging, "orders-all", devauth.Sound)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, h.kids(devauth.Messaging), 9)
}

func TestRotationRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	h := start(t)
	assert.Equal(t, http.StatusNotFound, h.rotate("keycloak", "").Status)
	assert.Equal(t, http.StatusBadRequest, h.rotate(devauth.OKQ8, "forget").Status)
	a := h.get(h.base + "/dev/okq8/rotate")
	assert.Equal(t, http.StatusMethodNotAllowed, a.Status)
	assert.Equal(t, "POST", a.Header.Get("Allow"))
	_, err := h.Rotate("keycloak", "")
	require.ErrorContains(t, err, "use okq8, messaging or bokbasen")
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
		t.Run(string(i.Scheme), func(t *testing.T) {
			t.Parallel()
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
			assert.Equal(t, http.StatusMethodNotAllowed, h.postForm(i.JWKSURL, nil).Status)
		})
	}
}

func TestKeysHaveAnEntityTag(t *testing.T) {
	t.Parallel()
	h := start(t)
	address := h.issuer(devauth.Messaging).JWKSURL
	first := h.get(address)
	assert.Equal(t, "public, max-age=300", first.Header.Get("Cache-Control"))
	again := h.request(http.MethodGet, address, "", "")
	again.Header.Set("If-None-Match", first.Header.Get("ETag"))
	a := h.do(again)
	assert.Equal(t, http.StatusNotModified, a.Status)
	assert.Empty(t, a.Body)

	_, err := h.Rotate(devauth.Messaging, devauth.StepPublish)
	require.NoError(t, err)
	after := h.request(http.MethodGet, address, "", "")
	after.Header.Set("If-None-Match", first.Header.Get("ETag"))
	assert.Equal(t, http.StatusOK, h.do(after).Status)
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
		return []int{h.get(i.DiscoveryURL).Status, h.get(i.MetadataURL).Status, h.get(i.JWKSURL).Status}
	}
	up, down := []int{200, 200, 200}, []int{503, 503, 503}

	require.Equal(t, http.StatusOK, post("/dev/outage?state=on").Status)
	for _, scheme := range schemes {
		assert.Equal(t, down, statuses(scheme))
	}
	a := h.postForm(h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(devauth.AllLevels))
	assert.Equal(t, http.StatusOK, a.Status, "tokens are handed out all the same")

	require.Equal(t, http.StatusOK, post("/dev/messaging/outage?state=off").Status)
	assert.Equal(t, up, statuses(devauth.Messaging))
	assert.Equal(t, down, statuses(devauth.OKQ8))

	require.NoError(t, h.SetOutage(false))
	assert.Equal(t, up, statuses(devauth.OKQ8))
	require.NoError(t, h.SetOutage(true, devauth.Bokbasen))
	assert.Equal(t, down, statuses(devauth.Bokbasen))
	assert.Equal(t, up, statuses(devauth.OKQ8))

	assert.Equal(t, http.StatusBadRequest, post("/dev/outage").Status)
	assert.Equal(t, http.StatusNotFound, post("/dev/keycloak/outage?state=on").Status)
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

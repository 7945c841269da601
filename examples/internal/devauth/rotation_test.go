package devauth_test

import (
	"crypto"
	"errors"
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

			require.Equal(t, http.StatusOK, h.rotate(scheme, devauth.StepPublish).status)
			kids := h.kids(scheme)
			require.Len(t, kids, 2, "the next key is published")
			newKid := kids[0]
			require.NotEqual(t, oldKid, newKid)
			assert.Equal(t, oldKid, h.verified(scheme, h.token(scheme, devauth.Sound)).header["kid"], "it does not sign yet")
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, devauth.StepPublish).status)

			a := h.rotate(scheme, devauth.StepSign)
			require.Equal(t, http.StatusOK, a.status)
			assert.Equal(t, map[string]any{"signing": newKid, "previous": []any{oldKid}}, a.decode(t))
			assert.Equal(t, newKid, h.verified(scheme, h.token(scheme, devauth.Sound)).header["kid"])
			h.verified(scheme, old.raw) // still good
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, devauth.StepSign).status)

			a = h.rotate(scheme, devauth.StepRetire)
			assert.Equal(t, http.StatusConflict, a.status, "its tokens are valid")
			assert.Contains(t, a.decode(t)["error_description"], "retire-now")
			h.verified(scheme, old.raw)

			expiry := time.Unix(int64(old.claims["exp"].(float64)), 0)
			h.advance(expiry.Sub(h.clock()) - time.Second)
			assert.Equal(t, http.StatusConflict, h.rotate(scheme, devauth.StepRetire).status, "a second too early")
			h.advance(time.Second)
			require.Equal(t, http.StatusOK, h.rotate(scheme, devauth.StepRetire).status)
			assert.Equal(t, []string{newKid}, h.kids(scheme))
		})
	}
}

func TestRotationInOneStepKeepsEveryTokenVerifiable(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, scheme := range schemes {
		before := h.token(scheme, devauth.Sound)
		require.Equal(t, http.StatusOK, h.rotate(scheme, "").status)
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
	require.Equal(t, http.StatusOK, h.rotate(devauth.Bokbasen, "").status)
	kept, _ := h.bokbasenOK(form)
	assert.Equal(t, first, kept, "a rotation alone changes nothing for the token in use")
	h.verified(devauth.Bokbasen, kept)

	require.Equal(t, http.StatusOK, h.rotate(devauth.Bokbasen, devauth.StepRetireNow).status)
	_, ok := h.verify(devauth.Bokbasen, first)
	assert.False(t, ok, "the old key is gone")
	renewed, left := h.bokbasenOK(form)
	assert.NotEqual(t, first, renewed)
	assert.Equal(t, 86400, left)
	h.verified(devauth.Bokbasen, renewed)
}

func TestRotationsEndWhenTooManyKeysArePublished(t *testing.T) {
	t.Parallel()
	h := start(t)
	for range devauth.MaxKeys - 1 {
		_, err := h.Rotate(devauth.Messaging, devauth.StepPublishAndSign)
		require.NoError(t, err)
	}
	require.Len(t, h.kids(devauth.Messaging), devauth.MaxKeys)
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
	assert.Equal(t, http.StatusNotFound, h.rotate("keycloak", "").status)
	assert.Equal(t, http.StatusBadRequest, h.rotate(devauth.OKQ8, "forget").status)
	a := h.get(h.base + "/dev/okq8/rotate")
	assert.Equal(t, http.StatusMethodNotAllowed, a.status)
	assert.Equal(t, "POST", a.header.Get("Allow"))
	_, err := h.Rotate("keycloak", "")
	require.ErrorContains(t, err, "use okq8, messaging or bokbasen")
}

func TestAKeyThatCannotBeMadeIsReported(t *testing.T) {
	t.Parallel()
	broken := errors.New("no entropy")
	_, err := devauth.New(devauth.WithSigner(devauth.Config{}, func(string) (crypto.Signer, error) { return nil, broken }))
	require.ErrorIs(t, err, broken)
}

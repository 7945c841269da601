package devauth_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var inactive = map[string]any{"active": false}

// about asks an endpoint about a token, with credentials by HTTP Basic.
func (h *harness) about(address, token, id, secret string) answer {
	h.t.Helper()
	r := testkit.NewRequest(h.t, http.MethodPost, address, "", url.Values{"token": {token}}.Encode())
	r.Header.Set("Content-Type", typeForm)
	r.SetBasicAuth(id, secret)
	return testkit.Do(h.t, r)
}

// introspected is what the API learns of a token.
func (h *harness) introspected(scheme devauth.Scheme, token string) map[string]any {
	h.t.Helper()
	id, secret := h.ResourceServer()
	a := h.about(h.issuer(scheme).IntrospectionURL, token, id, secret)
	require.Equal(h.t, http.StatusOK, a.Status, a.Body)
	assert.Equal(h.t, "no-store", a.Header.Get("Cache-Control"))
	return a.Members(h.t)
}

func (h *harness) token(scheme devauth.Scheme, query string, proofs ...string) string {
	h.t.Helper()
	a := testkit.Do(h.t, h.request(scheme, query, proofs...))
	require.Equal(h.t, http.StatusOK, a.Status, a.Body)
	return a.Members(h.t)["access_token"].(string)
}

func TestIntrospectionSaysWhatATokenSays(t *testing.T) {
	t.Parallel()
	h, key := start(t), newDPoPKey(t)
	for _, scheme := range devauth.Schemes {
		opaque, jwt := h.token(scheme, "dev_format=opaque"), h.token(scheme, "")
		assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, opaque)
		want := h.verified(scheme, jwt).claims
		got := h.introspected(scheme, jwt)
		assert.Equal(t, true, got["active"])
		assert.Equal(t, h.client(scheme, devauth.AllLevels).ID, got["client_id"])
		assert.Equal(t, "Bearer", got["token_type"])
		for name, value := range want {
			assert.Equal(t, value, got[name], name)
		}
		got = h.introspected(scheme, opaque)
		for _, name := range []string{"iss", "aud", "exp", "sub", "scope", "roles", "permissions"} {
			assert.Equal(t, want[name], got[name], "%s: an opaque token says the same", name)
		}
		bound := h.introspected(scheme, h.token(scheme, "dev_format=opaque&dev_certificate="+someThumbprint, key.proof(t, h, h.issuer(scheme).TokenURL, nil, nil)))
		assert.Equal(t, "DPoP", bound["token_type"])
		assert.Equal(t, map[string]any{"jkt": key.thumbprint(), "x5t#S256": someThumbprint}, bound["cnf"])
	}
}

func TestIntrospectionSaysNothingOfOtherTokens(t *testing.T) {
	t.Parallel()
	h := start(t)
	token := h.token(devauth.Messaging, "dev_format=opaque")
	tampered := h.mint(devauth.Messaging, devauth.Tampered)
	for name, token := range map[string]string{
		"made up": "made-up", "cut": token[:42], "expired": h.mint(devauth.Messaging, devauth.Expired), "tampered": tampered, "of another issuer": h.token(devauth.OKQ8, ""),
	} {
		assert.Equal(t, inactive, h.introspected(devauth.Messaging, token), name)
	}
	assert.Equal(t, inactive, h.introspected(devauth.Bokbasen, token), "by another issuer")
	assert.Equal(t, true, h.introspected(devauth.Messaging, token)["active"])
	h.advance(time.Hour - time.Second)
	assert.Equal(t, true, h.introspected(devauth.Messaging, token)["active"])
	h.advance(time.Second)
	assert.Equal(t, inactive, h.introspected(devauth.Messaging, token), "expired")
	assert.NotContains(t, h.log.String(), token)
}

func TestARevokedTokenIsInactive(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, scheme := range devauth.Schemes {
		owner, other := h.client(scheme, devauth.AllLevels), h.client(scheme, devauth.GetOnly)
		address := h.issuer(scheme).RevocationURL
		for _, query := range []string{"", "dev_format=opaque"} {
			token := h.token(scheme, query)
			assert.Equal(t, http.StatusOK, h.about(address, token, other.ID, other.Secret).Status)
			assert.Equal(t, true, h.introspected(scheme, token)["active"], "another client revokes nothing")
			assert.Equal(t, http.StatusOK, h.about(address, token, owner.ID, owner.Secret).Status)
			assert.Equal(t, inactive, h.introspected(scheme, token))
			assert.NotEqual(t, token, h.token(scheme, query), "nor is it handed out again")
			assert.Equal(t, http.StatusOK, h.about(address, "made-up", owner.ID, owner.Secret).Status, "an unknown one is gone already")
		}
		assert.Equal(t, http.StatusUnauthorized, h.about(address, "x", owner.ID, "wrong").Status)
	}
}

func TestWhoMayAskAboutTokens(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, secret := h.ResourceServer()
	client := h.client(devauth.Messaging, devauth.AllLevels)
	address := h.issuer(devauth.Messaging).IntrospectionURL
	token := h.token(devauth.Messaging, "dev_format=opaque")
	post := func(form url.Values) answer { return h.postForm(address, form) }
	both := testkit.NewRequest(t, http.MethodPost, address, "", url.Values{"token": {token}, "client_id": {id}, "client_secret": {secret}}.Encode())
	both.Header.Set("Content-Type", typeForm)
	both.SetBasicAuth(id, secret)
	for name, row := range map[string]struct {
		answer answer
		status int
		code   string
	}{
		"by the form":                 {post(url.Values{"token": {token}, "client_id": {id}, "client_secret": {secret}}), 200, ""},
		"by Basic":                    {h.about(address, token, id, secret), 200, ""},
		"by Basic, form-encoded":      {h.about(address, token, "orders%2Dapi", secret), 200, ""},
		"nobody":                      {post(url.Values{"token": {token}}), 401, "invalid_client"},
		"a wrong secret":              {h.about(address, token, id, "wrong"), 401, "invalid_client"},
		"a wrong secret in the form":  {post(url.Values{"token": {token}, "client_id": {id}, "client_secret": {"wrong"}}), 401, "invalid_client"},
		"a client that gets tokens":   {h.about(address, token, client.ID, client.Secret), 401, "invalid_client"},
		"both ways":                   {testkit.Do(t, both), 400, "invalid_request"},
		"no token":                    {h.about(address, "", id, secret), 400, "invalid_request"},
		"a token in the query":        {h.about(address+"?token="+token, "", id, secret), 400, "invalid_request"},
		"two tokens":                  {post(url.Values{"token": {token, token}, "client_id": {id}, "client_secret": {secret}}), 400, "invalid_request"},
		"too much":                    {post(url.Values{"token": {strings.Repeat("x", 20_000)}}), 413, "invalid_request"},
		"GET":                         {h.get(address), 405, "method_not_allowed"},
		"a scheme that is none":       {h.about(h.base+"/dev/other/introspect", token, id, secret), 404, "not_found"},
		"JSON has no form to look at": {h.post(address, typeJSON, `{"token":"x"}`), 401, "invalid_client"},
	} {
		assert.Equal(t, row.status, row.answer.Status, name)
		challenge := ""
		if row.status == 401 {
			challenge = `Basic realm="token", charset="UTF-8"`
		}
		assert.Equal(t, challenge, row.answer.Header.Get("WWW-Authenticate"), name)
		if row.code == "" {
			assert.Equal(t, true, row.answer.Members(t)["active"], name)
		} else {
			assert.Equal(t, row.code, row.answer.Members(t)["error"], name)
		}
	}
	assert.NotContains(t, h.log.String(), secret)
	decoded, err := base64.RawURLEncoding.DecodeString(secret)
	require.NoError(t, err)
	assert.Len(t, decoded, 32)
}

func TestTheMetadataNamesWhatIsAnswered(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, scheme := range devauth.Schemes {
		i := h.issuer(scheme)
		m := h.get(i.MetadataURL).Members(t)
		assert.Equal(t, i.IntrospectionURL, m["introspection_endpoint"])
		assert.Equal(t, i.RevocationURL, m["revocation_endpoint"])
		assert.Equal(t, []any{"ES256", "EdDSA", "PS256", "RS256"}, m["dpop_signing_alg_values_supported"])
		assert.Equal(t, true, m["tls_client_certificate_bound_access_tokens"])
		assert.Equal(t, h.base+"/dev/"+string(scheme)+"/introspect", i.IntrospectionURL)
	}
}

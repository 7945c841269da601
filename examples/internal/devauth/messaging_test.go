package devauth_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const messagingBody = "grant_type=client_credentials"

// messaging posts the documented request with the given Basic credentials.
func (h *harness) messaging(credentials, contentType, body string) answer {
	h.t.Helper()
	r := testkit.NewRequest(h.t, http.MethodPost, h.base+"/oauth/v2/token", "", body)
	r.Header.Set("Content-Type", contentType)
	if credentials != "" {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	return testkit.Do(h.t, r)
}

func TestMessagingAnswersTheDocumentedRequest(t *testing.T) {
	t.Parallel()
	h := start(t)
	c := h.client(devauth.Messaging, devauth.AllLevels)
	a := h.messaging(c.ID+":"+c.Secret, typeForm, messagingBody)
	assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	assert.Equal(t, "no-cache", a.Header.Get("Pragma"))
	assert.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
	token := h.granted(devauth.Messaging, a, map[string]any{"token_type": "Bearer", "expires_in": 3600.0, "scope": "get post put delete"})
	assert.NotEmpty(t, token.claims["jti"])
	delete(token.claims, "jti")
	assert.Equal(t, map[string]any{
		"iss": h.base + "/messaging", "sub": c.ID, "client_id": c.ID, "aud": "https://api.messaging.example/",
		"iat": float64(epoch.Unix()), "exp": float64(epoch.Unix() + 3600), "scope": "get post put delete",
	}, token.claims)
	delete(token.header, "kid")
	assert.Equal(t, map[string]any{"typ": "at+jwt", "alg": "ES256"}, token.header)
}

func TestMessagingReadsBothWaysOfWritingBasic(t *testing.T) {
	t.Parallel()
	h := start(t)
	c := h.client(devauth.Messaging, devauth.GetOnly)
	require.Contains(t, c.ID, "%")
	require.Contains(t, c.ID, "å")
	require.Contains(t, c.Secret, "=", "the secret must look different when escaped")
	for _, credentials := range []string{
		c.ID + ":" + c.Secret, // as they are, as curl -u sends them
		url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret), // form-encoded first, as RFC 6749 wants it
	} {
		token := h.granted(devauth.Messaging, h.messaging(credentials, typeForm, messagingBody), nil)
		assert.Equal(t, c.ID, token.claims["client_id"])
		assert.Equal(t, "get", token.claims["scope"])
	}
}

func TestMessagingNarrowsTheScope(t *testing.T) {
	t.Parallel()
	h := start(t)
	c := h.client(devauth.Messaging, devauth.AllLevels)
	a := h.messaging(c.ID+":"+c.Secret, typeForm, messagingBody+"&scope=put+get")
	assert.Equal(t, "get put", a.Members(t)["scope"])
	assert.Equal(t, "get put", h.granted(devauth.Messaging, a, nil).claims["scope"])

	c = h.client(devauth.Messaging, devauth.NoLevel)
	a = h.messaging(c.ID+":"+c.Secret, typeForm, messagingBody)
	assert.NotContains(t, a.Members(t), "scope")
	assert.NotContains(t, h.granted(devauth.Messaging, a, nil).claims, "scope")
}

func TestMessagingRefuses(t *testing.T) {
	t.Parallel()
	h := start(t)
	c := h.client(devauth.Messaging, devauth.GetOnly)
	good, others := c.ID+":"+c.Secret, h.client(devauth.Messaging, devauth.AllLevels).Secret
	post := func(credentials, more string) answer { return h.messaging(credentials, typeForm, messagingBody+more) }
	assertRefused(t, []refused{
		{"no credentials", post("", ""), 401, "invalid_client"},
		{"a wrong secret", post(c.ID+":wrong", ""), 401, "invalid_client"},
		{"another client's secret", post(c.ID+":"+others, ""), 401, "invalid_client"},
		{"no secret", post(c.ID+":", ""), 401, "invalid_client"},
		{"an unknown client", post("nobody:"+c.Secret, ""), 401, "invalid_client"},
		{"an unknown client without a secret", post("nobody:", ""), 401, "invalid_client"},
		{"only one half escaped", post(c.ID+":"+url.QueryEscape(c.Secret), ""), 401, "invalid_client"},
		{"credentials in the form alone", post("", "&client_id=orders-all&client_secret="+url.QueryEscape(others)), 401, "invalid_client"},
		{"credentials twice", post(good, "&client_secret=x"), 400, "invalid_request"},
		{"no grant", h.messaging(good, typeForm, ""), 400, "invalid_request"},
		{"another grant", h.messaging(good, typeForm, "grant_type=authorization_code"), 400, "unsupported_grant_type"},
		{"a scope beyond the grant", post(good, "&scope=get+delete"), 400, "invalid_scope"},
		{"an unknown scope", post(good, "&scope=orders.read"), 400, "invalid_scope"},
		{"a parameter twice", post(good, "&"+messagingBody), 400, "invalid_request"},
		{"JSON", h.messaging(good, typeJSON, `{"grant_type":"client_credentials"}`), 400, "invalid_request"},
	}, "no-store")
}

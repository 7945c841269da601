package devauth_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// messaging posts the documented request with the given Basic credentials.
func (h *harness) messaging(credentials, body string) answer {
	h.t.Helper()
	r := h.request(http.MethodPost, h.base+"/oauth/v2/token", "application/x-www-form-urlencoded", body)
	if credentials != "" {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	return h.do(r)
}

const messagingBody = "grant_type=client_credentials"

func TestMessagingAnswersTheDocumentedRequest(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, secret := h.credentials(devauth.Messaging, devauth.AllLevels)
	a := h.messaging(id+":"+secret, messagingBody)
	require.Equal(t, http.StatusOK, a.Status)
	assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	assert.Equal(t, "no-cache", a.Header.Get("Pragma"))
	assert.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))

	body := a.Members(t)
	token := h.verified(devauth.Messaging, body["access_token"].(string))
	delete(body, "access_token")
	assert.Equal(t, map[string]any{"token_type": "Bearer", "expires_in": 3600.0, "scope": "get post put delete"}, body)

	assert.NotEmpty(t, token.claims["jti"])
	delete(token.claims, "jti")
	assert.Equal(t, map[string]any{
		"iss": h.base + "/messaging", "sub": id, "client_id": id, "aud": "https://api.messaging.example/",
		"iat": float64(epoch.Unix()), "exp": float64(epoch.Unix() + 3600), "scope": "get post put delete",
	}, token.claims)
	delete(token.header, "kid")
	assert.Equal(t, map[string]any{"typ": "at+jwt", "alg": "ES256"}, token.header)
}

func TestMessagingReadsBothWaysOfWritingBasic(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, secret := h.credentials(devauth.Messaging, devauth.GetOnly)
	require.Contains(t, id, "%")
	require.Contains(t, id, "å")
	require.Contains(t, secret, "=", "the secret must look different when escaped")
	for _, row := range []struct{ name, credentials string }{
		{"as they are, as curl -u sends them", id + ":" + secret},
		{"form-encoded first, as RFC 6749 wants it", url.QueryEscape(id) + ":" + url.QueryEscape(secret)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := h.messaging(row.credentials, messagingBody)
			require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
			token := h.verified(devauth.Messaging, a.Members(t)["access_token"].(string))
			assert.Equal(t, id, token.claims["client_id"])
			assert.Equal(t, "get", token.claims["scope"])
		})
	}
}

func TestMessagingNarrowsTheScope(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, secret := h.credentials(devauth.Messaging, devauth.AllLevels)
	a := h.messaging(id+":"+secret, messagingBody+"&scope=put+get")
	require.Equal(t, http.StatusOK, a.Status)
	assert.Equal(t, "get put", a.Members(t)["scope"])
	assert.Equal(t, "get put", h.verified(devauth.Messaging, a.Members(t)["access_token"].(string)).claims["scope"])

	id, secret = h.credentials(devauth.Messaging, devauth.NoLevel)
	a = h.messaging(id+":"+secret, messagingBody)
	require.Equal(t, http.StatusOK, a.Status)
	assert.NotContains(t, a.Members(t), "scope")
	assert.NotContains(t, h.verified(devauth.Messaging, a.Members(t)["access_token"].(string)).claims, "scope")
}

func TestMessagingRefuses(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, secret := h.credentials(devauth.Messaging, devauth.GetOnly)
	good := id + ":" + secret
	_, others := h.credentials(devauth.Messaging, devauth.AllLevels)
	for _, row := range []struct {
		name, credentials, body string
		status                  int
		code                    string
	}{
		{"no credentials", "", messagingBody, 401, "invalid_client"},
		{"a wrong secret", id + ":wrong", messagingBody, 401, "invalid_client"},
		{"another client's secret", id + ":" + others, messagingBody, 401, "invalid_client"},
		{"no secret", id + ":", messagingBody, 401, "invalid_client"},
		{"an unknown client", "nobody:" + secret, messagingBody, 401, "invalid_client"},
		{"only one half escaped", id + ":" + url.QueryEscape(secret), messagingBody, 401, "invalid_client"},
		{"credentials in the form alone", "", messagingBody + "&client_id=orders-all&client_secret=" + url.QueryEscape(others), 401, "invalid_client"},
		{"credentials twice", good, messagingBody + "&client_secret=x", 400, "invalid_request"},
		{"no grant", good, "", 400, "invalid_request"},
		{"another grant", good, "grant_type=authorization_code", 400, "unsupported_grant_type"},
		{"a scope beyond the grant", good, messagingBody + "&scope=get+delete", 400, "invalid_scope"},
		{"an unknown scope", good, messagingBody + "&scope=orders.read", 400, "invalid_scope"},
		{"a parameter twice", good, messagingBody + "&" + messagingBody, 400, "invalid_request"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := h.messaging(row.credentials, row.body)
			assert.Equal(t, row.status, a.Status)
			assert.Equal(t, row.code, a.Members(t)["error"])
			assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
			if row.status == http.StatusUnauthorized {
				assert.Equal(t, `Basic realm="token", charset="UTF-8"`, a.Header.Get("WWW-Authenticate"))
			} else {
				assert.Empty(t, a.Header.Get("WWW-Authenticate"))
			}
		})
	}
	t.Run("GET", func(t *testing.T) {
		t.Parallel()
		a := h.get(h.base + "/oauth/v2/token")
		assert.Equal(t, http.StatusMethodNotAllowed, a.Status)
		assert.Equal(t, "POST", a.Header.Get("Allow"))
	})
	t.Run("JSON", func(t *testing.T) {
		t.Parallel()
		r := h.request(http.MethodPost, h.base+"/oauth/v2/token", "application/json", `{"grant_type":"client_credentials"}`)
		r.SetBasicAuth(id, secret)
		a := h.do(r)
		assert.Equal(t, http.StatusBadRequest, a.Status)
		assert.Equal(t, "invalid_request", a.Members(t)["error"])
	})
}

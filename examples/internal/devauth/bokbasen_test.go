package devauth_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const articles = "https://api.dev.bokbasen.io/article/"

func (h *harness) bokbasenForm(name string, edit ...string) url.Values {
	h.t.Helper()
	c := h.client(devauth.Bokbasen, name)
	return edited(url.Values{
		"client_id": {c.ID}, "client_secret": {c.Secret}, "audience": {articles}, "grant_type": {"client_credentials"},
	}, edit...)
}

// bokbasen posts the attributes as JSON.
func (h *harness) bokbasen(form url.Values) answer {
	h.t.Helper()
	members := map[string]string{}
	for name := range form {
		members[name] = form.Get(name)
	}
	body, err := json.Marshal(members)
	require.NoError(h.t, err)
	return h.post(h.base+"/oauth/token", typeJSON, string(body))
}

// bokbasenOK returns the token, which answers the documented request with left
// seconds to live.
func (h *harness) bokbasenOK(name string, left int, edit ...string) jws {
	h.t.Helper()
	want := map[string]any{"token_type": "Bearer", "expires_in": float64(left)}
	return h.granted(devauth.Bokbasen, h.bokbasen(h.bokbasenForm(name, edit...)), want)
}

func TestBokbasenAnswersTheDocumentedRequest(t *testing.T) {
	t.Parallel()
	h := start(t)
	form := h.bokbasenForm(devauth.AllLevels)
	for _, a := range []answer{h.bokbasen(form), h.postForm(h.base+"/oauth/token", form)} {
		assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		token := h.granted(devauth.Bokbasen, a, map[string]any{"token_type": "Bearer", "expires_in": 86400.0})
		assert.Equal(t, map[string]any{
			"https://bokbasen.io/metadata": map[string]any{}, "iss": h.base + "/bokbasen/", "sub": form.Get("client_id") + "@clients",
			"aud": articles, "iat": float64(epoch.Unix()), "exp": float64(epoch.Unix() + 86400), "azp": form.Get("client_id"),
			"gty": "client-credentials", "permissions": []any{"get", "post", "put", "delete"},
		}, token.claims)
		delete(token.header, "kid")
		assert.Equal(t, map[string]any{"typ": "JWT", "alg": "RS256"}, token.header)
	}
	assert.Equal(t, []any{}, h.bokbasenOK(devauth.NoLevel, 86400).claims["permissions"], "none is an empty list")
}

func TestBokbasenServesSevenAudiencesEachWithATokenOfItsOwn(t *testing.T) {
	t.Parallel()
	h := start(t)
	audiences := h.issuer(devauth.Bokbasen).Audiences
	seen := map[string]bool{}
	for _, audience := range audiences {
		assert.Regexp(t, `^https://api\.dev\.bokbasen\.io/[a-z]+/$`, audience)
		token := h.bokbasenOK(devauth.AllLevels, 86400, "audience", audience)
		assert.Equal(t, audience, token.claims["aud"])
		seen[token.raw] = true
	}
	assert.Len(t, seen, 7)
}

func TestBokbasenHandsOutOneTokenUntilLessThanTenMinutesAreLeft(t *testing.T) {
	t.Parallel()
	h := start(t)
	first := h.bokbasenOK(devauth.AllLevels, 86400)
	for _, step := range []struct {
		wait time.Duration
		left int
	}{
		{time.Second, 86399},
		{time.Hour - time.Second, 82800},
		{22*time.Hour + 50*time.Minute, 600}, // ten minutes, not less
	} {
		h.advance(step.wait)
		assert.Equal(t, first, h.bokbasenOK(devauth.AllLevels, step.left))
	}
	h.advance(time.Second)
	second := h.bokbasenOK(devauth.AllLevels, 86400)
	assert.NotEqual(t, first, second)
	assert.InDelta(t, float64(h.clock().Unix()), second.claims["iat"], 0)
	assert.NotEqual(t, second, h.bokbasenOK(devauth.GetOnly, 86400), "a token belongs to one client")
}

func TestBokbasenRefuses(t *testing.T) {
	t.Parallel()
	h := start(t)
	c := h.client(devauth.Bokbasen, devauth.GetOnly)
	noString := `{"client_id":"` + c.ID + `","client_secret":"` + c.Secret + `","audience":["` + articles + `"],"grant_type":"client_credentials"}`
	post := func(contentType, body string) answer { return h.post(h.base+"/oauth/token", contentType, body) }
	rows := []refused{
		{"broken JSON", post(typeJSON, `{"client_id":`), 400, "invalid_request"},
		{"JSON that is no object", post(typeJSON, `[]`), 400, "invalid_request"},
		{"something behind the JSON", post(typeJSON, `{} {}`), 400, "invalid_request"},
		{"an attribute that is no string", post(typeJSON, noString), 401, "access_denied"},
		{"another content type", post("text/plain", "client_id="+c.ID), 400, "invalid_request"},
		{"no content type", post("", "client_id="+c.ID), 400, "invalid_request"},
		{"too large a body", post(typeJSON, `{"x":"`+strings.Repeat("x", 16<<10)+`"}`), 413, "invalid_request"},
	}
	for _, row := range []struct {
		name, attribute, value string
		status                 int
		code                   string
	}{
		{"a wrong secret", "client_secret", "wrong", 401, "access_denied"},
		{"an unknown client", "client_id", "nobody", 401, "access_denied"},
		{"no client", "client_id", "", 401, "access_denied"},
		{"no secret", "client_secret", "", 401, "access_denied"},
		{"no audience", "audience", "", 401, "access_denied"},
		{"no grant", "grant_type", "", 401, "access_denied"},
		{"another grant", "grant_type", "password", 400, "unsupported_grant_type"},
		{"an audience not granted", "audience", "https://api.dev.bokbasen.io/order/", 403, "access_denied"},
		{"an audience that is not there", "audience", "https://api.dev.bokbasen.io/nothing/", 403, "access_denied"},
		{"an audience without its slash", "audience", strings.TrimSuffix(articles, "/"), 403, "access_denied"},
	} {
		form := h.bokbasenForm(devauth.GetOnly, row.attribute, row.value)
		for _, a := range []answer{h.bokbasen(form), h.postForm(h.base+"/oauth/token", form)} {
			rows = append(rows, refused{row.name, a, row.status, row.code})
		}
	}
	assertRefused(t, rows, "no-store")
}

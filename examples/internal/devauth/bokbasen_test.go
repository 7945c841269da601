package devauth_test

import (
	"encoding/json"
	"net/http"
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
	id, secret := h.credentials(devauth.Bokbasen, name)
	return edited(url.Values{
		"client_id": {id}, "client_secret": {secret}, "audience": {articles}, "grant_type": {"client_credentials"},
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
	return h.do(h.request(http.MethodPost, h.base+"/oauth/token", "application/json", string(body)))
}

// bokbasenOK returns token and expires_in.
func (h *harness) bokbasenOK(form url.Values) (string, int) {
	h.t.Helper()
	a := h.bokbasen(form)
	require.Equal(h.t, http.StatusOK, a.Status, "%s", a.Body)
	body := a.Members(h.t)
	return body["access_token"].(string), int(body["expires_in"].(float64))
}

func TestBokbasenAnswersTheDocumentedRequest(t *testing.T) {
	t.Parallel()
	h := start(t)
	form := h.bokbasenForm(devauth.AllLevels)
	for _, row := range []struct {
		name string
		send func() answer
	}{
		{"as JSON", func() answer { return h.bokbasen(form) }},
		{"as a form", func() answer { return h.postForm(h.base+"/oauth/token", form) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := row.send()
			require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
			assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
			body := a.Members(t)
			token := h.verified(devauth.Bokbasen, body["access_token"].(string))
			delete(body, "access_token")
			assert.Equal(t, map[string]any{"token_type": "Bearer", "expires_in": 86400.0}, body)
			assert.Equal(t, map[string]any{
				"https://bokbasen.io/metadata": map[string]any{},
				"iss":                          h.base + "/bokbasen/", "sub": form.Get("client_id") + "@clients", "aud": articles,
				"iat": float64(epoch.Unix()), "exp": float64(epoch.Unix() + 86400),
				"azp": form.Get("client_id"), "gty": "client-credentials",
				"permissions": []any{"get", "post", "put", "delete"},
			}, token.claims)
			delete(token.header, "kid")
			assert.Equal(t, map[string]any{"typ": "JWT", "alg": "RS256"}, token.header)
		})
	}
}

func TestBokbasenWithoutPermissionsSaysSoWithAnEmptyList(t *testing.T) {
	t.Parallel()
	h := start(t)
	token, _ := h.bokbasenOK(h.bokbasenForm(devauth.NoLevel))
	assert.Equal(t, []any{}, h.verified(devauth.Bokbasen, token).claims["permissions"])
}

func TestBokbasenServesSevenAudiencesEachWithATokenOfItsOwn(t *testing.T) {
	t.Parallel()
	h := start(t)
	audiences := h.issuer(devauth.Bokbasen).Audiences
	require.Len(t, audiences, 7)
	seen := map[string]bool{}
	for _, audience := range audiences {
		assert.Regexp(t, `^https://api\.dev\.bokbasen\.io/[a-z]+/$`, audience)
		token, _ := h.bokbasenOK(h.bokbasenForm(devauth.AllLevels, "audience", audience))
		assert.Equal(t, audience, h.verified(devauth.Bokbasen, token).claims["aud"])
		seen[token] = true
	}
	assert.Len(t, seen, 7)
}

func TestBokbasenHandsOutOneTokenUntilLessThanTenMinutesAreLeft(t *testing.T) {
	t.Parallel()
	h := start(t)
	form := h.bokbasenForm(devauth.AllLevels)
	first, left := h.bokbasenOK(form)
	assert.Equal(t, 86400, left)

	for _, step := range []struct {
		wait time.Duration
		left int
	}{
		{time.Second, 86399},
		{time.Hour - time.Second, 82800},
		{22*time.Hour + 50*time.Minute, 600}, // ten minutes, not less
	} {
		h.advance(step.wait)
		again, left := h.bokbasenOK(form)
		assert.Equal(t, first, again)
		assert.Equal(t, step.left, left)
	}

	h.advance(time.Second)
	second, left := h.bokbasenOK(form)
	assert.NotEqual(t, first, second)
	assert.Equal(t, 86400, left)
	assert.InDelta(t, float64(h.clock().Unix()), h.verified(devauth.Bokbasen, second).claims["iat"], 0)

	other, _ := h.bokbasenOK(h.bokbasenForm(devauth.GetOnly))
	assert.NotEqual(t, second, other, "a token belongs to one client")
}

func TestBokbasenRefuses(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, row := range []struct {
		name   string
		edit   []string
		status int
		code   string
	}{
		{"a wrong secret", []string{"client_secret", "wrong"}, 401, "access_denied"},
		{"an unknown client", []string{"client_id", "nobody"}, 401, "access_denied"},
		{"no client", []string{"client_id", ""}, 401, "access_denied"},
		{"no secret", []string{"client_secret", ""}, 401, "access_denied"},
		{"no audience", []string{"audience", ""}, 401, "access_denied"},
		{"no grant", []string{"grant_type", ""}, 401, "access_denied"},
		{"another grant", []string{"grant_type", "password"}, 400, "unsupported_grant_type"},
		{"an audience not granted", []string{"audience", "https://api.dev.bokbasen.io/order/"}, 403, "access_denied"},
		{"an audience that is not there", []string{"audience", "https://api.dev.bokbasen.io/nothing/"}, 403, "access_denied"},
		{"an audience without its slash", []string{"audience", strings.TrimSuffix(articles, "/")}, 403, "access_denied"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			form := h.bokbasenForm(devauth.GetOnly, row.edit...)
			for _, a := range []answer{h.bokbasen(form), h.postForm(h.base+"/oauth/token", form)} {
				assert.Equal(t, row.status, a.Status)
				assert.Equal(t, row.code, a.Members(t)["error"])
				assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
			}
		})
	}
}

func TestBokbasenRefusesOtherShapesOfRequest(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, secret := h.credentials(devauth.Bokbasen, devauth.AllLevels)
	for _, row := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"broken JSON", "application/json", `{"client_id":`, 400},
		{"JSON that is no object", "application/json", `[]`, 400},
		{"an attribute that is no string", "application/json", `{"client_id":"` + id + `","client_secret":"` + secret + `","audience":["` + articles + `"],"grant_type":"client_credentials"}`, 401},
		{"another content type", "text/plain", "client_id=" + id, 400},
		{"no content type", "", "client_id=" + id, 400},
		{"too large a body", "application/json", `{"x":"` + strings.Repeat("x", 16<<10) + `"}`, 413},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := h.do(h.request(http.MethodPost, h.base+"/oauth/token", row.contentType, row.body))
			assert.Equal(t, row.status, a.Status)
			assert.NotEmpty(t, a.Members(t)["error"])
		})
	}
	a := h.get(h.base + "/oauth/token")
	assert.Equal(t, http.StatusMethodNotAllowed, a.Status)
	assert.Equal(t, "POST", a.Header.Get("Allow"))
}

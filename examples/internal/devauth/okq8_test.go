package devauth_test

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const okq8Resource = "api://apim-x-api"

// okq8Form is the documented request; with edits it becomes a wrong one.
func (h *harness) okq8Form(name string, edit ...string) url.Values {
	h.t.Helper()
	id, secret := h.credentials(devauth.OKQ8, name)
	form := url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {id},
		"client_secret": {secret},
		"scope":         {okq8Resource + "/.default"},
	}
	return edited(form, edit...)
}

// edited sets parameters by pairs of name and value; an empty value removes.
func edited(form url.Values, edit ...string) url.Values {
	for n := 0; n < len(edit); n += 2 {
		form.Set(edit[n], edit[n+1])
		if edit[n+1] == "" {
			form.Del(edit[n])
		}
	}
	return form
}

func assertEntraHeaders(t *testing.T, a answer) {
	t.Helper()
	assert.Equal(t, "no-store, no-cache", a.Header.Get("Cache-Control"))
	assert.Equal(t, "no-cache", a.Header.Get("Pragma"))
	assert.Equal(t, "-1", a.Header.Get("Expires"))
	assert.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
}

func TestOKQ8AnswersTheDocumentedRequest(t *testing.T) {
	t.Parallel()
	h := start(t)
	a := h.postForm(h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(devauth.AllLevels))
	require.Equal(t, http.StatusOK, a.Status)
	assertEntraHeaders(t, a)

	body := a.Members(t)
	token := h.verified(devauth.OKQ8, body["access_token"].(string))
	delete(body, "access_token")
	assert.Equal(t, map[string]any{"token_type": "Bearer", "expires_in": 3599.0, "ext_expires_in": 3599.0}, body)

	c, err := h.Client(devauth.OKQ8, devauth.AllLevels)
	require.NoError(t, err)
	for _, opaque := range []string{"aio", "rh", "uti"} {
		assert.NotEmpty(t, token.claims[opaque])
		delete(token.claims, opaque)
	}
	issuer := h.base + "/" + devauth.Tenant + "/"
	assert.Equal(t, map[string]any{
		"aud": okq8Resource, "iss": issuer, "idp": issuer,
		"iat": float64(epoch.Unix() - 300), "nbf": float64(epoch.Unix() - 300), "exp": float64(epoch.Unix() + 3600),
		"appid": c.ID, "appidacr": "1", "idtyp": "app", "oid": c.ObjectID, "sub": c.ObjectID,
		"roles": []any{"get", "post", "put", "delete"}, "tid": devauth.Tenant, "ver": "1.0",
	}, token.claims)
	assert.Equal(t, "JWT", token.header["typ"])
	assert.Equal(t, token.header["kid"], token.header["x5t"])
}

func TestOKQ8KeysNameTheirCertificateAndNoAlgorithm(t *testing.T) {
	t.Parallel()
	h := start(t)
	k := h.keys(devauth.OKQ8)[0]
	assert.NotContains(t, k, "alg")
	assert.Equal(t, "sig", k["use"])
	der, err := base64.StdEncoding.DecodeString(k["x5c"].([]any)[0].(string))
	require.NoError(t, err)
	_, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	sum := sha1.Sum(der)
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), k["x5t"])
	assert.Equal(t, k["x5t"], k["kid"])
}

func TestOKQ8GrantsRolesByScope(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, row := range []struct {
		name, client, scope string
		want                any // nil: no roles claim at all
	}{
		{"default stands for everything granted", devauth.AllLevels, okq8Resource + "/.default", []any{"get", "post", "put", "delete"}},
		{"default stands for no more than is granted", devauth.GetOnly, okq8Resource + "/.default", []any{"get"}},
		{"an app without roles gets a token without the claim", devauth.NoLevel, okq8Resource + "/.default", nil},
		{"get alone", devauth.AllLevels, okq8Resource + "/get", []any{"get"}},
		{"post alone", devauth.AllLevels, okq8Resource + "/post", []any{"post"}},
		{"put alone", devauth.AllLevels, okq8Resource + "/put", []any{"put"}},
		{"delete alone", devauth.AllLevels, okq8Resource + "/delete", []any{"delete"}},
		{"two levels at once", devauth.AllLevels, okq8Resource + "/delete " + okq8Resource + "/get", []any{"get", "delete"}},
		{"a level not granted is left out", devauth.GetOnly, okq8Resource + "/post", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := h.postForm(h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(row.client, "scope", row.scope))
			require.Equal(t, http.StatusOK, a.Status)
			token := h.verified(devauth.OKQ8, a.Members(t)["access_token"].(string))
			assert.Equal(t, row.want, token.claims["roles"])
			if row.want == nil {
				assert.NotContains(t, token.claims, "roles")
			}
		})
	}
}

func TestOKQ8Refuses(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, row := range []struct {
		name   string
		edit   []string
		status int
		code   string
		aadsts int
	}{
		{"a wrong secret", []string{"client_secret", "wrong"}, 401, "invalid_client", 7000215},
		{"no secret", []string{"client_secret", ""}, 401, "invalid_client", 7000216},
		{"an unknown client", []string{"client_id", "00000000-0000-4000-8000-000000000000"}, 400, "unauthorized_client", 700016},
		{"no client", []string{"client_id", ""}, 400, "invalid_request", 900144},
		{"another grant", []string{"grant_type", "password"}, 400, "unsupported_grant_type", 70003},
		{"no grant", []string{"grant_type", ""}, 400, "invalid_request", 900144},
		{"no scope", []string{"scope", ""}, 400, "invalid_request", 90014},
		{"a level that does not exist", []string{"scope", okq8Resource + "/patch"}, 400, "invalid_scope", 70011},
		{"a level in capitals", []string{"scope", okq8Resource + "/GET"}, 400, "invalid_scope", 70011},
		{"default beside a level", []string{"scope", okq8Resource + "/.default " + okq8Resource + "/get"}, 400, "invalid_scope", 70011},
		{"a scope without its resource", []string{"scope", "get"}, 400, "invalid_scope", 1002012},
		{"another resource", []string{"scope", "api://somebody-else/.default"}, 400, "invalid_resource", 500011},
		{"a doubled slash", []string{"scope", okq8Resource + "//.default"}, 400, "invalid_resource", 500011},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := h.postForm(h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(devauth.AllLevels, row.edit...))
			assertEntraError(t, a, row.status, row.code, row.aadsts)
		})
	}
}

func assertEntraError(t *testing.T, a answer, status int, code string, aadsts int) {
	t.Helper()
	assert.Equal(t, status, a.Status)
	assertEntraHeaders(t, a)
	body := a.Members(t)
	assert.Equal(t, code, body["error"])
	assert.Equal(t, []any{float64(aadsts)}, body["error_codes"])
	assert.Equal(t, "2026-03-01 12:00:00Z", body["timestamp"])
	description := body["error_description"].(string)
	assert.Regexp(t, fmt.Sprintf(`^AADSTS%d: [^:]+[.:] `, aadsts), description)
	for _, member := range []string{"trace_id", "correlation_id"} {
		assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, body[member])
		assert.Contains(t, description, body[member])
	}
}

func TestOKQ8RefusesOtherShapesOfRequest(t *testing.T) {
	t.Parallel()
	h := start(t)
	address := h.issuer(devauth.OKQ8).TokenURL
	form := h.okq8Form(devauth.AllLevels)
	const formType = "application/x-www-form-urlencoded"

	t.Run("another tenant", func(t *testing.T) {
		t.Parallel()
		elsewhere := strings.Replace(address, devauth.Tenant, "00000000-0000-4000-8000-000000000000", 1)
		assertEntraError(t, h.postForm(elsewhere, form), 400, "invalid_request", 90002)
	})
	t.Run("GET", func(t *testing.T) {
		t.Parallel()
		a := h.get(address)
		assertEntraError(t, a, 405, "invalid_request", 900561)
		assert.Equal(t, "POST", a.Header.Get("Allow"))
	})
	t.Run("JSON, which Entra does not read", func(t *testing.T) {
		t.Parallel()
		a := h.do(h.request(http.MethodPost, address, "application/json", `{"grant_type":"client_credentials"}`))
		assertEntraError(t, a, 400, "invalid_request", 900144)
	})
	t.Run("credentials in the query", func(t *testing.T) {
		t.Parallel()
		a := h.do(h.request(http.MethodPost, address+"?"+form.Encode(), formType, ""))
		assertEntraError(t, a, 400, "invalid_request", 900144)
	})
	t.Run("a parameter twice", func(t *testing.T) {
		t.Parallel()
		a := h.do(h.request(http.MethodPost, address, formType, form.Encode()+"&scope=x"))
		assertEntraError(t, a, 400, "invalid_request", 9000411)
	})
	t.Run("a broken escape", func(t *testing.T) {
		t.Parallel()
		a := h.do(h.request(http.MethodPost, address, formType, form.Encode()+"&x=%zz"))
		assertEntraError(t, a, 400, "invalid_request", 90023)
	})
	t.Run("a body over the limit", func(t *testing.T) {
		t.Parallel()
		a := h.do(h.request(http.MethodPost, address, formType, form.Encode()+"&x="+strings.Repeat("x", 16<<10)))
		assertEntraError(t, a, 413, "invalid_request", 90023)
	})
}

package devauth_test

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"fmt"
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
	c := h.client(devauth.OKQ8, name)
	return edited(url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {c.Secret}, "scope": {okq8Resource + "/.default"},
	}, edit...)
}

// okq8 posts the documented request, with edits.
func (h *harness) okq8(name string, edit ...string) answer {
	h.t.Helper()
	return h.postForm(h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(name, edit...))
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
	a := h.okq8(devauth.AllLevels)
	assertEntraHeaders(t, a)
	token := h.granted(devauth.OKQ8, a, map[string]any{"token_type": "Bearer", "expires_in": 3599.0, "ext_expires_in": 3599.0})
	for _, opaque := range []string{"aio", "rh", "uti"} {
		assert.NotEmpty(t, token.claims[opaque])
		delete(token.claims, opaque)
	}
	c, issuer := h.client(devauth.OKQ8, devauth.AllLevels), h.base+"/"+devauth.Tenant+"/"
	assert.Equal(t, map[string]any{
		"aud": okq8Resource, "iss": issuer, "idp": issuer,
		"iat": float64(epoch.Unix() - 300), "nbf": float64(epoch.Unix() - 300), "exp": float64(epoch.Unix() + 3600),
		"appid": c.ID, "appidacr": "1", "idtyp": "app", "oid": c.ObjectID, "sub": c.ObjectID,
		"roles": []any{"get", "post", "put", "delete"}, "tid": devauth.Tenant, "ver": "1.0",
	}, token.claims)
	assert.Equal(t, "JWT", token.header["typ"])
	assert.Equal(t, token.header["kid"], token.header["x5t"])
}

func TestOKQ8KeysNameTheirCertificate(t *testing.T) {
	t.Parallel()
	k := start(t).keys(devauth.OKQ8)[0]
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
		token := h.granted(devauth.OKQ8, h.okq8(row.client, "scope", row.scope), nil)
		roles, has := token.claims["roles"]
		assert.Equal(t, row.want, roles, row.name)
		assert.Equal(t, row.want != nil, has, row.name)
	}
}

func TestOKQ8Refuses(t *testing.T) {
	t.Parallel()
	h := start(t)
	address, form := h.issuer(devauth.OKQ8).TokenURL, h.okq8Form(devauth.AllLevels).Encode()
	elsewhere := strings.Replace(address, devauth.Tenant, "00000000-0000-4000-8000-000000000000", 1)
	but := func(name, value string) answer { return h.okq8(devauth.AllLevels, name, value) }
	for _, row := range []struct {
		refused
		aadsts int
	}{
		{refused{"a wrong secret", but("client_secret", "wrong"), 401, "invalid_client"}, 7000215},
		{refused{"no secret", but("client_secret", ""), 401, "invalid_client"}, 7000216},
		{refused{"an unknown client", but("client_id", "00000000-0000-4000-8000-000000000000"), 400, "unauthorized_client"}, 700016},
		{refused{"no client", but("client_id", ""), 400, "invalid_request"}, 900144},
		{refused{"another grant", but("grant_type", "password"), 400, "unsupported_grant_type"}, 70003},
		{refused{"no grant", but("grant_type", ""), 400, "invalid_request"}, 900144},
		{refused{"no scope", but("scope", ""), 400, "invalid_request"}, 90014},
		{refused{"a level that does not exist", but("scope", okq8Resource+"/patch"), 400, "invalid_scope"}, 70011},
		{refused{"a level in capitals", but("scope", okq8Resource+"/GET"), 400, "invalid_scope"}, 70011},
		{refused{"default beside a level", but("scope", okq8Resource+"/.default "+okq8Resource+"/get"), 400, "invalid_scope"}, 70011},
		{refused{"a scope without its resource", but("scope", "get"), 400, "invalid_scope"}, 1002012},
		{refused{"another resource", but("scope", "api://somebody-else/.default"), 400, "invalid_resource"}, 500011},
		{refused{"a doubled slash", but("scope", okq8Resource+"//.default"), 400, "invalid_resource"}, 500011},
		{refused{"another tenant", h.post(elsewhere, typeForm, form), 400, "invalid_request"}, 90002},
		{refused{"JSON, which Entra does not read", h.post(address, typeJSON, `{"grant_type":"client_credentials"}`), 400, "invalid_request"}, 900144},
		{refused{"credentials in the query", h.post(address+"?"+form, typeForm, ""), 400, "invalid_request"}, 900144},
		{refused{"a parameter twice", h.post(address, typeForm, form+"&scope=x"), 400, "invalid_request"}, 9000411},
		{refused{"a broken escape", h.post(address, typeForm, form+"&x=%zz"), 400, "invalid_request"}, 90023},
		{refused{"a body over the limit", h.post(address, typeForm, form+"&x="+strings.Repeat("x", 16<<10)), 413, "invalid_request"}, 90023},
		{refused{"GET", h.get(address), 405, "invalid_request"}, 900561},
	} {
		assertRefused(t, []refused{row.refused}, "no-store, no-cache")
		assertEntraHeaders(t, row.answer)
		body := row.answer.Members(t)
		assert.Equal(t, []any{float64(row.aadsts)}, body["error_codes"], row.name)
		assert.Equal(t, "2026-03-01 12:00:00Z", body["timestamp"])
		assert.Regexp(t, fmt.Sprintf(`^AADSTS%d: [^:]+[.:] `, row.aadsts), body["error_description"])
		for _, member := range []string{"trace_id", "correlation_id"} {
			assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, body[member])
			assert.Contains(t, body["error_description"], body[member])
		}
	}
}

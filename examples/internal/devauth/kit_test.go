package devauth_test

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	typeForm = "application/x-www-form-urlencoded"
	typeJSON = "application/json"
)

// epoch is when the tests' clocks start.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type answer = testkit.Answer

// harness is a server on a real loopback socket, with a clock to turn and a
// log to read.
type harness struct {
	*devauth.Server
	t       *testing.T
	base    string
	log     testkit.Buffer
	elapsed atomic.Int64
}

func start(t *testing.T) *harness {
	t.Helper()
	h := &harness{t: t}
	h.Server = testkit.Auth(t, devauth.Config{Now: h.clock, Logger: slog.New(slog.NewJSONHandler(&h.log, nil))})
	h.base = h.URL()
	return h
}

func (h *harness) clock() time.Time { return epoch.Add(time.Duration(h.elapsed.Load())) }

func (h *harness) advance(d time.Duration) { h.elapsed.Add(int64(d)) }

func (h *harness) issuer(scheme devauth.Scheme) devauth.IssuerInfo {
	h.t.Helper()
	return h.Issuers()[slices.Index(devauth.Schemes, scheme)]
}

func (h *harness) client(scheme devauth.Scheme, name string) devauth.Client {
	h.t.Helper()
	c, err := h.Client(scheme, name)
	require.NoError(h.t, err)
	return c
}

// mint mints a token for the client with all levels.
func (h *harness) mint(scheme devauth.Scheme, flaw devauth.Flaw) string {
	h.t.Helper()
	return testkit.Mint(h.t, h.Server, scheme, devauth.AllLevels, flaw)
}

func (h *harness) get(address string) answer {
	h.t.Helper()
	return testkit.Get(h.t, address, "")
}

func (h *harness) post(address, contentType, body string) answer {
	h.t.Helper()
	r := testkit.NewRequest(h.t, http.MethodPost, address, "", body)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return testkit.Do(h.t, r)
}

func (h *harness) postForm(address string, form url.Values) answer {
	h.t.Helper()
	return h.post(address, typeForm, form.Encode())
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

// refused is an answer that must be this error.
type refused struct {
	name   string
	answer answer
	status int
	code   string
}

func assertRefused(t *testing.T, rows []refused, cacheControl string) {
	t.Helper()
	for _, row := range rows {
		assert.Equal(t, row.status, row.answer.Status, row.name)
		assert.Equal(t, row.code, row.answer.Members(t)["error"], row.name)
		assert.Equal(t, cacheControl, row.answer.Header.Get("Cache-Control"), row.name)
		challenge := ""
		if row.code == "invalid_client" && cacheControl == "no-store" { // of the messaging platform alone
			challenge = `Basic realm="token", charset="UTF-8"`
		}
		assert.Equal(t, challenge, row.answer.Header.Get("WWW-Authenticate"), row.name)
	}
}

// jws is a token taken apart.
type jws struct {
	raw            string
	header, claims map[string]any
}

// granted takes apart the token of an answer whose other members are as wanted.
func (h *harness) granted(scheme devauth.Scheme, a answer, want map[string]any) jws {
	h.t.Helper()
	require.Equal(h.t, http.StatusOK, a.Status, a.Body)
	body := a.Members(h.t)
	token, ok := body["access_token"].(string)
	require.True(h.t, ok)
	if want != nil {
		delete(body, "access_token")
		require.Equal(h.t, want, body)
	}
	return h.verified(scheme, token)
}

// verified fails the test unless the token's signature fits a published key.
func (h *harness) verified(scheme devauth.Scheme, token string) jws {
	h.t.Helper()
	parsed, ok := h.verify(scheme, token)
	require.True(h.t, ok, "no published key fits the signature")
	return parsed
}

func (h *harness) verify(scheme devauth.Scheme, token string) (jws, bool) {
	h.t.Helper()
	parts := strings.Split(token, ".")
	require.Len(h.t, parts, 3)
	part := func(n int) []byte {
		decoded, err := base64.RawURLEncoding.DecodeString(parts[n])
		require.NoError(h.t, err)
		return decoded
	}
	parsed := jws{raw: token}
	require.NoError(h.t, json.Unmarshal(part(0), &parsed.header))
	require.NoError(h.t, json.Unmarshal(part(1), &parsed.claims))
	keys, err := jwks.ParseJWKS([]byte(h.get(h.issuer(scheme).JWKSURL).Body))
	require.NoError(h.t, err)
	for _, k := range keys {
		if k.ID() == parsed.header["kid"] {
			return parsed, k.Verify(parsed.header["alg"].(string), []byte(parts[0]+"."+parts[1]), part(2)) == nil
		}
	}
	return parsed, false
}

// keys are what the issuer publishes.
func (h *harness) keys(scheme devauth.Scheme) []map[string]any {
	h.t.Helper()
	var set struct{ Keys []map[string]any }
	h.get(h.issuer(scheme).JWKSURL).Decode(h.t, &set)
	return set.Keys
}

func (h *harness) kids(scheme devauth.Scheme) (kids []string) {
	h.t.Helper()
	for _, k := range h.keys(scheme) {
		kids = append(kids, k["kid"].(string))
	}
	return kids
}

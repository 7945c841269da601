package devauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// epoch is when the tests' clocks start.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// harness is a server on a real loopback socket, with a clock to turn and a
// log to read.
type harness struct {
	*devauth.Server
	t    *testing.T
	base string
	log  *testkit.Buffer

	mu  sync.Mutex
	now time.Time
}

func start(t *testing.T) *harness {
	t.Helper()
	h := &harness{t: t, now: epoch, log: &testkit.Buffer{}}
	s, err := devauth.Start("127.0.0.1:0", devauth.Config{Now: h.clock, Logger: slog.New(slog.NewJSONHandler(h.log, nil))})
	require.NoError(t, err)
	h.Server = s
	h.base = s.URL()
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return h
}

func (h *harness) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *harness) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *harness) issuer(scheme devauth.Scheme) devauth.IssuerInfo {
	h.t.Helper()
	issuers := h.Issuers()
	for n := range issuers {
		if issuers[n].Scheme == scheme {
			return issuers[n]
		}
	}
	require.FailNow(h.t, "no such scheme")
	return devauth.IssuerInfo{}
}

// credentials of a client by its name.
func (h *harness) credentials(scheme devauth.Scheme, name string) (id, secret string) {
	h.t.Helper()
	c, err := h.Client(scheme, name)
	require.NoError(h.t, err)
	secret, err = h.Secret(scheme, c.ID)
	require.NoError(h.t, err)
	return c.ID, secret
}

type answer = testkit.Answer

func (h *harness) do(r *http.Request) answer {
	h.t.Helper()
	return testkit.Do(h.t, r)
}

func (h *harness) request(method, address, contentType, body string) *http.Request {
	h.t.Helper()
	r := testkit.NewRequest(h.t, method, address, "", body)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func (h *harness) get(address string) answer {
	h.t.Helper()
	return h.do(h.request(http.MethodGet, address, "", ""))
}

func (h *harness) postForm(address string, form url.Values) answer {
	h.t.Helper()
	return h.do(h.request(http.MethodPost, address, "application/x-www-form-urlencoded", form.Encode()))
}

// jws is a token taken apart and verified with the keys its issuer publishes.
type jws struct {
	raw    string
	header map[string]any
	claims map[string]any
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
	parsed := jws{raw: token, header: segment(h.t, parts[0]), claims: segment(h.t, parts[1])}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(h.t, err)
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	for _, k := range h.keys(scheme) {
		if k["kid"] == parsed.header["kid"] {
			return parsed, fits(h.t, k, parsed.header["alg"], digest[:], signature)
		}
	}
	return parsed, false
}

func segment(t *testing.T, text string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	var v map[string]any
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

// keys fetches what the issuer's metadata says its keys are.
func (h *harness) keys(scheme devauth.Scheme) []map[string]any {
	h.t.Helper()
	metadata := h.get(h.issuer(scheme).DiscoveryURL)
	require.Equal(h.t, http.StatusOK, metadata.Status)
	jwksURI, ok := metadata.Members(h.t)["jwks_uri"].(string)
	require.True(h.t, ok)
	var set struct{ Keys []map[string]any }
	h.get(jwksURI).Decode(h.t, &set)
	return set.Keys
}

func (h *harness) kids(scheme devauth.Scheme) []string {
	h.t.Helper()
	var kids []string
	for _, k := range h.keys(scheme) {
		kids = append(kids, k["kid"].(string))
	}
	return kids
}

func fits(t *testing.T, k map[string]any, alg any, digest, signature []byte) bool {
	t.Helper()
	octets := func(name string) []byte {
		raw, err := base64.RawURLEncoding.DecodeString(k[name].(string))
		require.NoError(t, err)
		return raw
	}
	switch alg {
	case "RS256":
		pub := &rsa.PublicKey{N: new(big.Int).SetBytes(octets("n")), E: int(new(big.Int).SetBytes(octets("e")).Int64())}
		assert.Equal(t, 2048, pub.N.BitLen())
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest, signature) == nil
	case "ES256":
		require.Len(t, signature, 64)
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, octets("x"), octets("y")))
		require.NoError(t, err)
		return ecdsa.Verify(pub, digest, new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	default:
		require.FailNow(t, "unexpected alg", "%v", alg)
		return false
	}
}

package jwkstest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func guarded(t *testing.T, iss *jwkstest.Issuer) http.Handler {
	t.Helper()
	gate := must(sallyport.New(iss.Issuer(), iss.Audience()))
	t.Cleanup(func() { assert.NoError(t, gate.Close()) })
	return gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		fmt.Fprintln(w, c.Subject())
	}))
}

// fakeTB is a test that fails on purpose, and what it says.
type fakeTB struct {
	testing.TB
	errors []string
}

func (f *fakeTB) Helper() {}

func (f *fakeTB) Cleanup(func()) {}

func (f *fakeTB) Error(args ...any) { f.errors = append(f.errors, fmt.Sprint(args...)) }

func (f *fakeTB) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// panicOf runs f, and returns what it panics with as text.
func panicOf(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return text
}

func newVerifier(iss *jwkstest.Issuer, keys jwks.KeySet) *verifier.Verifier {
	return must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: keys, Algorithms: first(iss.Key().Algorithm(), forgedAlgorithms),
	}}}))
}

// whyNot is the reason of a refusal, "" of an accepted token.
func whyNot(t *testing.T, err error) reason.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *verifier.Error
	require.ErrorAs(t, err, &refused)
	return refused.Reason
}

// first is the list with alg in front: a key without alg is for the first one.
func first(alg string, list []string) []string {
	return append([]string{alg}, slices.DeleteFunc(slices.Clone(list), func(other string) bool { return other == alg })...)
}

var forgedAlgorithms = []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"}

func split(token string) (input string, signature []byte) {
	dot := strings.LastIndexByte(token, '.')
	return token[:dot], raw64(token[dot+1:])
}

func verifies(key *jwks.Key, alg, token string) bool {
	input, signature := split(token)
	return key.Verify(alg, []byte(input), signature) == nil
}

// open reads header and claims without checking anything.
func open(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	for i, to := range []*map[string]any{&header, &claims} {
		require.NoError(t, json.Unmarshal(raw64(parts[i]), to))
	}
	return header, claims
}

// must is for what cannot fail in a test that is right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// signedBy reports whether the token verifies under the key, by the code that production uses.
func signedBy(token string, key *jwkstest.Key) bool {
	return verifiedBy(token, key.Public(), key.Algorithm())
}

func verifiedBy(token string, public any, alg string) bool {
	return verifies(must(jwks.NewKey("", "", public)), alg, token)
}

func raw64(part string) []byte { return must(base64.RawURLEncoding.DecodeString(part)) }

func fetch(t *testing.T, client *http.Client, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp := must(client.Do(req))
	defer resp.Body.Close()
	body := must(io.ReadAll(resp.Body))
	return resp, string(body)
}

func kids(t *testing.T, iss *jwkstest.Issuer, client *http.Client) (kids []string) {
	t.Helper()
	_, body := fetch(t, client, iss.JWKSURL())
	keys, skipped, err := jose.ParseSet([]byte(body))
	require.NoError(t, err)
	require.Empty(t, skipped)
	for i := range keys {
		kids = append(kids, keys[i].ID)
	}
	return kids
}

func jsonText(t *testing.T, body, name string) string {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &doc))
	s, ok := doc[name].(string)
	require.True(t, ok, name)
	return s
}

package verifier_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

const (
	fuzzIssuer   = "https://issuer.example"
	fuzzTemplate = "https://login.example/{tenantid}/v2.0"
	fuzzTenant   = "aaaaaaaa-0000-4000-8000-000000000001"
	fuzzAudience = "api://orders"
	fuzzNow      = 1_790_000_000
	fuzzGood     = `{"iss":"https://issuer.example","aud":"api://orders","exp":1790003600,"iat":1790000000,"sub":"s","client_id":"c","scope":"read"}`
)

// fuzzKit is an issuer and two Verifiers that trust it, one with the cache.
type fuzzKit struct {
	ec            *ecdsa.PrivateKey
	ed            ed25519.PrivateKey
	cached, fresh *verifier.Verifier
	cfg           verifier.Config
	minted        map[string]bool // the signing inputs of what was signed on purpose
}

// anew is another Verifier of the same configuration, with a cache of its own.
func (k *fuzzKit) anew(t *testing.T) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(k.cfg)
	require.NoError(t, err)
	return v
}

var newFuzzKit = sync.OnceValue(func() *fuzzKit {
	// The same keys in every process: the fuzzer's workers get the seeds of its coordinator.
	ec, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		panic(err)
	}
	ed := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	k := &fuzzKit{ec: ec, ed: ed, minted: map[string]bool{}}
	point, err := ec.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	set, err := jwks.ParseJWKS(fmt.Appendf(nil,
		`{"keys":[{"kty":"EC","crv":"P-256","kid":"e","issuer":%q,"x":%q,"y":%q},{"kty":"OKP","crv":"Ed25519","kid":"d","issuer":%[1]q,"x":%[4]q}]}`,
		fuzzTemplate, b64url(point[1:33]), b64url(point[33:]), b64url(ed[ed25519.SeedSize:])))
	if err != nil {
		panic(err)
	}
	keys, err := jwks.NewStatic(set...)
	if err != nil {
		panic(err)
	}
	cfg := verifier.Config{
		Issuers: []verifier.Issuer{
			{Name: fuzzIssuer, Audiences: []string{fuzzAudience}, Keys: keys},
			{Name: fuzzTemplate, Tenants: []string{fuzzTenant}, Audiences: []string{fuzzAudience}, Keys: keys},
		},
		Now: func() time.Time { return time.Unix(fuzzNow, 0) },
	}
	k.cfg = cfg
	if k.cached, err = verifier.New(cfg); err != nil {
		panic(err)
	}
	cfg.CacheBytes = -1
	if k.fresh, err = verifier.New(cfg); err != nil {
		panic(err)
	}
	return k
})

func b64url(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// sign makes a token of any header and payload; es says which key signs.
func (k *fuzzKit) sign(header, payload string, es bool) string {
	input := b64url([]byte(header)) + "." + b64url([]byte(payload))
	if !es {
		return input + "." + b64url(ed25519.Sign(k.ed, []byte(input)))
	}
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.ec, sum[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + b64url(signature)
}

// agree asks every way there is about one token, the cached one twice, and
// wants a single answer.
func (k *fuzzKit) agree(t *testing.T, token string) (accepted bool) {
	t.Helper()
	c, err := k.fresh.Verify(t.Context(), token)
	code := reasonIn(t, err)
	for range 2 {
		again, err := k.cached.Verify(t.Context(), token)
		require.Equal(t, code, reasonIn(t, err))
		require.Equal(t, c == nil, again == nil)
		if c != nil {
			require.Equal(t, []string{c.Issuer(), c.Subject(), c.ClientID()}, []string{again.Issuer(), again.Subject(), again.ClientID()})
		}
	}
	report := k.fresh.Explain(t.Context(), token)
	require.Equal(t, err == nil, report.OK)
	require.Equal(t, code, report.Reason)
	require.Equal(t, err == nil, report.Hint == "")
	if err != nil {
		require.Nil(t, c)
		assertTellsNothing(t, err, token)
	}
	return err == nil
}

// reasonIn is the code of a refusal; "" if there is none.
func reasonIn(t *testing.T, err error) reason.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *verifier.Error
	require.ErrorAs(t, err, &refused)
	require.NotEmpty(t, refused.Reason)
	return refused.Reason
}

// assertTellsNothing looks for parts of the token that are too long to be
// words of the error's own.
func assertTellsNothing(t *testing.T, err error, token string) {
	t.Helper()
	for _, part := range strings.Split(token, ".") {
		if len(part) >= 24 {
			require.NotContains(t, err.Error(), part)
		}
	}
}

// FuzzToken asserts that Verify, the cache and Explain agree on any text, and
// that only what the issuer signed is ever accepted.
func FuzzToken(f *testing.F) {
	k := newFuzzKit()
	for _, es := range []bool{true, false} {
		alg := map[bool]string{true: "ES256", false: "EdDSA"}[es]
		token := k.sign(`{"alg":"`+alg+`","typ":"at+jwt"}`, fuzzGood, es)
		k.minted[token[:strings.LastIndexByte(token, '.')]] = true
		f.Add(token)
		f.Add(token + "=")
		f.Add(token[:len(token)-1] + "B")
		f.Add(strings.Replace(token, ".", "..", 1))
		f.Add(k.sign(`{"alg":"none"}`, fuzzGood, es))
		f.Add(k.sign(`{"alg":"HS256"}`, fuzzGood, es))
	}
	for _, seed := range []string{"", ".", "..", "a.b.c", "a.b.c.d.e", strings.Repeat("a", 9000), "e30.e30.AA", "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if k.agree(t, token) {
			require.True(t, k.minted[token[:strings.LastIndexByte(token, '.')]], "nobody signed this")
		}
	})
}

// FuzzSigned lets the issuer sign anything: what decides then is the policy,
// which policyAdmits tells a second time, plainly.
func FuzzSigned(f *testing.F) {
	k := newFuzzKit()
	const es, ed = `{"alg":"ES256","kid":"e","typ":"at+jwt"}`, `{"alg":"EdDSA","typ":"JWT"}`
	tenant := `{"iss":"https://login.example/` + fuzzTenant + `/v2.0","tid":"` + fuzzTenant + `","aud":["api://orders"],"exp":1790003600}`
	for _, seed := range [][2]string{
		{es, fuzzGood},
		{ed, fuzzGood},
		{es, tenant},
		{`{"alg":"ES256"}`, tenant},
		{`{"alg":"ES256","kid":"d"}`, fuzzGood},
		{`{"alg":"ES256","typ":"application/AT+jwt","kid":""}`, fuzzGood},
		{`{"alg":"ES256","typ":""}`, fuzzGood},
		{`{"alg":"ES256","cty":"JWT"}`, fuzzGood},
		{`{"alg":"ES256","crit":[]}`, fuzzGood},
		{`{"alg":"Ed25519","kid":"d"}`, fuzzGood},
		{`{"alg":"ES256","kid":"unknown"}`, fuzzGood},
		{es, strings.Replace(tenant, `"tid"`, `"TID"`, 1)},
		{es, strings.Replace(tenant, "0001/v2", "0002/v2", 1)},
		{es, strings.Replace(tenant, "/v2.0", "/v2.0/", 1)},
		{es, strings.Replace(fuzzGood, "1790003600", "1789999970", 1)},
		{es, strings.Replace(fuzzGood, "1790003600", "1789999970.5", 1)},
		{es, strings.Replace(fuzzGood, `"iat":1790000000`, `"nbf":1790000031`, 1)},
		{es, strings.Replace(fuzzGood, "1790003600", "1790003600000", 1)},
		{es, strings.Replace(fuzzGood, `"sub"`, `"cnf":{"jkt":"x"},"sub"`, 1)},
		{es, strings.Replace(fuzzGood, `"sub"`, `"typ":"ID","sub"`, 1)},
		{es, strings.Replace(fuzzGood, `"sub"`, `"at_hash":1,"sub"`, 1)},
		{es, strings.Replace(fuzzGood, `"sub"`, `"token_use":"id","sub"`, 1)},
		{es, strings.Replace(fuzzGood, `"scope":"read"`, `"scope":1`, 1)},
		{es, strings.Replace(fuzzGood, `orders"`, `orders/"`, 1)},
		{es, `{}`},
		{es, `[]`},
		{`{}`, `{}`},
	} {
		f.Add(seed[0], seed[1], true)
		f.Add(seed[0], seed[1], false)
	}
	f.Fuzz(func(t *testing.T, header, payload string, es bool) {
		token := k.sign(header, payload, es)
		want := len(token) <= 8<<10 && plainHeaderOK(header, es) && plainPayloadOK(payload)
		require.Equal(t, want, k.agree(t, token), "%s %s", header, payload)
	})
}

package jose_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
)

var alphabet = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// canonical is base64url as RFC 7515 section 2 has it, told in another way than
// the package does: the decoded bytes encode to the very same text.
func canonical(part string) ([]byte, bool) {
	if !alphabet.MatchString(part) {
		return nil, false
	}
	data, err := base64.RawURLEncoding.DecodeString(part)
	return data, err == nil && base64.RawURLEncoding.EncodeToString(data) == part
}

// FuzzCompact asserts that exactly one spelling of three byte strings is a token.
func FuzzCompact(f *testing.F) {
	for _, seed := range []string{
		"e30.e30.AA", "eyJhbGciOiJub25lIn0.e30.", "e30.e30.AB", "e30=.e30.AA", "e3\n0.e30.AA", "e30.e30.AA\r\n", "e30.e30.AAA\nA", "a.b.c.d.e", "a..c.d.e",
		".a.b", "a..b", "..", "....", "", "e30.e30.A+A/", "e30.e30.AA.", "{\"payload\":\"\"}",
		b64([]byte(`{"alg":"ES256","kid":"k","typ":"at+jwt"}`)) + "." + b64([]byte(`{"iss":"i","aud":["a"]}`)) + "." + b64(make([]byte, 64)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		parts := strings.Split(token, ".")
		c, err := jose.Split(token)
		switch {
		case len(parts) == 3 && !slices.Contains(parts, ""):
			require.NoError(t, err)
		case len(parts) == 5 && parts[0] != "":
			require.ErrorIs(t, err, jose.ErrEncrypted)
			return
		default:
			require.ErrorIs(t, err, jose.ErrMalformed)
			return
		}
		assert.Equal(t, parts[0]+"."+parts[1], string(c.SigningInput()))

		_, ok := canonical(parts[0])
		_, err = c.HeaderWith(nil)
		assert.Equal(t, !ok, errors.Is(err, jose.ErrEncoding), "header: %v", err)

		text, ok := canonical(parts[1])
		obj, err := c.PayloadWith(nil)
		assert.Equal(t, !ok, errors.Is(err, jose.ErrEncoding), "payload: %v", err)
		if err == nil {
			assert.Equal(t, string(text), obj.Text(), "what is read is what was signed")
		}

		want, ok := canonical(parts[2])
		signature, err := c.SignatureWith(nil)
		assert.Equal(t, ok, err == nil, "signature: %v", err)
		if ok {
			assert.Equal(t, want, signature)
		}
	})
}

// FuzzHeader compares the header with a plain reading by the strict JSON decoder.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{
		`{"alg":"RS256","kid":"k","typ":"at+jwt","cty":"JWT","nonce":"n"}`, `{"alg":"none"}`, `{"alg":null}`, `{"crit":["b64"],"b64":false}`,
		`{"ALG":"RS256"}`, `{"alg":"a","\u0061lg":"b"}`, `{"kid":"\ud83d\ude00"}`, `{"typ":""}`, `[]`, `{}{}`, "\ufeff{}", `{"jwk":{"a":1,"a":2}}`,
		"{\"alg\":\"\u017f256\"}", `{"alg":["RS256"]}`,
		`{"alg":"RS256","x5t":"t","x5t#S256":"s"}`, `{"kid":"","x5t":7}`, `{"kid":"k","x5t":"t"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := jose.Split(b64([]byte(text)) + ".e30.AA")
		if err != nil {
			require.Empty(t, text)
			return
		}
		h, err := c.HeaderWith(nil)
		want, ok := plainHeader([]byte(text))
		require.Equal(t, ok, err == nil, "%v", err)
		if ok {
			require.Equal(t, want, h)
			return
		}
		require.ErrorIs(t, err, jose.ErrHeader)
		require.Equal(t, jose.Header{}, h)
	})
}

func plainHeader(text []byte) (h jose.Header, ok bool) {
	members, ok := membersOf(text)
	if !ok {
		return h, false
	}
	for name, to := range map[string]*string{"alg": &h.Algorithm, "kid": &h.KeyID, "typ": &h.Type, "cty": &h.ContentType} {
		if v, present := members[name]; present && (v.Kind() != '"' || json.Unmarshal(v, to) != nil) {
			return jose.Header{}, false
		}
	}
	for name, to := range map[string]*string{"x5t": &h.Thumbprint, "x5t#S256": &h.ThumbprintSHA256} {
		if v := members[name]; h.KeyID == "" && v.Kind() == '"' {
			ok = ok && json.Unmarshal(v, to) == nil
		}
	}
	_, h.HasType = members["typ"]
	_, h.Critical = members["crit"]
	_, h.Unencoded = members["b64"]
	return h, ok
}

// membersOf decodes an object, null being none.
func membersOf(text []byte) (members map[string]jsontext.Value, ok bool) {
	err := json.Unmarshal(text, &members)
	return members, err == nil && members != nil
}

// FuzzParseSet asserts what holds for every key that a hostile set can bring:
// nothing private or symmetric, strong enough, of some use, and safe to ask.
func FuzzParseSet(f *testing.F) {
	ec, okp := ecSeed(), `{"kty":"OKP","crv":"Ed25519","kid":"d","x":"`+b64(edKey().Public().(ed25519.PublicKey))+`"}`
	rsa := `{"kty":"RSA","kid":"r","alg":"RS256","e":"AQAB","n":"` + b64(append([]byte{0xc1}, append(make([]byte, 254), 1)...)) + `"}`
	for _, seed := range []string{
		`{"keys":[` + ec + `,` + okp + `,` + rsa + `]}`, ec, okp, rsa, `{"keys":[{"kty":"oct","k":"` + b64(make([]byte, 64)) + `"}]}`, `{"keys":[1,null,{}]}`,
		`{"keys":[` + strings.Replace(ec, `"EC"`, `"EC","d":"AQ"`, 1) + `]}`, `{"keys":[` + strings.Replace(ec, `"EC"`, `"EC","use":"enc"`, 1) + `]}`,
		`{"keys":[` + strings.Replace(ec, `"EC"`, `"EC","key_ops":["verify"],"alg":"ES256","issuer":"https://i/{tenantid}"`, 1) + `]}`,
		`{"keys":{}}`, `{"keys":[],"keys":[]}`, `[]`, ``, `<html>`, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, `{"kty":"OKP","crv":"Ed448","x":"AA"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, skipped, err := jose.ParseSet(slices.Clone(data))
		set, ok := membersOf(data)
		if !ok {
			require.Error(t, err)
			return
		}
		if err != nil {
			require.Empty(t, keys)
			return
		}
		entries := []jsontext.Value{data}
		if list, plural := set["keys"]; plural {
			require.NoError(t, json.Unmarshal(list, &entries))
		}
		require.Len(t, entries, len(keys)+len(skipped))
		require.LessOrEqual(t, len(entries), 256)
		for i := range keys {
			assertUsable(t, &keys[i], entries)
		}
	})
}

func ecSeed() string {
	point := must(p256().PublicKey.Bytes())
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"e","x":%q,"y":%q}`, b64(point[1:33]), b64(point[33:]))
}

func assertUsable(t *testing.T, k *jose.Key, entries []jsontext.Value) {
	t.Helper()
	require.Contains(t, []string{"RSA", "EC", "OKP"}, k.Type())
	require.True(t, k.Type() != "RSA" || (k.Bits() >= 2048 && k.Bits() <= 8192))
	require.True(t, k.SameMaterial(k))
	require.True(t, slices.ContainsFunc(asymmetric, k.Fits), "a key that fits nothing is of no use")
	require.False(t, k.Fits("none") || k.Fits("HS256") || k.Fits(""))
	for _, alg := range asymmetric {
		require.ErrorIs(t, k.Verify(alg, input, make([]byte, (k.Bits()+7)/8)), jose.ErrSignature)
		require.ErrorIs(t, k.Verify(alg, input, nil), jose.ErrSignature)
	}
	require.True(t, slices.ContainsFunc(entries, func(e jsontext.Value) bool { return declares(e, k) }), "its declaration is some entry's own")
}

// declares says whether a JWK, read plainly, may have become k.
func declares(entry jsontext.Value, k *jose.Key) bool {
	members, ok := membersOf(entry)
	if !ok {
		return false
	}
	for name, want := range map[string]string{"kty": k.Type(), "kid": k.ID, "alg": k.Algorithm, "issuer": k.Issuer} {
		var got string
		if v, present := members[name]; present && json.Unmarshal(v, &got) != nil || got != want || !utf8.ValidString(got) {
			return false
		}
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if v, given := members[private]; given && v.Kind() != 'n' {
			return false
		}
	}
	var use string
	_ = json.Unmarshal(members["use"], &use)
	return use == "" || use == "sig"
}

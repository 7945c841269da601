package jose_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
)

func TestSplitTakesThreePartsAndNothingElse(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]error{
		"a.b.c": nil, "": jose.ErrMalformed, "a": jose.ErrMalformed, "a.b": jose.ErrMalformed, ".b.c": jose.ErrMalformed,
		"a..c": jose.ErrMalformed, "a.b.": jose.ErrMalformed, "a.b.c.d": jose.ErrMalformed, "..": jose.ErrMalformed,
		"a.b.c.d.e": jose.ErrEncrypted, "a..c.d.e": jose.ErrEncrypted, "a.b.c.d.e.f": jose.ErrMalformed, strings.Repeat(".", 8192): jose.ErrMalformed,
	} {
		_, err := jose.Split(token)
		assert.ErrorIs(t, err, want, "%.20q", token)
	}
}

func TestRow16Base64URLIsCanonical(t *testing.T) {
	t.Parallel()
	good := b64([]byte(`{"alg":"ES256","x":"??>>"}`)) // encodes with both - and _
	require.Contains(t, good+b64([]byte{0xff, 0xfe}), "_")
	for name, part := range map[string]string{
		"padding": b64([]byte(`{"alg":"x" }`)) + "=", "CR": good[:4] + "\r" + good[4:], "LF": good[:4] + "\n" + good[4:], "LF at the end": good + "\n",
		"space": good[:4] + " " + good[4:], "plus": "+" + good[1:], "slash": "/" + good[1:], "NUL": good + "\x00", "UTF-8": "é" + good,
		"spare bits": b64([]byte("{}"))[:2] + "1", "one letter left": "AAAAA",
	} {
		for _, token := range []string{part + ".e30.AA", "e30." + part + ".AA", "e30.e30." + part} {
			c, err := jose.Split(token)
			require.NoError(t, err)
			_, inHeader := c.HeaderWith(nil)
			_, inPayload := c.PayloadWith(nil)
			_, inSignature := c.SignatureWith(nil)
			assert.ErrorIs(t, errors.Join(inHeader, inPayload, inSignature), jose.ErrEncoding, name)
		}
	}
}

func header(t *testing.T, text string) (jose.Header, error) {
	t.Helper()
	c, err := jose.Split(b64([]byte(text)) + ".e30.AA")
	require.NoError(t, err)
	return c.HeaderWith(nil)
}

func TestHeadersAreReadStrictly(t *testing.T) {
	t.Parallel()
	h, err := header(t, `{"alg":"RS256","kid":"k","typ":"at+jwt","cty":"x","nonce":"n","jwk":{"kty":"oct"},"x5c":[1]}`)
	require.NoError(t, err)
	assert.Equal(t, jose.Header{Algorithm: "RS256", KeyID: "k", Type: "at+jwt", ContentType: "x", HasType: true}, h)

	h, err = header(t, `{"ALG":"RS256","crit":null,"b64":true}`)
	require.NoError(t, err)
	assert.Equal(t, jose.Header{Critical: true, Unencoded: true}, h, "names are case-sensitive, presence of crit and b64 is enough")

	for name, text := range map[string]string{
		"an array": `[]`, "a string": `"x"`, "nothing": ` `, "duplicate member": `{"alg":"RS256","alg":"none"}`, "escaped duplicate": `{"alg":"RS256","\u0061lg":"none"}`,
		"deep duplicate": `{"alg":"x","jwk":{"a":1,"a":2}}`, "alg a number": `{"alg":1}`, "alg null": `{"alg":null}`, "kid an array": `{"alg":"RS256","kid":["k"]}`,
		"typ an object": `{"typ":{}}`, "trailing data": `{}{}`, "trailing comma": `{"alg":"x",}`, "BOM": "\ufeff{}", "invalid UTF-8": "{\"kid\":\"\xff\"}", "UTF-16": "{\x00}\x00",
	} {
		_, err := header(t, text)
		assert.ErrorIs(t, err, jose.ErrHeader, name)
	}
}

// Go's decoder skips line ends, and what is left may have the length that the text promised.
func TestNoLineEndHidesInAPartOfAnyLength(t *testing.T) {
	t.Parallel()
	for n := range 25 {
		part := b64(slices.Repeat([]byte{'x'}, n))
		for at := range len(part) + 1 {
			for _, end := range []string{"\n", "\r", "\r\n", "\n\n\n", "\n\n\n\n"} {
				c, err := jose.Split("e30.e30." + part[:at] + end + part[at:])
				require.NoError(t, err)
				_, err = c.SignatureWith(nil)
				require.ErrorIs(t, err, jose.ErrEncoding, "%q at %d of %d letters", end, at, len(part))
			}
		}
	}
}

package corpus_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func unbase64(t *testing.T, text any) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(text))
	require.NoError(t, err)
	return data
}

// TestWeakKeysAreTheOnlyReason checks the signatures of weak keys without looking at the keys: they fit, so that who
// does not refuse the key lets the token in.
func TestWeakKeysAreTheOnlyReason(t *testing.T) {
	t.Parallel()
	points, moduli := 0, 0
	for _, c := range cases(t) {
		small, weak := strings.HasPrefix(c.Keys, "ed-small-order-"), strings.HasPrefix(c.Name, "jwks: RSA of ") || strings.HasPrefix(c.Name, "jwks: RSA with an exponent of one")
		if !small && !weak {
			continue
		}
		dot := strings.LastIndexByte(c.Token, '.')
		input, signature := []byte(c.Token[:dot]), unbase64(t, c.Token[dot+1:])
		keys := keysOf(t, read(t, "keys/"+c.Keys))
		key := keys[len(keys)-1]
		if small {
			points++
			assert.True(t, ed25519.Verify(unbase64(t, key["x"]), input, signature), c.Name)
			continue
		}
		moduli++
		n, e := new(big.Int).SetBytes(unbase64(t, key["n"])), new(big.Int).SetBytes(unbase64(t, key["e"]))
		sum := sha256.Sum256(input)
		block := new(big.Int).Exp(new(big.Int).SetBytes(signature), e, n).Bytes()
		assert.True(t, bytes.HasPrefix(block, []byte{1, 0xff, 0xff}) && bytes.HasSuffix(block, sum[:]), c.Name)
	}
	assert.Equal(t, 14, points, "the encodings of the eight points")
	assert.Equal(t, 6, moduli)
}

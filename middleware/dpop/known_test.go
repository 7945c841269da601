package dpop_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/reason"
)

// A header that is known takes no check away from the rest of a proof.
func TestProofsUnderAKnownHeaderAreCheckedAsTheFirst(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{}, "ES256")
	require.Nil(t, a.refused(t, a.request(a.proof())))
	used := a.proof()
	require.Nil(t, a.refused(t, a.request(used)), "its header is known by now")
	parts := strings.Split(a.proof(), ".")
	attacker := a.iss.NewProver("ES256")
	for name, row := range map[string]struct {
		proof string
		code  reason.Code
	}{
		"another method":         {a.proof(jwkstest.Claims{"htm": "POST"}), reason.InvalidDPoPProof},
		"another address":        {a.proof(jwkstest.Claims{"htu": host}), reason.InvalidDPoPProof},
		"another time":           {a.proof(jwkstest.Claims{"iat": 1}), reason.InvalidDPoPProof},
		"no jti":                 {a.proof(jwkstest.Claims{"jti": nil}), reason.InvalidDPoPProof},
		"another token":          {a.proof(jwkstest.Claims{"ath": "x"}), reason.InvalidDPoPProof},
		"a signature of another": {parts[0] + "." + parts[1] + "." + strings.Split(attacker.Proof("GET", address, a.token), ".")[2], reason.InvalidDPoPProof},
		"used before":            {used, reason.ReplayedDPoPProof},
	} {
		e := a.refused(t, a.request(row.proof))
		if assert.NotNil(t, e, name) {
			assert.Equal(t, row.code, e.Reason, "%s: %v", name, e)
		}
	}
	stolen := *a
	stolen.token = a.iss.Token(attacker.Bound())
	e := stolen.refused(t, stolen.request(stolen.proof()))
	require.NotNil(t, e, "the token of another key under the known header")
	assert.Equal(t, reason.UnsupportedBinding, e.Reason)
}

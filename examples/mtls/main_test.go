package main

import (
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func runWith(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log strings.Builder
	code = run(t.Context(), args, &out, &log)
	return code, out.String(), log.String()
}

func TestEveryClientIsAnsweredAsItShouldBe(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := runWith(t, "-addr", "127.0.0.1:0")
	assert.Equal(t, 0, code, stderr)
	assert.Equal(t, `200  the partner, with the token and its certificate
401  the partner's token, stolen by a client with a certificate of its own
401  the stolen token without a certificate
401  the stolen token, with the partner's certificate in a header, which no proxy sent
401  the partner, with a token that is bound to nothing
200  the partner once more
`, stdout)
}

func TestWrongFlagsAreNamed(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-adr", "x"}, {"x"}} {
		code, stdout, stderr := runWith(t, args...)
		assert.Equal(t, 2, code)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, "mtls: use the flag -addr and nothing else")
	}
	code, _, _ := runWith(t, "-h")
	assert.Equal(t, 0, code)
}

func TestAnAddressThatIsTakenEndsIt(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := runWith(t, "-addr", testkit.Listener(t).Addr().String())
	assert.Equal(t, 1, code)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "mtls: listen tcp")
}

package variables_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/internal/variables"
)

// Not parallel: these tests set the environment. What is unknown, and what is
// near it, is tested at sallyport.FromEnv.
func TestEveryVariableOfTheLibraryIsKnown(t *testing.T) {
	for _, name := range []string{
		sallyport.EnvIssuer, sallyport.EnvAudience, sallyport.EnvProvider, sallyport.EnvTenant, sallyport.EnvClients,
		sallyport.EnvJWKSURL, sallyport.EnvDiscoveryURL, sallyport.EnvDangerouslyPlainHTTP, sallyport.EnvLeeway, sallyport.EnvIgnore, sallyport.EnvProfile,
	} {
		t.Setenv(name, "SALLYPORT_X")
	}
	require.NoError(t, variables.Unknown())
	t.Setenv("SALLYPORT_LEWAY", "30s")
	assert.ErrorContains(t, variables.Unknown(), `"SALLYPORT_LEWAY" is unknown: is SALLYPORT_LEEWAY meant?`)
}

func TestLeeway(t *testing.T) {
	for text, want := range map[string]struct {
		d   time.Duration
		set bool
		err string
	}{
		"":     {},
		"0s":   {set: true},
		"2m":   {d: 2 * time.Minute, set: true},
		"-1s":  {err: `SALLYPORT_LEEWAY is "-1s": give a duration such as 30s`},
		"soon": {err: `SALLYPORT_LEEWAY is "soon"`},
	} {
		t.Setenv(sallyport.EnvLeeway, text)
		d, set, err := variables.Leeway()
		assert.Equal(t, want.d, d, text)
		assert.Equal(t, want.set, set, text)
		if want.err == "" {
			assert.NoError(t, err, text)
		} else {
			assert.ErrorContains(t, err, want.err)
		}
	}
}

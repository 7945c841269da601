package trust_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/trust"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAudienceBelongsToTheIssuersRightBeforeIt(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][]trust.Issuer{
		"-issuer A -audience x -audience y -issuer B -audience z":           {{Name: "A", Audiences: []string{"x", "y"}}, {Name: "B", Audiences: []string{"z"}}},
		"-issuer A -issuer B -audience x -audience y":                       {{Name: "A", Audiences: []string{"x", "y"}}, {Name: "B", Audiences: []string{"x", "y"}}},
		"-audience x -issuer A -issuer B -audience y -issuer A -audience z": {{Name: "A", Audiences: []string{"x", "y", "z"}}, {Name: "B", Audiences: []string{"x", "y"}}},
	} {
		var trusted trust.Flags
		flags := flag.NewFlagSet("program", flag.ContinueOnError)
		trusted.Define(flags)
		require.NoError(t, flags.Parse(strings.Fields(args)))
		assert.Empty(t, trusted.Mistakes("program"))
		assert.Equal(t, want, trusted.Issuers(), args)
		providers := trust.Providers(trusted.Issuers(), "")
		require.Len(t, providers, len(want))
		for i := range want {
			assert.Equal(t, want[i].Audiences, providers[i].Issuers[0].Tokens.Audiences)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-issuer A":                       "program: -issuer A has no audience: add -audience after it",
		"-audience x":                     "program: -audience without -issuer: say whose tokens are meant with -issuer, or leave both out",
		"-issuer A -audience x -issuer B": "program: -issuer B has no audience: add -audience after it",
	} {
		var trusted trust.Flags
		flags := flag.NewFlagSet("program", flag.ContinueOnError)
		trusted.Define(flags)
		require.NoError(t, flags.Parse(strings.Fields(args)))
		mistakes := trusted.Mistakes("program")
		require.Len(t, mistakes, 1, args)
		assert.EqualError(t, mistakes[0], want)
	}
}

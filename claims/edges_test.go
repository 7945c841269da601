package claims_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
)

func TestEqualsMistakesNothingForANumber(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		want    any
		payload string
		allowed bool
	}{
		"zero":                                        {0, `{"n":0}`, true},
		"zero with a fraction":                        {0, `{"n":0.0}`, true},
		"a string is not zero":                        {0, `{"n":"x"}`, false},
		"null is not zero":                            {0, `{"n":null}`, false},
		"nothing is not zero":                         {0, `{}`, false},
		"an overflow is not zero":                     {0, `{"n":1e400}`, false},
		"a string is not zero as a float":             {0.0, `{"n":"x"}`, false},
		"an object is not zero as a float":            {0.0, `{"n":{}}`, false},
		"a string is not false":                       {false, `{"n":"false"}`, false},
		"the least integer that a float64 tells":      {-9007199254740991, `{"n":-9007199254740991.0}`, true},
		"below it, one that it takes for another":     {-9007199254740992, `{"n":-9007199254740993.0}`, false},
		"below it, the next one":                      {-9007199254740993, `{"n":-9007199254740992}`, false},
		"above it, one that it takes for another":     {9007199254740992, `{"n":9007199254740993.0}`, false},
		"above it, the next one":                      {9007199254740993, `{"n":9007199254740992}`, false},
		"however large, the same digits are the same": {-9007199254740993, `{"n":-9007199254740993}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule := claims.Equals(row.want, "n")
			require.NoError(t, rule.Err())
			c, err := claims.Parse([]byte(row.payload), claims.DefaultMapping())
			require.NoError(t, err)
			assert.Equal(t, row.allowed, rule.Check(c).Allowed)
		})
	}
}

// The scope-token of RFC 6749 section 3.3 is %x21 / %x23-5B / %x5D-7E.
func TestAScopeMayHoldEveryCharacterOfItsGrammar(t *testing.T) {
	t.Parallel()
	for c := range rune(0x100) {
		allowed := c >= 0x21 && c <= 0x7e && c != '"' && c != '\\'
		err := claims.AllScopes("a" + string(c) + "b").Err()
		assert.Equal(t, allowed, err == nil, "%q: %v", c, err)
	}
}

package claims_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

func TestRulesOverFacts(t *testing.T) {
	t.Parallel()
	denied := func(text string) denial { return denial{reason.Denied, "", []string{text}} }
	for name, row := range map[string]struct {
		rule claims.Rule
		want denial
	}{
		"any token":                           {rule: claims.AnyToken()},
		"an app where an app is wanted":       {rule: claims.AppOnly()},
		"an app where a user is wanted":       {claims.UserOnly(), denial{reason.WrongCaller, "", []string{"a user as the caller"}}},
		"a client on the list":                {rule: claims.ClientIn("c-0", "c-1")},
		"a client not on the list":            {claims.ClientIn("c", "C-1"), denial{reason.WrongClient, "", []string{"a client of c, C-1"}}},
		"a string equals":                     {rule: claims.Equals("gold", "tier")},
		"a string with an escape equals":      {rule: claims.Equals("a/b", "esc")},
		"a string differs in case":            {claims.Equals("Gold", "tier"), denied(`claim tier equal to "Gold"`)},
		"a nested claim with dots equals":     {rule: claims.Equals("t-1", "https://api.example/t", "id")},
		"dots do not lead into a claim":       {claims.Equals("t-1", "https://api.example/t.id"), denied(`claim https://api.example/t.id equal to "t-1"`)},
		"true equals":                         {rule: claims.Equals(true, "vip")},
		"true is not false":                   {claims.Equals(true, "off"), denied("claim off equal to true")},
		"false equals":                        {rule: claims.Equals(false, "off")},
		"absent is not false":                 {claims.Equals(false, "absent"), denied("claim absent equal to false")},
		"null is not false":                   {claims.Equals(false, "null"), denied("claim null equal to false")},
		"null is not empty":                   {claims.Equals("", "null"), denied(`claim null equal to ""`)},
		"an int equals":                       {rule: claims.Equals(1, "n")},
		"an int equals 1.0":                   {rule: claims.Equals(int64(1), "one")},
		"an int equals 1e0":                   {rule: claims.Equals(1, "exp1")},
		"an int is not another":               {claims.Equals(2, "n"), denied("claim n equal to 2")},
		"an int is no string":                 {claims.Equals(1, "tier"), denied("claim tier equal to 1")},
		"a string is no int":                  {claims.Equals("1", "n"), denied(`claim n equal to "1"`)},
		"a large int equals":                  {rule: claims.Equals(9007199254740993, "big")},
		"a large int is not its neighbour":    {claims.Equals(9007199254740992, "big"), denied("claim big equal to 9007199254740992")},
		"a float equals":                      {rule: claims.Equals(1.5, "float")},
		"a float equals an int":               {rule: claims.Equals(1.0, "n")},
		"a float is not another":              {claims.Equals(1.25, "float"), denied("claim float equal to 1.25")},
		"an object equals nothing":            {claims.Equals("x", "obj"), denied(`claim obj equal to "x"`)},
		"an array contains":                   {rule: claims.Contains("y", "groups")},
		"a single string is a list of one":    {rule: claims.Contains("admins", "group")},
		"a part of a string is not contained": {claims.Contains("admin", "group"), denied(`claim group containing "admin"`)},
		"an array does not contain":           {claims.Contains("z", "groups"), denied(`claim groups containing "z"`)},
		"a number is not contained":           {claims.Contains("1", "nums"), denied(`claim nums containing "1"`)},
		"a member name is not contained":      {claims.Contains("x", "obj"), denied(`claim obj containing "x"`)},
		"an absent claim contains nothing":    {claims.Contains("x", "absent"), denied(`claim absent containing "x"`)},
		"an own function says yes":            {rule: claims.Func("of c-1", func(c *claims.Claims) bool { return c.ClientID() == "c-1" })},
		"an own function says no":             {claims.Func("weekday", func(*claims.Claims) bool { return false }), denied("weekday")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, row.rule, caller, row.want)
		})
	}
}

func TestATokenThatDoesNotTellItsCallerIsNeither(t *testing.T) {
	t.Parallel()
	check(t, claims.AppOnly(), `{}`, denial{reason.WrongCaller, "", []string{"an app as the caller"}})
	check(t, claims.UserOnly(), `{}`, denial{reason.WrongCaller, "", []string{"a user as the caller"}})
	check(t, claims.UserOnly(), `{"idtyp":"user"}`, denial{})
	check(t, claims.ClientIn("c-1"), `{}`, denial{reason.WrongClient, "", []string{"a client of c-1"}})
}

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
			assert.Equal(t, row.allowed, rule.Check(parse(t, row.payload)).Allowed)
		})
	}
}

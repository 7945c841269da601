package setting_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/setting"
)

func TestWhatCanMatchNothing(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                                  "",
		"https://issuer.example/a,b?x=1;y":  "",
		"https://issuer.example/{tenantid}": "",
		"sb-app!b12|xsuaa!b1":               "",
		"o'brien":                           "",
		"größe":                             "",
		" a":                                "begins or ends with white space",
		"a\r\n":                             "begins or ends with white space",
		"a\u00a0":                           "begins or ends with white space",
		"a b":                               "holds white space",
		"a\u2028b":                          "holds white space",
		"a\x00":                             "holds a character that cannot be seen",
		"\ufeffa":                           "holds a character that cannot be seen",
		"a\u00adb":                          "holds a character that cannot be seen",
		"\xffa":                             "is no UTF-8",
		`"a"`:                               "holds a quotation mark",
		`a"`:                                "holds a quotation mark",
		"'a":                                "holds a quotation mark",
		"`a`":                               "holds a quotation mark",
		"“a”":                               "holds a quotation mark",
		"$(hostname)":                       "holds a placeholder that was not filled in",
		"${A}":                              "holds a placeholder that was not filled in",
		"{{a}}":                             "holds a placeholder that was not filled in",
		"$AUDIENCE":                         "holds a placeholder that was not filled in",
		"%Audience_1%":                      "holds a placeholder that was not filled in",
		"api://#{env}#":                     "holds a placeholder that was not filled in",
		"a$b":                               "",
		"$":                                 "",
		"$a.b":                              "",
		"%":                                 "",
		"%%":                                "",
		"%41b":                              "",
		"a#b":                               "",
		"<tenant>":                          "holds a placeholder that was not filled in",
	} {
		assert.Equal(t, want, setting.Flaw(value), "%q", value)
	}
	for _, row := range []struct{ value, want string }{{"", ""}, {"a", ""}, {"a,", "comma"}, {";a", "semicolon"}, {" a,", "white space"}} {
		assert.Contains(t, setting.ListFlaw(row.value), row.want, "%q", row.value)
		assert.Equal(t, row.want == "", setting.ListFlaw(row.value) == "", "%q", row.value)
	}
	assert.NoError(t, setting.CheckList("Names", []string{"a", ""}))
	err := setting.CheckList("Names", []string{"a,b", "c", " " + strings.Repeat("d", 500)})
	assert.ErrorContains(t, err, `Names: "a,b" holds a comma`)
	assert.ErrorContains(t, err, `Names: " ddd`)
	assert.Less(t, len(err.Error()), 300, "texts are cut")
}

func TestMistakesAreRenamed(t *testing.T) {
	t.Parallel()
	const issuer, keys setting.Name = "Issuer", "JWKSURL"
	reason := setting.Errorf("put it into %s", keys)
	found := fmt.Errorf("jwks: %w", setting.Errorf("%s %q: %v", issuer, "Issuer", reason))
	other := errors.New("jwks: Timeout is wrong")
	all := errors.Join(found, nil, fmt.Errorf("again: %w", errors.Join(found, other)))
	assert.EqualError(t, found, `jwks: Issuer "Issuer": put it into JWKSURL`)

	once := setting.Rename(all, "sallyport: ", map[setting.Name]string{keys: "WithJWKS"})
	assert.EqualError(t, once, "sallyport: Issuer \"Issuer\": put it into WithJWKS\njwks: Timeout is wrong", "each once, values as they are")
	assert.ErrorIs(t, once, other)
	twice := setting.Rename(once, "", map[setting.Name]string{issuer: "-issuer", "WithJWKS": "-jwks"})
	assert.EqualError(t, twice, "-issuer \"Issuer\": put it into -jwks\njwks: Timeout is wrong")
	assert.NoError(t, setting.Rename(nil, "x", nil))
}

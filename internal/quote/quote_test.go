package quote_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/quote"
)

// obeyed is what a terminal obeys, and what turns a line around.
const obeyed = "\x1b]0;owned\x07\u009b1m\u202e\r\n\x7f\u2028\U000e0041"

func TestANameIsQuotedAndCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      `""`,
		"key-1":                 `"key-1"`,
		`a"b\c`:                 `"a\"b\\c"`,
		"blåbær":                `"bl\u00e5b\u00e6r"`,
		"\x1b[31m":              `"\x1b[31m"`,
		"\xff":                  `"\xff"`,
		strings.Repeat("k", 64): `"` + strings.Repeat("k", 64) + `"`,
		strings.Repeat("k", 65): `"` + strings.Repeat("k", 64) + `"...`,
	} {
		assert.Equal(t, want, quote.Text(text), "%q", text)
	}
	assert.Equal(t, `"abc"...`, quote.UpTo("abcd", 3))
}

func TestALineHoldsNothingThatIsObeyed(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `a\u001b]0;owned\u0007\u009b1m\u202e\u000d\u000a\u007f\u2028\udb40\udc41b`, quote.Line("a"+obeyed+"b", 200))
	assert.Equal(t, "blåbær 本", quote.Line("blåbær 本", 200))
	assert.Equal(t, "a\ufffdb", quote.Line("a\xffb", 200))
	assert.Equal(t, "aaa...", quote.Line("aaaa", 3))
	for most := range 8 {
		assert.True(t, utf8.ValidString(quote.Line("a本b本", most)), "no character is cut in two")
		assert.NotContains(t, quote.Line("a本b本", most), "\ufffd")
	}
	assert.Equal(t, "本...", quote.Line("本本", 5))
}

func TestLinesOfJSONStayTheSameJSON(t *testing.T) {
	t.Parallel()
	const text = "{\n  \"a\": \"x\u202ey\u009b\u007f\U000e0041blåbær\"\n}"
	shown := quote.Lines(text)
	assert.Contains(t, shown, `x\u202ey\u009b\u007f\udb40\udc41blåbær`)
	var before, after any
	require.NoError(t, json.Unmarshal([]byte(text), &before))
	require.NoError(t, json.Unmarshal([]byte(shown), &after))
	assert.Equal(t, before, after)
}

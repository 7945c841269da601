package quote_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/quote"
)

func TestTextIsQuotedEscapedAndCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 65)
	for text, want := range map[string]string{
		"":                        `""`,
		"plain text":              `"plain text"`,
		`a"b\c`:                   `"a\"b\\c"`,
		"\x1b[2J\r\n":             `"\x1b[2J\r\n"`,
		"caf\u00e9 \u202e":        `"caf\u00e9 \u202e"`,
		"not UTF-8 \xff":          `"not UTF-8 \xff"`,
		long[:64]:                 `"` + long[:64] + `"`,
		long:                      `"` + long[:64] + `"...`,
		strings.Repeat("é", 33):   `"` + strings.Repeat(`\u00e9`, 32) + `"...`,
		long[:63] + "\u00e9 more": `"` + long[:63] + `\xc3"...`,
	} {
		assert.Equal(t, want, quote.Text(text))
	}
}

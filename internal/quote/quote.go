// Package quote makes the texts of others fit to be printed, logged or put into
// an error: what a token says, what a server answers. They may be long, and they
// may hold what a terminal obeys or what turns a line around.
package quote

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// short is how many bytes of a name are shown.
	short = 64
	mark  = "..."
)

// Text returns s in quotes and in ASCII, and at most 64 bytes of it: a name in
// an error or in a log.
func Text(s string) string { return UpTo(s, short) }

// UpTo is [Text] for at most so many bytes.
func UpTo(s string, most int) string {
	more := ""
	if len(s) > most {
		s, more = s[:most], mark
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return strconv.QuoteToASCII(s) + more
		}
	}
	return `"` + s + `"` + more // as nearly all are
}

// Line returns at most so many bytes of text with nothing in it that cannot be
// seen: other characters are escaped as in JSON, line ends too.
func Line(text string, most int) string {
	more := ""
	if len(text) > most {
		for most > 0 && !utf8.RuneStart(text[most]) {
			most--
		}
		text, more = text[:most], mark
	}
	return escaped(text, "") + more
}

// Lines returns all of text with nothing in it that cannot be seen but line
// ends. JSON stays the same JSON.
func Lines(text string) string { return escaped(text, "\n") }

func escaped(text, but string) string {
	if clean(text, but) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if visible(r) || strings.ContainsRune(but, r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

func clean(text, but string) bool {
	for _, r := range text {
		if !visible(r) && !strings.ContainsRune(but, r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

// visible reports whether r is a character that is seen, or the space.
func visible(r rune) bool { return strconv.IsPrint(r) }

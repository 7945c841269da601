package revocation

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLines bounds a file of entries, together with maxFileBytes.
const maxLines = 500_000

// parseLines reads the lines of a denylist. With an error it returns what could be
// read all the same. Errors name lines by their number: what a line holds is the
// value of a claim.
func parseLines(text []byte) ([]Entry, error) {
	var damage error
	flaw := func(number int, err error) {
		if damage == nil {
			damage = fmt.Errorf("line %d %w", number, err)
		}
	}
	var entries []Entry
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if len(entries) == maxLines {
			flaw(number, fmt.Errorf("is beyond the bound of %d entries", maxLines))
			break
		}
		e, some, err := parseLine(string(line))
		if err != nil {
			flaw(number, err)
		} else if some {
			entries = append(entries, e)
		}
	}
	return entries, damage
}

// parseLine reads one line: an identifier, or sub, client or issuer with what they
// name and a time. Blank lines say nothing, nor do those that begin with "# ".
func parseLine(line string) (e Entry, some bool, err error) {
	line = strings.TrimRight(line, "\r\n")
	switch {
	case !utf8.ValidString(line):
		return Entry{}, false, errors.New("is not UTF-8")
	case strings.ContainsFunc(line, func(c rune) bool { return c != '\t' && unicode.IsControl(c) }):
		return Entry{}, false, errors.New("has a control character")
	}
	line = strings.TrimSpace(line)
	if line == "" || line == "#" || strings.HasPrefix(line, "# ") {
		return Entry{}, false, nil
	}
	word, rest := cutSpace(line)
	if rest == "" {
		return Entry{ID: line}, true, nil
	}
	e.Issuer, rest = cutSpace(rest)
	switch word {
	case "sub":
		e.Subject, rest = cutLastSpace(rest)
	case "client":
		e.Client, rest = cutLastSpace(rest)
	case "issuer":
	default:
		return Entry{}, false, errors.New(`is neither one token id nor "sub ISSUER SUB BEFORE", "client ISSUER CLIENT BEFORE" or "issuer ISSUER BEFORE"`)
	}
	if e.Before, err = time.Parse(time.RFC3339, rest); err != nil {
		return Entry{}, false, errors.New("ends with no RFC 3339 time, such as 2026-11-20T12:00:00Z")
	}
	if word != "issuer" && e.Subject+e.Client == "" {
		return Entry{}, false, fmt.Errorf("names no %s", word)
	}
	return e, true, nil
}

func cutSpace(s string) (first, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}

// cutLastSpace returns what is in front of the last word, which may have spaces of
// its own, and the last word.
func cutLastSpace(s string) (front, last string) {
	i := strings.LastIndexAny(s, " \t")
	return strings.TrimRight(s[:i+1], " \t"), s[i+1:]
}

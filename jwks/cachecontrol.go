package jwks

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longest caps what a server may claim, so that no arithmetic overflows.
const longest = 10 * 365 * 24 * time.Hour

// lifetime is how long an answer says that it stays fresh for a private cache
// (RFC 9111 section 4.2.1): max-age less the Age that it already has, nothing
// for no-store and no-cache. stated is false if it does not say, or not
// legibly.
func lifetime(h http.Header) (d time.Duration, stated bool) {
	for name, value := range directives(h.Values("Cache-Control")) {
		switch name {
		case "no-store", "no-cache":
			return 0, true
		case "max-age":
			if age, ok := seconds(value); ok && (!stated || age < d) {
				d, stated = age, true
			}
		}
	}
	if age, ok := seconds(h.Get("Age")); ok && stated {
		d = max(0, d-age)
	}
	return d, stated
}

// seconds reads delta-seconds (RFC 9111 section 1.2.2). What is beyond any
// number is a very long time.
func seconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > int64(longest/time.Second) {
		return longest, true
	}
	return time.Duration(n) * time.Second, true
}

// directives yields the names, in lower case, and unquoted arguments of
// Cache-Control lines (RFC 9111 section 5.2).
func directives(lines []string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for _, line := range lines {
			for line != "" {
				var part string
				part, line = cutDirective(line)
				name, value, _ := strings.Cut(part, "=")
				name = strings.ToLower(strings.TrimSpace(name))
				if name != "" && !yield(name, unquote(strings.TrimSpace(value))) {
					return
				}
			}
		}
	}
}

// cutDirective cuts at the first comma outside of quotes.
func cutDirective(line string) (part, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if d, ok := seconds(value); ok {
		return d
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, min(longest, date.Sub(now)))
	}
	return 0
}

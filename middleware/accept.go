package middleware

import (
	"strconv"
	"strings"
)

const (
	problemType = "application/problem+json"
	textType    = "text/plain"
)

// prefersProblem reports whether Accept would rather have problem details than
// plain text (RFC 9110 section 12.5.1). Where both are as welcome, the one that
// is named more precisely wins, and text if neither is: */* asks for nothing.
func prefersProblem(accept []string) bool {
	var problem, text preference
	for _, line := range accept {
		for member := range strings.SplitSeq(line, ",") {
			mediaRange, q, ok := parseRange(member)
			if ok {
				problem.consider(mediaRange, problemType, q)
				text.consider(mediaRange, textType, q)
			}
		}
	}
	if problem.q != text.q {
		return problem.q > text.q
	}
	return problem.q > 0 && problem.precision > text.precision
}

// preference is how welcome one media type is, by the most precise range for it.
type preference struct {
	q         float64
	precision int
}

func (p *preference) consider(mediaRange, mediaType string, q float64) {
	if n := precision(mediaRange, mediaType); n > p.precision {
		p.q, p.precision = q, n
	}
}

// precision is 3 for the type itself, 2 for type/*, 1 for */*, 0 for no match.
func precision(mediaRange, mediaType string) int {
	major, _, _ := strings.Cut(mediaType, "/")
	rangeMajor, rangeMinor, _ := strings.Cut(mediaRange, "/")
	switch {
	case strings.EqualFold(mediaRange, mediaType):
		return 3
	case rangeMinor == "*" && strings.EqualFold(rangeMajor, major):
		return 2
	case mediaRange == "*/*":
		return 1
	default:
		return 0
	}
}

// parseRange reads one member of Accept; a weight that is none voids it.
func parseRange(member string) (mediaRange string, q float64, ok bool) {
	mediaRange, params, _ := strings.Cut(member, ";")
	q = 1
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		var err error
		q, err = strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(0 <= q && q <= 1) {
			return "", 0, false
		}
	}
	return strings.TrimSpace(mediaRange), q, true
}

// Package quote makes text of somebody else fit to be shown.
package quote

import "strconv"

// most is how much is shown of a text: its sender chose the length.
const most = 64

// Text returns s in quotes, with everything but printable ASCII escaped, and cut
// to 64 bytes. A terminal, a log and a header of HTTP take it as it is.
func Text(s string) string {
	more := ""
	if len(s) > most {
		s, more = s[:most], "..."
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return strconv.QuoteToASCII(s) + more
		}
	}
	return `"` + s + `"` + more // as nearly all are
}

package middleware

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// problem is the body as problem details (RFC 9457). The extension members
// error and scope repeat what the challenge says.
func (a *answer) problem() []byte {
	b := make([]byte, 0, 256)
	b = append(b, `{"type":"about:blank","title":`...)
	b = appendJSON(b, http.StatusText(a.status))
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(a.status), 10)
	b = appendMember(b, `,"detail":`, a.detail())
	b = appendMember(b, `,"error":`, a.code)
	b = appendMember(b, `,"scope":`, a.scope)
	return append(b, '}', '\n')
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendJSON(append(b, name...), value)
}

// appendJSON quotes a string, less what no challenge could carry either.
func appendJSON(b []byte, value string) []byte {
	clean := make([]byte, 0, len(value))
	for i := range len(value) {
		if printable(value[i]) {
			clean = append(clean, value[i])
		}
	}
	b, _ = jsontext.AppendQuote(b, clean) // printable ASCII: cannot fail
	return b
}

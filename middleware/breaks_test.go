package middleware_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// Every byte at every place of a token, whatever is around it: exactly white
// space, control characters and the comma break credentials.
func TestWhatBreaksCredentialsDoesSoWhereverItStands(t *testing.T) {
	t.Parallel()
	// 32 bytes are read at once, if there are so many and none is odd.
	around := []string{strings.Repeat("A", 100), strings.Repeat("z", 100)}
	for length := 1; length <= 19; length++ {
		around = append(around, strings.Repeat("~\xff-", length)[:length])
	}
	for _, whole := range around {
		for at := range whole {
			for c := range 256 {
				token := []byte(whole)
				token[at] = byte(c)
				if at == 0 && c == ' ' {
					continue // belongs to the space after the scheme
				}
				_, err := middleware.FromAuthorization(request("Bearer " + string(token)))
				if c <= ' ' || c == ',' || c == 0x7f {
					assert.ErrorIs(t, err, reason.InvalidRequest, "%q", token)
				} else {
					assert.NoError(t, err, "%q", token)
				}
			}
		}
	}
}

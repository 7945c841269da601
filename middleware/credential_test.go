package middleware_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

func TestCredentialSource(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		cred   middleware.Credential
		err    error
		status int
		reason reason.Code
	}{
		{"its token is verified", middleware.Credential{Token: reader}, nil, 200, ""},
		{"no token and no error is no token", middleware.Credential{}, nil, 401, reason.NoToken},
		{"its reason is kept", middleware.Credential{Token: reader}, fmt.Errorf("proxy: %w", reason.UnsupportedScheme), 401, reason.UnsupportedScheme},
		{"any other error is a bad request", middleware.Credential{Token: reader}, errors.New("proxy: no signature"), 400, reason.InvalidRequest},
		{"a scheme that nothing checks is refused", middleware.Credential{Scheme: "DPoP", Token: reader}, nil, 401, reason.UnsupportedScheme},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Credentials: func(*http.Request) (middleware.Credential, error) { return row.cred, row.err }})
			_, _, err := g.Check(request(), claims.AnyToken())
			if row.status == 200 {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, row.reason)
			assert.Equal(t, row.status, serve(g.Authenticate(handler), request()).Code)
		})
	}
}

func TestCredentialHidesItsToken(t *testing.T) {
	t.Parallel()
	c := middleware.Credential{Scheme: "Bearer", Token: reader}
	asJSON, err := json.Marshal(c)
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c, c, c), fmt.Sprint(&c), string(asJSON)} {
		assert.NotContains(t, text, reader)
		assert.NotContains(t, text, fmt.Sprintf("%x", reader))
		assert.Contains(t, text, "Bearer")
	}
}

func TestEveryCharacterOfAScheme(t *testing.T) {
	t.Parallel()
	const schemeChars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" // RFC 9110 section 5.6.2
	for c := range 0x80 {
		if c == ' ' {
			continue // ends the scheme
		}
		_, err := middleware.FromAuthorization(request("X" + string(rune(c)) + " x"))
		want := reason.InvalidRequest
		if strings.ContainsRune(schemeChars, rune(c)) {
			want = reason.UnsupportedScheme
		}
		assert.ErrorIs(t, err, want, "%q in a scheme", c)
	}
}

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
				got, err := middleware.FromAuthorization(request("Bearer " + string(token)))
				if c <= ' ' || c == ',' || c == 0x7f {
					assert.ErrorIs(t, err, reason.InvalidRequest, "%q", token)
				} else {
					assert.NoError(t, err, "%q", token)
					assert.Equal(t, string(token), got.Token)
				}
			}
		}
	}
}

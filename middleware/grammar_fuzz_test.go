package middleware_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// The grammar of RFC 9110 section 11.4 and RFC 6750 section 2.1 as patterns, told apart from the parser. What the token
// is made of is the Verifier's question, except for what would let one line carry two.
var (
	someScheme = regexp.MustCompile("(?s)^[!#$%&'*+.^_`|~0-9A-Za-z-]+( .*)?$")
	bearerOnly = regexp.MustCompile(`(?is)^bearer( .*)?$`)
	oneToken   = regexp.MustCompile(`(?is)^bearer +([^\x00-\x20,\x7f]+)$`)
)

// FuzzAuthorizationGrammar asserts that the parser accepts the grammar and no more, that a second line is never
// overlooked, and that nothing of what was sent comes back in a response.
func FuzzAuthorizationGrammar(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer", "Bearer " + reader, "bEaReR   " + reader, "Bearer " + reader + " ", "Bearer " + reader + "," + writer, "Bearer\t" + reader,
		" Bearer " + reader, "Basic Zm9vOmJhcg==", "Digest a=\"b\", c=d", "Bearer \u00a0x", "Bearer x\r\nX-Evil: 1", "Bearer \xff\xfe", "B\u00e9arer x", "DPoP x",
	} {
		f.Add(seed, "", false)
		f.Add(seed, "Bearer "+writer, true)
	}
	answers := map[string]int{
		`Bearer realm="api"`: http.StatusUnauthorized, `Bearer realm="api", error="invalid_token"`: http.StatusUnauthorized,
		`Bearer realm="api", error="invalid_request"`: http.StatusBadRequest,
	}
	f.Fuzz(func(t *testing.T, line, second string, two bool) {
		lines := []string{line}
		if two {
			lines = append(lines, second)
		}
		got, err := middleware.FromAuthorization(request(lines...))
		token := oneToken.FindStringSubmatch(line)
		switch {
		case two || !someScheme.MatchString(line):
			require.ErrorIs(t, err, reason.InvalidRequest)
		case !bearerOnly.MatchString(line):
			require.ErrorIs(t, err, reason.UnsupportedScheme)
		case token == nil:
			require.ErrorIs(t, err, reason.InvalidRequest)
		default:
			require.NoError(t, err)
			require.Equal(t, token[1], got.Token)
		}

		w := serve(newGuard(t, middleware.Config{}).Authenticate(handler), request(lines...))
		if w.Code == http.StatusOK {
			require.Contains(t, []string{reader, writer, bound}, got.Token)
			return
		}
		require.Len(t, w.Header()["Www-Authenticate"], 1)
		assert.Equal(t, answers[w.Header().Get("WWW-Authenticate")], w.Code, "one of the answers that there are, byte by byte")
	})
}

package middleware_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// The grammar of RFC 9110 section 11.4 and RFC 6750 section 2.1 as patterns, written apart from the parser. What the token
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
		"BearerX x", `"Bearer" x`, "Bearer a\x00b", "Bearer " + reader + ", Bearer " + writer, "Bearer !\"%", reader,
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
		if err != nil {
			require.Equal(t, middleware.Credential{}, got)
		}
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

func FuzzChallenge(f *testing.F) {
	f.Add("Bearer", "realm", "a", "error", "b")
	f.Add("Bearer", "realm", "a\"\\", "REALM", "\r\n")
	f.Fuzz(func(t *testing.T, scheme, name1, value1, name2, value2 string) {
		line := middleware.Challenge{Scheme: scheme, Params: params{{name1, value1}, {name2, value2}}}.String()
		for i := range len(line) {
			require.True(t, ' ' <= line[i] && line[i] <= '~', "%q", line)
		}
		if line == "" {
			return
		}
		rest, ok := strings.CutPrefix(line, scheme)
		require.True(t, ok)
		names := map[string]bool{}
		for rest != "" {
			name, after, ok := strings.Cut(strings.TrimLeft(rest, ", "), `="`)
			require.True(t, ok, "%q", line)
			require.False(t, names[strings.ToLower(name)], "%q twice", name)
			names[strings.ToLower(name)] = true
			end := closingQuote(after)
			require.GreaterOrEqual(t, end, 0, "%q", line)
			rest = after[end+1:]
		}
	})
}

func closingQuote(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

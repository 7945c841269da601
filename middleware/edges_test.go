package middleware_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// served answers with a word that nothing else writes.
var served = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("served")) })

func TestAnExemptRequestReachesItsHandler(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Exempt: []string{"GET /orders"}})
	enforce, err := g.Enforce(middleware.Policy{
		Rules:  map[string]claims.Rule{"POST /orders": allWrites()},
		Access: map[string]claims.AccessLevels{"/levels": {Resources: []string{"api://orders"}}},
	})
	require.NoError(t, err, "a table of one rule and one access level is not empty")
	for name, h := range map[string]http.Handler{"Authenticate": g.Authenticate(served), "Enforce": enforce(served)} {
		w := serve(h, request())
		assert.Equal(t, http.StatusOK, w.Code, name)
		assert.Equal(t, "served", w.Body.String(), name)
	}
}

func TestEveryCharacterOfASchemeAndOfAToken(t *testing.T) {
	t.Parallel()
	const schemeChars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" // RFC 9110 section 5.6.2
	for c := range 0x80 {
		s := string(rune(c))
		if c != ' ' {
			_, err := middleware.FromAuthorization(request("X" + s + " x"))
			want := reason.InvalidRequest
			if strings.Contains(schemeChars, s) {
				want = reason.UnsupportedScheme
			}
			assert.ErrorIs(t, err, want, "%q in a scheme", c)
		}
		got, err := middleware.FromAuthorization(request("Bearer a" + s + "b"))
		if c <= ' ' || c == ',' || c == 0x7f {
			assert.ErrorIs(t, err, reason.InvalidRequest, "%q in a token", c)
		} else {
			assert.NoError(t, err)
			assert.Equal(t, "a"+s+"b", got.Token)
		}
	}
}

func TestAChallengeKeepsEveryPrintableCharacter(t *testing.T) {
	t.Parallel()
	var all, want strings.Builder
	for c := range 0x100 {
		all.WriteByte(byte(c))
		switch {
		case c == '"' || c == '\\':
			want.WriteString(`\` + string(rune(c)))
		case c >= ' ' && c <= '~':
			want.WriteByte(byte(c))
		}
	}
	line := middleware.Challenge{Scheme: "Bearer", Params: params{{"realm", all.String()}}}.String()
	assert.Equal(t, `Bearer realm="`+want.String()+`"`, line)
}

func TestAStatusThatIsNoRefusalIsNotSent(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	for status, want := range map[int]int{
		0: 401, 100: 401, 200: 401, 204: 401, 302: 401, 399: 401, 400: 400, 401: 401, 418: 418, 500: 500, 599: 599, 600: 401, 999: 401, -1: 401,
	} {
		w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.Deny(w, r, &middleware.Error{Status: status, Reason: reason.Expired})
		}), request())
		assert.Equal(t, want, w.Code, "from %d", status)
		assert.Equal(t, want == 400 || want == 401, len(w.Header()["Www-Authenticate"]) == 1, "a challenge in %d, from %d", want, status)
	}
}

func TestRetryAfterIsAtLeastASecond(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	for wait, want := range map[time.Duration]string{
		-time.Hour: "1", 0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 90 * time.Second: "90",
	} {
		w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.Deny(w, r, &middleware.Error{Status: http.StatusServiceUnavailable, Reason: reason.KeysUnavailable, RetryAfter: wait})
		}), request())
		assert.Equal(t, want, w.Header().Get("Retry-After"), "%v", wait)
	}
}

func TestACauseIsKeptForTheLog(t *testing.T) {
	t.Parallel()
	cause := errors.New("of their own")
	var told *middleware.Error
	g := newGuard(t, middleware.Config{ErrorBody: func(_ http.ResponseWriter, _ *http.Request, e *middleware.Error) { told = e }})
	w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Deny(w, r, cause) }), request())
	assert.Equal(t, http.StatusForbidden, w.Code)
	require.ErrorIs(t, told, cause)
	assert.Equal(t, reason.Denied, told.Reason)
}

func TestWeightsOutOfBoundsVoidTheirRange(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	for accept, problem := range map[string]bool{
		"application/problem+json":                               true,
		"application/problem+json;q=1, text/plain;q=0.9":         true,
		"application/problem+json;q=0.5, text/plain;q=0.5":       false,
		"application/problem+json;q=1.1, text/plain;q=0.1":       false,
		"application/problem+json;q=-1, text/plain;q=0":          false,
		"application/problem+json;q=NaN, text/plain;q=0.1":       false,
		"application/problem+json;q=none, text/plain;q=0.1":      false,
		"application/problem+json;q=0, text/plain;q=0":           false,
		"application/problem+json;q=0.2, text/plain;q=2":         true,
		"application/problem+json;q=0.2, text/plain;q=unhelpful": true,
	} {
		r := request()
		r.Header.Set("Accept", accept)
		want := "text/plain; charset=utf-8"
		if problem {
			want = "application/problem+json"
		}
		assert.Equal(t, want, serve(g.Authenticate(served), r).Header().Get("Content-Type"), accept)
	}
}

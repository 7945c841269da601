package middleware_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

func TestAuthorizationHeader(t *testing.T) {
	t.Parallel()
	const none = `Bearer realm="api"`
	const bad = `Bearer realm="api", error="invalid_request"`
	const invalid = `Bearer realm="api", error="invalid_token"`
	for _, row := range []struct {
		name      string
		header    []string
		status    int
		reason    reason.Code
		challenge string
	}{
		{"01 a bearer token in the Authorization header works", []string{"Bearer " + reader}, 200, "", ""},
		{"02 the scheme is compared without regard to case", []string{"bEaReR " + reader}, 200, "", ""},
		{"03 two spaces are fine", []string{"Bearer  " + reader}, 200, "", ""},
		{"03 a comma inside the credentials is a bad request", []string{"Bearer " + reader + "," + reader}, 400, reason.InvalidRequest, bad},
		{"03 a list of credentials is a bad request", []string{"Bearer " + reader + ", Bearer " + reader}, 400, reason.InvalidRequest, bad},
		{"03 a space inside the credentials is a bad request", []string{"Bearer token-of reader"}, 400, reason.InvalidRequest, bad},
		{"03 a space after the credentials is a bad request", []string{"Bearer " + reader + " "}, 400, reason.InvalidRequest, bad},
		{"03 a tab inside the credentials is a bad request", []string{"Bearer token-of\treader"}, 400, reason.InvalidRequest, bad},
		{"03 a tab instead of the space is a bad request", []string{"Bearer\t" + reader}, 400, reason.InvalidRequest, bad},
		{"03 a control character inside the credentials is a bad request", []string{"Bearer a\x00b"}, 400, reason.InvalidRequest, bad},
		{"04 two Authorization lines are a bad request", []string{"Bearer " + reader, "Bearer " + writer}, 400, reason.InvalidRequest, bad},
		{"04 the same line twice is a bad request", []string{"Bearer " + reader, "Bearer " + reader}, 400, reason.InvalidRequest, bad},
		{"04 Basic beside Bearer is a bad request", []string{"Basic Zm9vOmJhcg==", "Bearer " + reader}, 400, reason.InvalidRequest, bad},
		{"11 without credentials there is no error code", nil, 401, reason.NoToken, none},
		{"11 without a header line there is no error code", []string{}, 401, reason.NoToken, none},
		{"11 Basic is answered without an error code", []string{"Basic Zm9vOmJhcg=="}, 401, reason.UnsupportedScheme, none},
		{"11 Digest with its parameters is answered without an error code", []string{`Digest username="a", realm="b"`}, 401, reason.UnsupportedScheme, none},
		{"11 a token without a scheme is another scheme", []string{"eyJhbGciOiJub25lIn0.e30."}, 401, reason.UnsupportedScheme, none},
		{"11 a scheme that begins like Bearer is another one", []string{"BearerX " + reader}, 401, reason.UnsupportedScheme, none},
		{"Bearer alone is a bad request", []string{"Bearer"}, 400, reason.InvalidRequest, bad},
		{"Bearer and a space is a bad request", []string{"Bearer "}, 400, reason.InvalidRequest, bad},
		{"Bearer and spaces is a bad request", []string{"Bearer    "}, 400, reason.InvalidRequest, bad},
		{"an empty header is a bad request", []string{""}, 400, reason.InvalidRequest, bad},
		{"a header that begins with a space is a bad request", []string{" Bearer " + reader}, 400, reason.InvalidRequest, bad},
		{"a scheme that is no token is a bad request", []string{`"Bearer" ` + reader}, 400, reason.InvalidRequest, bad},
		{"a malformed token is an invalid token", []string{"Bearer !\"%"}, 401, reason.BadSignature, invalid},
		{"an umlaut in the token is an invalid token", []string{"Bearer t\u00f6ken"}, 401, reason.BadSignature, invalid},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			g := newGuard(t, middleware.Config{OnEvent: seen.add})
			w := serve(g.Authenticate(handler), request(row.header...))
			assert.Equal(t, row.status, w.Code)
			require.Len(t, seen.list, 1)
			assert.Equal(t, row.reason, seen.list[0].Reason)
			if row.challenge == "" {
				assert.NotContains(t, w.Header(), "Www-Authenticate")
				assert.Equal(t, "r", w.Body.String())
				return
			}
			assert.Equal(t, []string{row.challenge}, w.Header()["Www-Authenticate"])
			assert.Equal(t, []string{"no-store"}, w.Header()["Cache-Control"])
		})
	}
}

func TestTokensElsewhereAreNotRead(t *testing.T) {
	t.Parallel()
	form := url.Values{"access_token": {reader}}
	inBody := httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader(form.Encode()))
	inBody.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	inCookie := request()
	inCookie.AddCookie(&http.Cookie{Name: "access_token", Value: reader})
	for name, r := range map[string]*http.Request{
		"05 a token in a form body is never read": inBody,
		"06 a token in the query is never read":   httptest.NewRequest(http.MethodGet, "/orders?"+form.Encode(), nil),
		"a token in a cookie is never read":       inCookie,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newTokens(t)
			w := serve(newGuard(t, middleware.Config{Verifier: v}).Authenticate(handler), r)
			assert.Equal(t, http.StatusUnauthorized, w.Code)
			assert.Equal(t, `Bearer realm="api"`, w.Header().Get("WWW-Authenticate"))
			assert.Zero(t, v.calls.Load())
			assert.Nil(t, r.PostForm, "the body belongs to the handler")
		})
	}
}

func TestCredentialSource(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		source func(*http.Request) (middleware.Credential, error)
		status int
		reason reason.Code
	}{
		{"its token is verified", func(*http.Request) (middleware.Credential, error) {
			return middleware.Credential{Token: reader}, nil
		}, 200, ""},
		{"no token and no error is no token", func(*http.Request) (middleware.Credential, error) {
			return middleware.Credential{}, nil
		}, 401, reason.NoToken},
		{"its reason is kept", func(*http.Request) (middleware.Credential, error) {
			return middleware.Credential{Token: reader}, fmt.Errorf("proxy: %w", reason.UnsupportedScheme)
		}, 401, reason.UnsupportedScheme},
		{"any other error is a bad request", func(*http.Request) (middleware.Credential, error) {
			return middleware.Credential{Token: reader}, errors.New("proxy: signature of the header is missing")
		}, 400, reason.InvalidRequest},
		{"a scheme that nothing checks is refused", func(*http.Request) (middleware.Credential, error) {
			return middleware.Credential{Scheme: "DPoP", Token: reader}, nil
		}, 401, reason.UnsupportedScheme},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Credentials: row.source})
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
	for _, text := range []string{
		fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c, c, c), fmt.Sprint(&c), string(asJSON),
	} {
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

package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsPromised(t *testing.T) {
	t.Parallel()
	answered := func(status int, challenge, retryAfter string, reasons ...string) answer {
		h := http.Header{}
		if challenge != "" {
			h.Set("WWW-Authenticate", challenge)
		}
		if retryAfter != "" {
			h.Set("Retry-After", retryAfter)
		}
		return answer{status: status, header: h, reasons: reasons}
	}
	const invalid, lacking = `Bearer realm="orders", error="invalid_token"`, `Bearer realm="orders", error="insufficient_scope", scope="put"`
	for _, row := range []struct {
		name    string
		promise promise
		answer  answer
		want    []string
	}{
		{"a call that is let through", accepted(201), answered(201, "", ""), nil},
		{"another status", accepted(201), answered(200, "", ""), []string{"status: promised 201, got 200"}},
		{"a success with a challenge", accepted(200), answered(200, `Bearer realm="orders"`, ""), []string{"challenges: promised 0, got 1"}},
		{"no token", noToken(), answered(401, `Bearer realm="orders"`, "", "no_token"), nil},
		{"no token, called a bad one", noToken(), answered(401, invalid, "", "no_token"), []string{`error: promised none, got "invalid_token"`}},
		{"a bad token", badToken("expired"), answered(401, invalid, "", "expired"), nil},
		{"bad for another reason", badToken("expired"), answered(401, invalid, "", "malformed"), []string{`in the log: promised "expired", got "malformed"`}},
		{"a 401 without a challenge", badToken("expired"), answered(401, "", "", "expired"), []string{"challenges: promised 1, got 0", `error: promised "invalid_token", got none`}},
		{"another scheme's challenge", noToken(), answered(401, `Basic realm="orders"`, "", "no_token"), []string{"challenge: promised Bearer, got another scheme"}},
		{"a level that is lacking", lacks("put"), answered(403, lacking, "", "insufficient_scope"), nil},
		{"another level", lacks("get"), answered(403, lacking, "", "insufficient_scope"), []string{`scope: promised "get", got "put"`}},
		{"no keys", noKeys(), answered(503, "", "1", "keys_unavailable"), nil},
		{"no word when to try again", noKeys(), answered(503, "", "", "keys_unavailable"), []string{"Retry-After: promised true, got false"}},
		{"a token that is blamed for it", noKeys(), answered(503, invalid, "1", "keys_unavailable"), []string{"challenges: promised 0, got 1", `error: promised none, got "invalid_token"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, row.promise.differences(row.answer))
		})
	}
}

package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// answering answers every request with this header and nothing else.
type answering http.Header

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusTeapot, Header: http.Header(a), Body: http.NoBody}, nil
}

func TestWhatIsPromised(t *testing.T) {
	t.Parallel()
	const missed = "promised 401 " + realm + ", log: no_token, got 401"
	const invalid, lacking = realm + `, error="invalid_token"`, realm + `, error="insufficient_scope", scope="put"`
	for _, row := range []struct {
		name       string
		promise    outcome
		status     int
		challenges []string
		retry      []string
		reasons    string
		wrong      string
	}{
		{"a call that is let through", accepted(201), 201, nil, nil, "", ""},
		{"another status", accepted(201), 200, nil, nil, "", "promised 201, got 200"},
		{"a success with a challenge", accepted(200), 200, []string{realm}, nil, "", `promised 200, got 200 Bearer realm="orders"`},
		{"no token", noToken(), 401, []string{realm}, nil, "no_token", ""},
		{"no token, called a bad one", noToken(), 401, []string{invalid}, nil, "no_token", missed + " " + invalid + ", log: no_token"},
		{"a bad token", badToken("expired"), 401, []string{invalid}, nil, "expired", ""},
		{"bad for another reason", badToken("expired"), 401, []string{invalid}, nil, "malformed", "promised 401 " + invalid + ", log: expired, got 401 " + invalid + ", log: malformed"},
		{"a 401 without a challenge", noToken(), 401, nil, nil, "no_token", missed + ", log: no_token"},
		{"two challenges", noToken(), 401, []string{realm, "Basic"}, nil, "no_token", missed + " " + realm + ", Basic, log: no_token"},
		{"a level that is lacking", lacks("put"), 403, []string{lacking}, nil, "insufficient_scope", ""},
		{"no keys", noKeys(), 503, nil, []string{"1"}, "keys_unavailable", ""},
		{"no word when to try again", noKeys(), 503, nil, nil, "keys_unavailable", "promised 503 with Retry-After, log: keys_unavailable, got 503, log: keys_unavailable"},
	} {
		p := &play{client: &http.Client{Transport: answering{"Www-Authenticate": row.challenges, "Retry-After": row.retry}}}
		a, err := p.send(t.Context(), "http://api.example", get("all", "/orders", ""))
		a.status, a.reasons = row.status, row.reasons
		assert.Equal(t, row.wrong, p.judge(a, err, row.promise), row.name)
		assert.Equal(t, row.wrong == "", p.kept.Load() == 1 && p.broken.Load() == 0, row.name)
	}
}

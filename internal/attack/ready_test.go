package attack_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/attack"
)

func TestAnAPIThatNeverAcceptsTheGoodTokenIsToldWhatItNeeds(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "unknown issuer\x1b[2J")
	}))
	defer server.Close()
	report, err := attack.Run(t.Context(), attack.Config{
		URL: server.URL + "/orders", Audience: audience, Alg: "EdDSA", Claims: map[string]any{"scope": "orders.read"}, Wait: time.Second,
	})
	assert.Nil(t, report)
	var untried *attack.UntriedError
	require.ErrorAs(t, err, &untried)
	for _, want := range []string{
		`issuer    http://127\.0\.0\.1:\d+  \(its keys: http://127\.0\.0\.1:\d+/jwks\)`,
		`audience  api://orders`, `alg       EdDSA, typ at\+jwt`, `-listen 127\.0\.0\.1:PORT fixes the issuer's address`,
		`the good token's header  \{"alg":"EdDSA","kid":"key-1","typ":"at\+jwt"\}`,
		`the good token's claims  \{"aud":"api://orders",.*"scope":"orders.read"`,
		`the answer               401 Unauthorized\n`, `WWW-Authenticate: Bearer error="invalid_token"`, `unknown issuer\\u001b\[2J`,
		`the issuer was asked     0 times for metadata, 0 times for keys`,
	} {
		assert.Regexp(t, want, err.Error())
	}
	assert.NotRegexp(t, `eyJ[A-Za-z0-9_-]+\.eyJ`, err.Error(), "no token that could be used")
}

func TestAnAPIThatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	_, err := attack.Run(t.Context(), attack.Config{URL: "http://" + freeAddress(t) + "/", Audience: audience, Alg: "EdDSA", Wait: 300 * time.Millisecond})
	var untried *attack.UntriedError
	require.ErrorAs(t, err, &untried)
	assert.Contains(t, err.Error(), "the answer               none: ")
}

func TestAnAPIMayTakeItsTimeToStart(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "EdDSA")
	calls := 0
	a.spoils = func(w http.ResponseWriter, _ *call, _ bool) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if calls++; calls < 5 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	report, err := a.attacked(t, func(c *attack.Config) { c.Only = []string{"b64"} })
	assert.Empty(t, found(t, report, err))
}

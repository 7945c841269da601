package attack_test

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/attack"
)

func TestAStrictAPIHasNoFindings(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			report, err := newAPI(t, alg).attacked(t)
			assert.Empty(t, found(t, report, err))
			assert.Greater(t, report.Tried, 500)
			for _, s := range report.Skipped {
				assert.Contains(t, s.Why, "no request can carry it", s.Name)
			}
		})
	}
}

func TestARunHasALimit(t *testing.T) {
	t.Parallel()
	report, err := newAPI(t, "EdDSA").attacked(t, func(c *attack.Config) { c.Limit, c.Rate = 500*time.Millisecond, 20 })
	var untried *attack.UntriedError
	require.ErrorAs(t, err, &untried)
	assert.ErrorContains(t, err, "the time was up after ")
	assert.Greater(t, len(report.Skipped), 400, "what was not tried is listed")
	assert.Less(t, report.Tried, 100)
	assert.Empty(t, report.Findings, "none is of the end of the time")
	assert.Equal(t, "the time was up", report.Skipped[0].Why)
}

func TestRequestsAreAsTheUserWantsThem(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	odd, calls := 0, 0
	f := newFollower(t, &follower{})
	inner := f.Config.Handler
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		calls++
		if r.Method != http.MethodPost || string(body) != `{"item":1}` || r.Header.Get("Content-Type") != "application/json" || r.URL.RawQuery != "dry=1" {
			odd++
		}
		mu.Unlock()
		inner.ServeHTTP(w, r)
	})
	var moved []int
	report, err := attack.Run(t.Context(), attack.Config{
		URL: f.URL + "/orders?dry=1", Audience: audience, Alg: "EdDSA", Method: "POST", Body: `{"item":1}`, Header: []string{"Content-Type: application/json"},
		Only: []string{"iss", "hmac"}, Started: func(issuer string) { f.issuer = issuer }, Progress: func(done, total int, _ string) { moved = append(moved, done, total) },
	})
	require.NoError(t, err)
	assert.Empty(t, report.Findings)
	assert.Greater(t, calls, 40)
	assert.Equal(t, 1, odd, "but for the one that asks for a path that is not there")
	assert.Equal(t, []int{report.Tried, report.Tried}, moved[len(moved)-2:])
	assert.Len(t, moved, 2*report.Tried, "each case moves it")
}

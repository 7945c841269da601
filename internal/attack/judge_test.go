//go:build slow

package attack_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/attack"
	"github.com/sallyport-go/sallyport/internal/forgeries"
)

// An API that is weak in one point is caught for that point, and for nothing else.
func TestAnAPIThatLeavesOutOneCheckIsCaughtForThat(t *testing.T) {
	t.Parallel()
	rows := slices.Concat(weakInClaims, weakInHeaders, weakInTexts, weakInKeys, weakInRequests, spoilt)
	assert.GreaterOrEqual(t, len(rows), 60)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			alg := row.alg
			if alg == "" {
				alg = "EdDSA"
			}
			a := newAPI(t, alg)
			a.opens, a.spoils = row.opens, row.spoils
			report, err := a.attacked(t)
			names := found(t, report, err)
			assert.GreaterOrEqual(t, len(names), row.least, "%q", names)
			for _, f := range report.Findings {
				assert.Regexp(t, row.want, f.Name, "for nothing else")
				assert.NotEmpty(t, f.Section)
				assert.NotEmpty(t, f.URL)
			}
			assert.True(t, report.Worst([]forgeries.Level{row.level}), "one is a %s: %v", row.level, report.Findings)
		})
	}
}

// spoilt are APIs that fail instead of refusing.
var spoilt = []weakness{
	{
		name: "500 on what is no JSON", want: `^(header|payload|cty|parts|b64|credentials): |^size: .* nested`, least: 20, level: forgeries.Outage,
		spoils: func(w http.ResponseWriter, c *call, _ bool) bool {
			if len(c.parts) != 3 || json.Valid([]byte(text(c.parts[0]))) && json.Valid([]byte(text(c.parts[1]))) || !decodes(c) {
				return false
			}
			w.WriteHeader(http.StatusInternalServerError)
			return true
		},
	},
	{
		name: "a panic on tokens of two parts", want: `^(parts|alg none|json|encrypted)`, least: 2, level: forgeries.Outage,
		spoils: func(_ http.ResponseWriter, c *call, _ bool) bool {
			if len(c.parts) == 2 {
				panic(http.ErrAbortHandler)
			}
			return false
		},
	},
	{
		name: "silence on an exp that is an array", want: `^exp: an array$`, least: 1, level: forgeries.Outage,
		spoils: func(_ http.ResponseWriter, c *call, _ bool) bool {
			if _, ok := c.claims["exp"].([]any); ok {
				select {
				case <-c.Context().Done():
				case <-time.After(1500 * time.Millisecond):
				}
			}
			return false
		},
	},
	{
		name: "503 on a kid that nobody knows", want: `^(kid|key|header|names|encrypted|parts|payload): `, least: 10, level: forgeries.Outage,
		spoils: func(w http.ResponseWriter, c *call, _ bool) bool {
			if c.refused == "unknown_key" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			return false
		},
	},
	{
		name: "403 for tokens of another API", want: `^(aud|names|kind): `, least: 10, level: forgeries.Confusion,
		spoils: func(w http.ResponseWriter, c *call, _ bool) bool {
			if c.refused == "wrong_audience" {
				w.WriteHeader(http.StatusForbidden)
				return true
			}
			return false
		},
	},
}

func TestAnAPIThatNeedsNoTokenIsOneHole(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "EdDSA")
	a.opens = func(_ *api, c *call) bool { return c.URL.Path == "/orders" }
	report, err := a.attacked(t)
	assert.Equal(t, []string{"credentials: none"}, found(t, report, err))
	assert.Equal(t, 1, report.Tried)
	assert.Greater(t, len(report.Skipped), 500)
	assert.Contains(t, report.Skipped[0].Why, "needs no token at all")
}

func TestAnAPIThatAnswers403ToEverythingBadIsNotBlamedForIt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusFound} {
		a := newAPI(t, "EdDSA")
		a.spoils = func(w http.ResponseWriter, c *call, good bool) bool {
			if !good && c.URL.Path == "/orders" {
				w.WriteHeader(status)
			}
			return !good && c.URL.Path == "/orders"
		}
		report, err := a.attacked(t)
		assert.Empty(t, found(t, report, err), status)
	}
}

func TestAnAPIThatLimitsTheRateIsObeyed(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "EdDSA")
	limited := 0
	a.spoils = func(w http.ResponseWriter, c *call, _ bool) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if c.claims["exp"] != "2099-01-01T00:00:00Z" && c.refused == "malformed_claims" && limited < 3 {
			limited++
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		return false
	}
	report, err := a.attacked(t)
	assert.Empty(t, found(t, report, err))
	assert.Equal(t, 3, limited)
	for _, s := range report.Skipped {
		assert.NotContains(t, s.Why, "429", "each was tried again")
	}
}

func TestAnAPIThatGoesDownIsOneOutage(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "EdDSA")
	down := false
	a.spoils = func(w http.ResponseWriter, c *call, _ bool) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if down = down || c.refused == "critical_header"; down {
			w.WriteHeader(http.StatusUnauthorized) // of everything from then on
		}
		return down
	}
	report, err := a.attacked(t)
	names := found(t, report, err)
	require.Len(t, names, 1)
	assert.Regexp(t, "^good: refused after ", names[0])
	assert.Equal(t, forgeries.Outage, report.Findings[0].Level)
	assert.Equal(t, "good calls are refused", report.Skipped[len(report.Skipped)-1].Why)
}

func TestASilenceThatComesOnceIsTheMachines(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "EdDSA")
	silent := false
	a.spoils = func(_ http.ResponseWriter, c *call, _ bool) bool {
		a.mu.Lock()
		first := !silent && c.claims["nbf"] != nil
		silent = silent || first
		a.mu.Unlock()
		if first {
			select {
			case <-c.Context().Done():
			case <-time.After(1500 * time.Millisecond):
			}
		}
		return false
	}
	report, err := a.attacked(t, func(c *attack.Config) { c.Only = []string{"times"} })
	assert.Empty(t, found(t, report, err))
	assert.True(t, silent)
}

func TestAnAPIThatStumblesIsFoundAndTriedFurther(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "EdDSA")
	refusals := 0
	a.spoils = func(w http.ResponseWriter, c *call, good bool) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if c.refused == "critical_header" && refusals == 0 {
			refusals = 2
		}
		if good && refusals > 0 {
			refusals--
			w.WriteHeader(http.StatusServiceUnavailable)
			return refusals >= 0
		}
		return false
	}
	report, err := a.attacked(t, func(c *attack.Config) { c.Only = []string{"crit", "b64", "typ", "size"} })
	names := found(t, report, err)
	require.Len(t, names, 1)
	assert.Regexp(t, "^good: refused for a while, after ", names[0])
	assert.Equal(t, http.StatusServiceUnavailable, report.Findings[0].Status)
	assert.Empty(t, report.Skipped)
}

// Single-page applications answer every path with their page, and APIs answer with times and numbers.
func TestAPageForUnknownPathsIsNoHole(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		changing bool // the good answer
		want     []string
	}{
		"the API's answer is always the same": {false, []string{"path: an extension"}},
		"the API's answer changes":            {true, nil}, // and nothing tells it from the page
	} {
		a := newAPI(t, "EdDSA")
		n := 0
		a.opens = func(_ *api, c *call) bool { return c.RequestURI == "/orders.json" }
		a.spoils = func(w http.ResponseWriter, c *call, good bool) bool {
			switch {
			case good && row.changing:
				a.mu.Lock()
				defer a.mu.Unlock()
				n++
				w.Header().Set("X-N", "n")
				_, _ = w.Write([]byte{byte('a' + n%26)})
				return true
			case !good && c.URL.Path != "/orders":
				_, _ = w.Write([]byte("<html>the page</html>"))
				return true
			}
			return false
		}
		report, err := a.attacked(t, func(c *attack.Config) { c.Only = []string{"path"} })
		assert.ElementsMatch(t, row.want, found(t, report, err), name)
	}
}

func TestWhereTheAnswerChangesASuccessElsewhereCounts(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "EdDSA")
	n := 0
	a.opens = func(_ *api, c *call) bool { return c.RequestURI == "/orders.json" }
	a.spoils = func(w http.ResponseWriter, _ *call, good bool) bool {
		if good {
			a.mu.Lock()
			defer a.mu.Unlock()
			n++
			_, _ = w.Write([]byte{byte('a' + n%26)})
		}
		return good
	}
	report, err := a.attacked(t, func(c *attack.Config) { c.Only = []string{"path"} })
	assert.Equal(t, []string{"path: an extension"}, found(t, report, err))
}

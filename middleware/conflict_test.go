package middleware_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestAnExemptPatternThatConflictsNamesOneThatWouldDo(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name            string
		exempt, pattern string
		instead         string // "": none is named
		preflight       bool
	}{
		{"all preflights, beside a path for all methods", "OPTIONS /", "/orders", "OPTIONS /orders", true},
		{"all preflights, beside a tree", "OPTIONS /", "/orders/", "OPTIONS /orders/", true},
		{"all preflights, beside a wildcard", "OPTIONS /", "/orders/{id}", "OPTIONS /orders/{id}", true},
		{"all preflights of a host", "OPTIONS api.example/", "api.example/orders", "OPTIONS api.example/orders", true},
		{"a method of a tree, beside a path in it", "GET /public/", "/public/admin", "GET /public/admin", false},
		{"a path, beside a method of all paths", "/healthz", "GET /", "GET /healthz", false},
		{"the same pattern", "/orders", "/orders", "", false},
		{"wildcards that cross", "/x/{id}", "/{any}/y", "", false},
		{"wildcards that cross, with a method", "GET /x/{id}", "/{any}/y", "", false},
		{"wildcards that cross, beside a method", "/x/{id}", "GET /{any}/y", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Exempt: []string{"GET /unrelated", row.exempt}})
			_, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{row.pattern: claims.AnyToken()}})
			require.ErrorContains(t, err, `middleware: Policy: pattern "`+row.pattern+`": `)
			assert.NotContains(t, err.Error(), ".go:")
			_, byLevel := g.Enforce(middleware.Policy{Access: map[string]claims.AccessLevels{row.pattern: orders()}})
			assert.EqualError(t, byLevel, err.Error())
			if row.instead == "" {
				assert.NotContains(t, err.Error(), "instead")
				return
			}
			assert.ErrorContains(t, err, `; exempt "`+row.instead+`" instead of "`+row.exempt+`"`)
			if row.preflight {
				assert.ErrorContains(t, err, "set Config.Preflight")
			} else {
				assert.NotContains(t, err.Error(), "Preflight")
			}
			_, err = newGuard(t, middleware.Config{Exempt: []string{row.instead}}).Enforce(middleware.Policy{Rules: map[string]claims.Rule{row.pattern: claims.AnyToken()}})
			assert.NoError(t, err, "what is named would do")
		})
	}
}

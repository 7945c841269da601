package middleware

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/sallyport-go/sallyport/claims"
)

// Policy says in one table which rule holds for which route. Keys are patterns
// of [http.ServeMux], such as "GET /orders/{id}", matched as ServeMux matches
// them: the most specific wins, GET stands for HEAD too, the order is of no
// account. A pattern stands in one of the maps.
//
// A pattern sees the path that the handler returned by Enforce gets: put
// Enforce outside of [http.StripPrefix]. Patterns with a host trust the Host
// header, which the caller writes.
type Policy struct {
	_ [0]func()
	// Rules are the patterns that one rule guards.
	Rules map[string]claims.Rule
	// Access are the patterns whose rule follows from the method.
	Access map[string]claims.AccessLevels
}

// Enforce guards all routes behind it by a table. It verifies by itself. A
// request that no pattern matches is refused: 401 without a good token, 403
// with one. So is a path that is not in its clean form ("//", "/./", "/../",
// a missing trailing slash), which ServeMux would redirect, and one whose
// escaped slashes or dots would match another route once decoded.
//
// Exempt paths of the Guard pass untouched; they take part in the matching, so
// that a more specific pattern of the table wins over them and an equal or
// conflicting one is an error.
//
// All mistakes of the table are reported together.
func (g *Guard) Enforce(p Policy) (func(http.Handler) http.Handler, error) {
	if g == nil || g.verifier == nil {
		return nil, fmt.Errorf("middleware: Enforce: %w", errZeroGuard)
	}
	table, err := g.compile(p)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return g.tabled(func(w http.ResponseWriter, r *http.Request) {
			rt := table.match(r)
			switch {
			case rt == nil:
				g.serve(w, r, next, claims.Rule{}, false) // the zero Rule denies
			case rt.exempt:
				next.ServeHTTP(w, r)
			default:
				g.serve(w, r, next, rt.ruleFor(r), false)
			}
		})
	}, nil
}

func (g *Guard) compile(p Policy) (*routes, error) {
	var errs []error
	fail := func(err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("middleware: Policy: %w", err))
		}
	}
	if len(p.Rules)+len(p.Access) == 0 {
		fail(errors.New("no pattern at all; name the routes and their rules"))
	}
	table := &routes{mux: http.NewServeMux()}
	for _, pattern := range g.exemptPatterns {
		fail(table.add(pattern, &route{exempt: true}))
	}
	for _, pattern := range slices.Sorted(maps.Keys(p.Rules)) {
		rule := p.Rules[pattern]
		fail(prefixed(pattern, rule.Err()))
		fail(table.add(pattern, &route{rule: rule}))
	}
	for _, pattern := range slices.Sorted(maps.Keys(p.Access)) {
		access, err := p.Access[pattern].Compile()
		fail(prefixed(pattern, err))
		fail(table.add(pattern, &route{access: access}))
	}
	return table, errors.Join(errs...)
}

func prefixed(pattern string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("pattern %q: %w", pattern, err)
}

package echoauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/sallyport-go/sallyport/claims"
)

// Policy is a table of the rules of Echo's routes. Keys are a method, one space and
// the pattern as it was registered in full, such as "GET /v1/orders/:id", or a
// pattern alone for all its methods. The entry of the method wins, and GET stands
// for HEAD where HEAD has none. A route stands in the table once.
//
// The key "NoRoute" is for the requests that match no route: those that Echo answers
// with 404 or 405, or gives to a handler of RouteNotFound.
//
// Echo chooses the route and the entry follows from the choice, so no way of writing
// a path leads to the handler of one route by the rule of another.
type Policy struct {
	_ [0]func() // keyed literals only

	// Rules are the routes that one rule guards.
	Rules map[string]claims.Rule
	// Access are the routes whose rule follows from the method.
	Access map[string]claims.AccessLevels
	// Exempt are the routes that are open to everybody, without claims.
	Exempt []string
}

// Enforce returns middleware that guards all routes by a table, best used first and
// once:
//
//	enforce, err := echoauth.Enforce(gate, policy)
//	...
//	e.Use(enforce)
//
// It verifies by itself. A request whose route has no entry is refused, 401 without a
// good token, 403 with one, and so is one without a route. In Pre, where no route is
// chosen yet, it refuses every request. The exempt patterns of the Guard's own
// configuration do not count here.
//
// All mistakes of the table are reported together. Whether its keys name routes shows
// only when there are routes: see [Watch].
func Enforce(guard Guard, p Policy) (echo.MiddlewareFunc, error) {
	if guard == nil {
		return nil, errNilGuard
	}
	b := &builder{table: &table{entries: make(map[place]*entry)}}
	if len(p.Rules)+len(p.Access)+len(p.Exempt) == 0 {
		b.fail(errors.New("no pattern at all; name the routes and their rules"))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Rules)) {
		rule := p.Rules[key]
		b.add(key, rule.Err(), func(e *entry) { e.handler, e.needsCall = guard.Require(rule)(passed), rule.NeedsCall() })
	}
	for _, key := range slices.Sorted(maps.Keys(p.Access)) {
		levels := p.Access[key]
		_, err := levels.Compile()
		b.add(key, err, func(e *entry) { e.handler = guard.RequireAccess(levels)(passed) })
	}
	none := guard.Require(claims.Rule{})(passed) // the zero Rule denies
	for _, key := range p.Exempt {
		b.add(key, nil, func(e *entry) { e.handler, e.exempt = opened(none), true })
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	b.table.none = none
	return (&door{table: b.table}).asEcho(), nil
}

// opened returns the way through for an exemption, on which a Guard answers
// preflights.
func opened(door http.Handler) http.Handler {
	if d, ok := door.(interface {
		Open(next http.Handler) http.Handler
	}); ok {
		return d.Open(passed)
	}
	return passed
}

// noRoute is the entry for requests that Echo routes nowhere. Their pattern is "".
const noRoute = "NoRoute"

// place is where an entry is for. The method is "" for all of a pattern.
type place struct{ method, pattern string }

// entry is what a key leads to.
type entry struct {
	key       string
	handler   http.Handler
	needsCall bool // whether the rule asks about the call
	exempt    bool
}

type builder struct {
	table *table
	errs  []error
}

func (b *builder) fail(err error) {
	b.errs = append(b.errs, fmt.Errorf("echoauth: Policy: %w", err))
}

// add makes the handler only of an entry without mistakes: Guards panic otherwise.
func (b *builder) add(key string, mistake error, fill func(*entry)) {
	at, err := parse(key)
	err = errors.Join(err, mistake)
	if other, twice := b.table.entries[at]; err == nil && twice {
		err = fmt.Errorf("stands there twice, also as %q", other.key)
	}
	if err != nil {
		b.fail(fmt.Errorf("pattern %q: %w", key, err))
		return
	}
	e := &entry{key: key}
	fill(e)
	b.table.entries[at] = e
}

var isMethod = regexp.MustCompile(`^[A-Z][A-Z0-9_-]*$`).MatchString

func parse(key string) (place, error) {
	method, pattern := split(key)
	switch {
	case pattern == noRoute && method != "":
		return place{}, errors.New("requests without a route are told apart by nothing, not even by method: write " + noRoute)
	case pattern == noRoute:
		return place{}, nil
	case method != "" && !isMethod(method):
		return place{}, fmt.Errorf("%q is no method; write METHOD, one space, pattern, or the pattern alone", method)
	case !strings.HasPrefix(pattern, "/"):
		return place{}, errors.New("a pattern begins with a slash")
	case strings.ContainsAny(pattern, "{}"):
		return place{}, errors.New("parameters of Echo are :id and *, not {id}")
	}
	return place{method, pattern}, nil
}

// split takes "METHOD pattern" apart; a pattern alone has the method "".
func split(key string) (method, pattern string) {
	if method, pattern, ok := strings.Cut(key, " "); ok {
		return method, pattern
	}
	return "", key
}

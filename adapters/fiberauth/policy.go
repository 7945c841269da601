package fiberauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/sallyport-go/sallyport/claims"
)

// Policy is a table of the rules of Fiber's routes. Keys are a method, one space and
// the pattern as it was registered in full, such as "GET /v1/orders/:id", or a pattern
// alone for all its methods. The entry of the method wins, and GET stands for HEAD
// where HEAD has none. A route stands in the table once.
//
// The key "NoRoute" is for the requests that match no route, which Fiber answers with
// 404 and 405.
type Policy struct {
	_ [0]func() // keyed literals only

	// Rules are the routes that one rule guards.
	Rules map[string]claims.Rule
	// Access are the routes whose rule follows from the method.
	Access map[string]claims.AccessLevels
	// Exempt are the routes that are open to everybody, without claims.
	Exempt []string
}

// Enforce guards all routes of an app by a table. Call it when all of them are
// registered, those of mounted apps too, and before the app serves:
//
//	app.Get("/orders", list)
//	...
//	if err := fiberauth.Enforce(app, gate, policy); err != nil {
//
// It puts a door in front of the handlers of each route, so that what routes a request
// is what is judged, whatever handlers of Use have made of it, and one behind all of
// them for requests without a route. A request whose route has no entry is refused,
// 401 without a good token, 403 with one, and so is one without a route. Handlers of
// Use are no routes: see the package's notes on order. The exempt patterns of the
// Guard's own configuration do not count here.
//
// A route that is registered afterwards panics. All mistakes of the table are reported
// together, keys that name no route among them, and the app is then as it was. It must
// not be called twice for an app.
func Enforce(app *fiber.App, guard Guard, p Policy) error {
	if app == nil {
		return errors.New("fiberauth: the App is nil")
	}
	if guard == nil {
		return errNilGuard
	}
	t, err := compile(guard, p)
	app.Handler() // adds the routes of mounted apps, and those of HEAD
	stack, unreadable := routesOf(app)
	if err := errors.Join(err, unreadable, t.unknown(stack)); err != nil {
		return err
	}
	t.guard(app, stack)
	return nil
}

// noRoute is the entry for requests that Fiber routes nowhere. Their pattern is "".
const noRoute = "NoRoute"

// place is where an entry is for. The method is "" for all of a pattern.
type place struct{ method, pattern string }

// entry is what a key leads to.
type entry struct {
	key       string
	handler   http.Handler
	needsCall bool // whether the rule asks about the call
	byMethod  bool // whether it depends on the method
	exempt    bool
}

type builder struct {
	table *table
	errs  []error
}

func compile(guard Guard, p Policy) (*table, error) {
	b := &builder{table: &table{none: guard.Require(claims.Rule{})(passed), entries: make(map[place]*entry)}} // the zero Rule denies
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
		b.add(key, err, func(e *entry) { e.handler, e.byMethod = guard.RequireAccess(levels)(passed), true })
	}
	for _, key := range p.Exempt {
		b.add(key, nil, func(e *entry) { e.handler, e.exempt = opened(b.table.none), true })
	}
	return b.table, errors.Join(b.errs...)
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

func (b *builder) fail(err error) {
	b.errs = append(b.errs, fmt.Errorf("fiberauth: Policy: %w", err))
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
		return place{}, errors.New("parameters of Fiber are :id and *, not {id}")
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

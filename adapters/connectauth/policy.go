package connectauth

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
)

// Policy is a table of procedures and their rules. A key is a procedure, such as
// "/orders.v1.Orders/List", as the constants of generated code have it, or a whole
// service, such as "/orders.v1.Orders/*". The entry of the procedure wins over that
// of its service. A key stands in the table once.
//
// Rules for access levels are those of [claims.AccessLevels.Require]: calls have no
// methods that a level could follow from.
type Policy struct {
	_ [0]func() // keyed literals only

	// Rules are the procedures and services that a rule guards.
	Rules map[string]claims.Rule
	// Exempt are those that are open to everybody, without claims, such as a health
	// check.
	Exempt []string

	// EndAtExpiry ends calls when their token is no longer good, at exp plus leeway:
	// the context ends with the cause [middleware.ErrTokenExpired], a Receive that
	// waits returns, and an answer that has begun is cut after five seconds, unless
	// the server has a WriteTimeout, which is left to do that. It is for streams; see
	// [ExpiryInterceptor]. A Guard with EndAtExpiry of its own has the same effect.
	//
	// RFC 7519 section 4.1.4: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
	EndAtExpiry bool

	// ShowReasons puts the precise reason of a refusal, such as WRONG_AUDIENCE, into
	// its ErrorInfo. It is for callers of the house: it tells an attacker how far a
	// token got. Otherwise the ErrorInfo has the error code of RFC 6750.
	ShowReasons bool
}

// entry is what a key of the table leads to.
type entry struct {
	rule    claims.Rule
	exempt  bool
	service string // of the key
}

var errNilGuard = errors.New("connectauth: the Guard is nil")

// compile checks a policy. The error reports every mistake.
func compile(guard Guard, p Policy) (map[string]entry, error) {
	if isNil(guard) {
		return nil, errNilGuard
	}
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("connectauth: Policy: "+format, args...))
	}
	if len(p.Rules)+len(p.Exempt) == 0 {
		fail("no procedure at all; name the procedures and their rules")
	}
	plan := make(map[string]entry, len(p.Rules)+len(p.Exempt))
	add := func(key string, e entry) {
		err := errors.Join(checkKey(key), e.rule.Err())
		if _, twice := plan[key]; twice {
			err = errors.Join(err, errors.New("stands there twice"))
		}
		if err != nil {
			fail("%q: %w", key, err)
			return
		}
		e.service, _, _ = split(key)
		plan[key] = e
	}
	for _, key := range slices.Sorted(maps.Keys(p.Rules)) {
		add(key, entry{rule: p.Rules[key]})
	}
	for _, key := range p.Exempt {
		add(key, entry{exempt: true})
	}
	return plan, errors.Join(errs...)
}

// isKey matches the names of protobuf, which a path never has to escape.
var isKey = regexp.MustCompile(`^/[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*/(\*|[A-Za-z_][A-Za-z0-9_]*)$`).MatchString

func checkKey(key string) error {
	if isKey(key) {
		return nil
	}
	return errors.New("write /package.Service/Method, or /package.Service/* for all procedures of a service")
}

// split takes a procedure apart, or a key. It reports false for any other path.
func split(procedure string) (service, method string, ok bool) {
	rest, begins := strings.CutPrefix(procedure, "/")
	service, method, ok = strings.Cut(rest, "/")
	return service, method, ok && begins && service != "" && method != "" && !strings.Contains(method, "/")
}

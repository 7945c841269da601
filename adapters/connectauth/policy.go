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
// "/orders.v1.Orders/List", as the constants of generated code have it, or a
// service with a slash behind, such as "/orders.v1.Orders/", as the constructors of
// generated code return it. The entry of the procedure wins. A key stands in the
// table once.
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

	// DangerouslyTellReasons adds the stable reason of a refusal to the answer, as a
	// google.rpc.ErrorInfo such as WRONG_AUDIENCE, for an API whose callers are all
	// its own. It tells a stranger how far a forged token got.
	DangerouslyTellReasons bool
}

// entry is what a key of the table leads to.
type entry struct {
	rule   claims.Rule
	exempt bool
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
var isKey = regexp.MustCompile(`^/[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*/([A-Za-z_][A-Za-z0-9_]*)?$`).MatchString

func checkKey(key string) error {
	if isKey(key) {
		return nil
	}
	return errors.New("write /package.Service/Method, or /package.Service/ for all procedures of a service")
}

// serviceOf returns the key of the service of a procedure, false for a path that is
// no procedure.
func serviceOf(procedure string) (string, bool) {
	slash := strings.LastIndexByte(procedure, '/')
	if slash < 1 || slash == len(procedure)-1 || procedure[0] != '/' || strings.IndexByte(procedure[1:], '/') != slash-1 {
		return "", false
	}
	return procedure[:slash+1], true
}

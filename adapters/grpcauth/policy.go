package grpcauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
)

// Policy is a table of methods and their rules. Keys are full methods such as
// "/orders.v1.Orders/List", or whole services such as "/orders.v1.Orders/*". The entry
// of the method wins over that of its service. A key is there once.
//
// Rules about the call see its metadata as the header of [middleware.RequestOf];
// there are no parameters of a route.
type Policy struct {
	_ [0]func() // keyed literals only

	// Rules are the methods that one rule guards. Of [claims.AccessLevels] it is
	// Require that makes a rule.
	Rules map[string]claims.Rule

	// Exempt are the methods that are open to everybody, without claims, such as
	// "/grpc.health.v1.Health/*". None is exempt by itself.
	Exempt []string

	// EndAtExpiry ends calls when their token is no longer good, at exp plus leeway,
	// as Unauthenticated. The context ends with the cause
	// [middleware.ErrTokenExpired]; sending to and receiving from a stream fail then,
	// also where they wait. A unary method that does not heed its context is
	// answered. It costs a goroutine for the time that a message of a stream takes.
	// A Guard with EndAtExpiry of its own has the same effect.
	//
	// RFC 7519 section 4.1.4: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
	EndAtExpiry bool

	// ShowReasons puts the precise reason of a refusal, such as WRONG_AUDIENCE, into
	// its ErrorInfo. It is for callers of the house: it tells an attacker how far a
	// token got. Otherwise the ErrorInfo has the error code of RFC 6750.
	ShowReasons bool
}

// table is a Policy without mistakes. It is immutable; the zero table has no entry.
type table struct {
	entries map[string]*entry // by their keys
	none    entry             // for methods without one
}

// entry is what a key leads to.
type entry struct {
	key    string // as it is written; "" for none
	exempt bool
	rule   claims.Rule
	door   door
}

// door is the part of a Guard's handler that says what it requires.
type door interface {
	Requires(method, pattern string) (access string, ruled bool)
}

func compile(guard Guard, p Policy) (*table, error) {
	t := &table{entries: map[string]*entry{}}
	var errs []error
	add := func(e *entry, mistake error) {
		err := errors.Join(keyMistake(e.key), mistake)
		if err == nil && t.entries[e.key] != nil {
			err = errors.New("stands there twice")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("grpcauth: Policy: method %q: %w", e.key, err))
			return
		}
		if !e.exempt {
			e.door = doorOf(guard, e.rule) // of a rule without a mistake: Guards panic otherwise
		}
		t.entries[e.key] = e
	}
	if len(p.Rules)+len(p.Exempt) == 0 {
		errs = append(errs, errors.New("grpcauth: Policy: no method at all; name the methods and their rules"))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Rules)) {
		add(&entry{key: key, rule: p.Rules[key]}, p.Rules[key].Err())
	}
	for _, key := range p.Exempt {
		add(&entry{key: key, exempt: true}, nil)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	t.none.door = doorOf(guard, claims.Rule{}) // the zero Rule denies
	return t, nil
}

// doorOf asks the Guard for a handler that serves nothing: it knows what the rule
// requires there, and the Guard gets to know the scopes of the rule for its metadata.
func doorOf(guard Guard, rule claims.Rule) door {
	d, _ := guard.Require(rule)(http.NotFoundHandler()).(door)
	return d
}

// everyMethod stands for all methods of a service.
const everyMethod = "*"

func keyMistake(key string) error {
	full, slash := strings.CutPrefix(key, "/")
	service, method, both := strings.Cut(full, "/")
	switch {
	case !slash:
		return errors.New("a full method begins with a slash, as in /package.Service/Method")
	case !both && isName(service):
		return fmt.Errorf("the method is missing: write /%s/%s for every method of the service", service, everyMethod)
	case !both || !isName(service) || method != everyMethod && !isName(method):
		return errors.New("is no full method, such as /package.Service/Method, and no service, such as /package.Service/*")
	}
	return nil
}

// isName reports whether s may be the name of a service or a method: what protobuf
// allows, and hyphens. A name that another part could read differently, with an
// escape, a slash or an asterisk, is none.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

// find returns the entry of a full method: its own, else that of its service, else one
// whose rule denies. What is not /service/method has none, so that a path that a
// server routes by another reading of it is refused.
func (t *table) find(full string) *entry {
	service, ok := serviceOf(full)
	if !ok {
		return &t.none
	}
	if e := t.entries[full]; e != nil {
		return e
	}
	if e := t.entries["/"+service+"/"+everyMethod]; e != nil {
		return e
	}
	return &t.none
}

// serviceOf returns the service of a full method.
//
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
func serviceOf(full string) (service string, ok bool) {
	rest, slash := strings.CutPrefix(full, "/")
	service, method, both := strings.Cut(rest, "/")
	return service, slash && both && isName(method)
}

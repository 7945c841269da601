package mcpauth

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
)

// Policy is a table of methods and their rules. Keys are a method of the protocol,
// such as "tools/list", or one with a name and one space between: "tools/call NAME",
// "prompts/get NAME" and "resources/read URI". The entry of the name wins over that
// of the method alone, which is for all other names.
//
// What no entry names is refused, but for what belongs to the protocol itself and
// asks for any good token unless an entry says more: initialize, server/discover,
// ping, logging/setLevel and the notifications of the standard, of which
// notifications/cancelled can have no entry.
//
// resources/read has either one entry for all or entries for single addresses: of
// both, another spelling of an address would take the laxer one.
type Policy struct {
	_ [0]func()
	// Rules are the entries.
	Rules map[string]claims.Rule
}

// entry is what a rule is for; name is "" for every name.
type entry struct{ method, name string }

func (e entry) String() string { return strings.TrimSuffix(e.method+" "+e.name, " ") }

const (
	callTool     = "tools/call"
	getPrompt    = "prompts/get"
	readResource = "resources/read"
	cancelled    = "notifications/cancelled"
)

// named are the methods whose messages have a name, which clients repeat in the
// header Mcp-Name.
//
// https://modelcontextprotocol.io/seps/2243-http-standardization
var named = map[string]bool{callTool: true, getPrompt: true, readResource: true}

// plumbing are the methods of the protocol itself: they open nothing of the server.
var plumbing = []string{
	"initialize", "server/discover", "ping", "logging/setLevel",
	"notifications/initialized", cancelled, "notifications/progress", "notifications/roots/list_changed",
}

func (p Policy) compile() (map[entry]claims.Rule, error) {
	rules := make(map[entry]claims.Rule, len(p.Rules)+len(plumbing))
	var errs []error
	if len(p.Rules) == 0 {
		errs = append(errs, errors.New("mcpauth: Policy: no entry at all; name the methods and their rules"))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Rules)) {
		at, err := parse(key)
		if err = errors.Join(err, p.Rules[key].Err()); err != nil {
			errs = append(errs, fmt.Errorf("mcpauth: Policy: entry %.80q: %w", key, err))
			continue
		}
		rules[at] = p.Rules[key]
	}
	if _, general := rules[entry{method: readResource}]; general {
		for at := range rules {
			if at.method == readResource && at.name != "" {
				errs = append(errs, fmt.Errorf("mcpauth: Policy: entry %.80q: there is one for all addresses too, which another spelling of this one would take: keep one kind, or decide in the rule", at))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, method := range plumbing {
		if _, ok := rules[entry{method: method}]; !ok {
			rules[entry{method: method}] = claims.AnyToken()
		}
	}
	return rules, nil
}

func parse(key string) (entry, error) {
	method, name, spaced := strings.Cut(key, " ")
	switch {
	case method == "" || strings.ContainsFunc(method, func(r rune) bool { return r <= ' ' || r > '~' }):
		return entry{}, errors.New("write a method, or a method, one space and a name")
	case method == cancelled:
		return entry{}, errors.New("the SDK obeys it before any rule is asked for: leave it out; it ends calls of its own session alone")
	case spaced && !named[method]:
		return entry{}, fmt.Errorf("messages of %.40q have no name: write the method alone", method)
	case spaced && (name == "" || name != strings.TrimSpace(name)):
		return entry{}, errors.New("the name is empty, or has a space at its end")
	}
	return entry{method, name}, nil
}

// find returns the entry for a message: that of its name, else that of its method.
// isNamed reports whether the name is known; a message that should have one and
// does not has no entry.
func (t *Table) find(method, name string, isNamed bool) (entry, bool) {
	if named[method] && !isNamed {
		return entry{}, false
	}
	at := entry{method, name}
	if _, ok := t.rules[at]; ok && isNamed && name != "" {
		return at, true
	}
	at = entry{method: method}
	_, ok := t.rules[at]
	return at, ok
}

// ruleFor returns the rule for a message, the zero Rule, which denies, for one that
// no entry names.
func (t *Table) ruleFor(method, name string, isNamed bool) claims.Rule {
	at, ok := t.find(method, name, isNamed)
	if !ok {
		return claims.Rule{}
	}
	return t.rules[at]
}

// atOnce returns the rule that holds if every rule of the table does.
func atOnce(rules map[entry]claims.Rule) claims.Rule {
	var all []claims.Rule
	for _, at := range slices.SortedFunc(maps.Keys(rules), func(a, b entry) int {
		return cmp.Or(strings.Compare(a.method, b.method), strings.Compare(a.name, b.name))
	}) {
		all = append(all, rules[at])
	}
	return claims.AllOf(all...)
}

// isNil sees through an interface that holds a nil pointer.
func isNil(guard Guard) bool {
	if guard == nil {
		return true
	}
	v := reflect.ValueOf(guard)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

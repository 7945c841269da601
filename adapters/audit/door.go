package audit

import (
	"net/http"
	"strings"
)

// Door is a handler that lets a request through only if it brings what is
// required. Those of a Guard are Doors. Give the handlers of your own
// middleware this method, and audits count them too.
type Door interface {
	// Requires says in words what a request of that method, routed by that
	// pattern, must bring. ruled says that somebody has decided so for the
	// route: it is false of a door that lets any good token through, or
	// everybody. A ruled door without any access is an exemption.
	Requires(method, pattern string) (access string, ruled bool)
}

// Table is a Door that decides by method and pattern.
type Table interface {
	Door
	// Entries are the keys of the table.
	Entries() []string
	// Entry is the key that decides about a route, "" if none does.
	Entry(method, pattern string) string
}

// DoorOf is h as a Door, nil if it is none.
func DoorOf(h http.Handler) Door {
	d, _ := h.(Door)
	return d
}

// RouteBehind is a route with the doors that a request for it has to pass. A
// nil Door is none.
func RouteBehind(method, pattern string, doors ...Door) Route {
	var rules, others []string
	ruled := false
	for _, d := range doors {
		if d == nil {
			continue
		}
		access, decided := d.Requires(method, pattern)
		ruled = ruled || decided
		switch {
		case access == "":
		case decided:
			rules = append(rules, access)
		default:
			others = append(others, access)
		}
	}
	if len(rules) == 0 {
		rules = others
	}
	return Route{Method: method, Pattern: pattern, Access: strings.Join(rules, ", and "), Forgotten: !ruled}
}

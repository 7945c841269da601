package adapters_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// A rule goes by the method of the request line, as the router does, whatever is
// said besides.
func TestTheMethodIsThatOfTheRequestLine(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	level := func(name string) string { return f.bearer(audience + "/" + name) }
	attempts := []attempt{
		{"a method in small letters is another one", head("get /orders", reader), []int{noRoute}, []int{403}},
		{"TRACE", head("TRACE /orders", reader), []int{noRoute}, []int{403}},
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "X-Forwarded-Method", "_method"} {
		attempts = append(attempts,
			attempt{name + ": POST called GET", head("POST /orders", reader, name+": GET"), []int{403}, nil},
			attempt{name + ": DELETE called GET", head("DELETE /orders/7", reader, name+": GET"), []int{403}, nil},
			attempt{name + ": GET called DELETE", head("GET /orders", reader, name+": DELETE"), []int{200}, nil},
			attempt{name + ": a level's POST called GET", head("POST /levels", level("get"), name+": GET"), []int{403}, nil},
			attempt{name + ": a level's GET called POST", head("GET /levels", level("post"), name+": POST"), []int{403}, nil},
			attempt{name + ": a level's DELETE called PUT", head("DELETE /levels", level("put"), name+": PUT"), []int{403}, nil},
			attempt{name + ": in a form", withBody("POST /levels", name+"=GET", level("get"), "Content-Type: application/x-www-form-urlencoded"), []int{403}, nil},
			attempt{name + ": in the query", head("DELETE /orders/7?"+name+"=GET", reader), []int{403}, nil},
		)
	}
	strange := []attempt{ // some routers never come to a route's door with them
		{"a method in small letters has no level", head("get /levels", level("get")), nil, []int{403}},
		{"a method nobody knows has no level", head("PURGE /levels", level("get")), nil, []int{403}},
	}
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		f.try(t, at, attempts)
		if at.wiring == "table" {
			f.try(t, at, strange)
		}
	})
}

// Nor does a header say which path is meant, though many a proxy sends one.
func TestThePathIsThatOfTheRequestLine(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	var attempts []attempt
	for _, name := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Path", "X-Original-Uri", "X-Forwarded-Prefix", "X-Envoy-Original-Path"} {
		attempts = append(attempts,
			attempt{name + ": a public path", head("GET /orders", name+": "+public), []int{401}, nil},
			attempt{name + ": a path that the token is good for", head("DELETE /orders/7", reader, name+": /whoami"), []int{403}, nil},
			attempt{name + ": from a public path to another", head("GET "+public, name+": /orders/7"), []int{200}, nil},
			attempt{name + ": from where there is nothing", head("GET /nothing", reader, name+": /orders"), []int{noRoute}, []int{403}},
		)
	}
	f.tryEverywhere(t, attempts)
}

// A table judges credentials before it looks for a route: who has none learns
// nothing of what there is. With a door at each route the router comes first.
func TestATableJudgesCredentialsBeforeThePath(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	var attempts []attempt
	for _, path := range []string{"/nothing", "/forgotten", "/order", "/"} { // the table forgot one of them, which is there
		attempts = append(attempts,
			attempt{"no token: " + path, head("GET " + path), []int{noRoute}, []int{401}},
			attempt{"a bad token: " + path, head("GET "+path, reader+"x"), []int{noRoute}, []int{401}},
			attempt{"two tokens: " + path, head("GET "+path, reader, reader), []int{noRoute}, []int{400}},
			attempt{"a good token: " + path, head("GET "+path, reader), []int{noRoute}, []int{403}},
		)
	}
	f.tryEverywhere(t, attempts)
}

// public is exempt from the rules.
const public = "/home"

// Ways to write /orders/7, or what some router or proxy takes for it.
var spellings = []string{
	"/orders/7", "/orders/7/", "//orders/7", "/orders//7", "/./orders/7", "/orders/./7", "/orders/x/../7", public + "/../orders/7",
	"/orders%2f7", "/orders%2F7", "/%2forders/7", "/orders/7%2f", "/orders/%2f7", "/orders%252f7", "/orders%5c7", "/orders\\7",
	"/%6frders/7", "/orders/%37", "/%6f%72%64%65%72%73/%37", "/ORDERS/7", "/orders;x=1/7", "/orders/7;x=1", "/orders/7%00", "/orders/7%20",
	"/orders/7?x=" + public, "/orders/7#" + public, "/orders/%2e/7", public + "/%2e%2e/orders/7", public + "/..%2forders/7", public + "/..;/orders/7",
	public + "%2f..%2forders%2f7", public + "/%c0%ae%c0%ae/orders/7", "http://api.example/orders/7", "http://api.example//orders/7",
	"http://other.example" + public + "/../orders/7", "/%2e%2e/orders/7", "/orders/7%23", "/orders/7%3f",
}

// No spelling leads around a rule; some, such as an escaped letter, lead to the
// same route, where the administrator gets in.
func TestEncodedPathsPassNoRule(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read orders.write")
	admin := "Authorization: Bearer " + f.issuer.Token(jwkstest.Claims{"roles": []string{"Orders.Admin"}})
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		led := 0
		for _, target := range spellings {
			for name, headers := range map[string][]string{"nobody": nil, "a reader": {reader}} {
				statuses := say(t, f.servers[at], head("DELETE "+target, headers...))
				require.Len(t, statuses, 1, "%s: %s", name, target)
				assert.Contains(t, []int{301, 307, 308, 400, 401, 403, 404, 405}, statuses[0], "%s: %s", name, target)
			}
			if statuses := say(t, f.servers[at], head("DELETE "+target, admin)); statuses[0] == 200 {
				led++
			}
		}
		assert.GreaterOrEqual(t, led, 5, "hardly any spelling is one of the route: the test tests nothing")
	})
}

// A public path opens nothing but itself.
func TestAPublicPathOpensOnlyItself(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		assert.Equal(t, []int{200}, say(t, f.servers[at], head("GET "+public)))
		for _, target := range []string{
			public + "/../orders", public + "/%2e%2e/orders", public + "/..%2forders", public + "%2f..%2forders", public + "/..;/orders", public + ";/../orders",
			public + "/../whoami", public + "%2f..%2fwhoami", public + "/../forgotten", public + "%2f..%2fforgotten", "/" + public + "/../orders", public + "/./../orders",
			public + "\\..\\orders", public + "%5c..%5corders", public + "/orders", public + "%2forders",
		} {
			statuses := say(t, f.servers[at], head("GET "+target))
			require.Len(t, statuses, 1, target)
			assert.Contains(t, []int{301, 307, 308, 400, 401, 404}, statuses[0], target)
		}
	})
}

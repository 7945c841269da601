package ginauth

import (
	"errors"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/adapters/internal/table"
	"github.com/sallyport-go/sallyport/claims"
)

// Policy is a table of the rules of Gin's routes. Keys are a method, one space
// and the pattern as it was registered in full, such as "GET /v1/orders/:id",
// or a pattern alone for all its methods. The entry of the method wins, and GET
// stands for HEAD where HEAD has none. A route stands in the table once.
//
// The key "NoRoute" is for the requests that match no route: those that Gin
// gives to the handlers of Engine.NoRoute and Engine.NoMethod, or answers
// itself with 404 and 405.
//
// Since Gin chooses the route and the entry follows from the choice, no way of
// writing a path (escapes, doubled slashes, dots) leads to the handler of one
// route by the rule of another.
//
// Where Engine.Static finds no file it runs the handlers of Engine.NoRoute by
// the rule of the static route.
type Policy struct {
	_ [0]func() // keyed literals only

	// Rules are the routes that one rule guards.
	Rules map[string]claims.Rule
	// Access are the routes whose rule follows from the method.
	Access map[string]claims.AccessLevels
	// Exempt are the routes that are open to everybody, without claims.
	Exempt []string
}

// Enforce returns a handler that guards all routes by a table, best used first
// and once:
//
//	enforce, err := ginauth.Enforce(gate, policy)
//	...
//	engine.Use(enforce)
//
// It verifies by itself. A request whose route has no entry is refused, 401
// without a good token, 403 with one, and so is one without a route. The exempt
// patterns of the Guard's own configuration do not count here.
//
// All mistakes of the table are reported together. Whether its keys name routes
// shows only when there are routes: see [Audit].
func Enforce(guard Guard, p Policy) (gin.HandlerFunc, error) {
	var g table.Guard // stays nil if guard is
	if guard != nil {
		g = guard
	}
	plan, err := table.New("ginauth", g, table.Policy{Rules: p.Rules, Access: p.Access, Exempt: p.Exempt}, syntax)
	if err != nil {
		return nil, err
	}
	return (&door{table: plan.Bind(passed)}).asGin(), nil
}

// syntax catches what is taken from other routers by mistake.
func syntax(pattern string) (string, error) {
	if strings.ContainsAny(pattern, "{}") {
		return "", errors.New("parameters of Gin are :id and *path, not {id}")
	}
	return runtimePattern(pattern), nil
}

// runtimePattern is a pattern as Context.FullPath gives it.
func runtimePattern(pattern string) string { return strings.ReplaceAll(pattern, `\:`, ":") }

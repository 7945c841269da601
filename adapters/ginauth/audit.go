package ginauth

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/adapters/audit"
	"github.com/sallyport-go/sallyport/adapters/internal/table"
)

// Audit reports of every route what a request for it must bring, and returns an
// error if a route was forgotten: if neither a rule nor an exemption decides
// about it.
//
//	report, err := ginauth.Audit(engine, "GET /healthz")
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Log(report)
//
// Names in open declare routes that are open on purpose, each as "METHOD
// pattern" or as a pattern for all its methods. [Authenticate] and [Optional]
// are no rules, and neither is anything in shadow mode; a route that any good
// token may use says so with Require and claims.AnyToken. Entries of a [Policy]
// that name no route are errors too. The report comes with the error, unless
// the routes could not be read at all.
//
// Audit looks at the chains that Gin will run; it makes no request and runs no
// handler but the doors of this package, which only report what they require. A
// door that Use adds after a route is not in its chain, one that stands last
// protects nothing, and one inside a function of yours is not seen: the route
// counts as forgotten. What other handlers of the chain do is not seen either.
// Handlers of Engine.NoRoute and Engine.NoMethod are in the report as routes
// "* NoRoute" and "* NoMethod".
//
// It belongs into tests, after all routes are registered. Gin keeps chains
// private, so they are read by reflection; with a version of Gin that keeps them
// otherwise, Audit fails.
func Audit(engine *gin.Engine, open ...string) (audit.Report, error) {
	all, err := chains(engine)
	if err != nil {
		return nil, err
	}
	routes := table.Audit{Shown: runtimePattern}
	for _, c := range all {
		if c.name != "" {
			routes.AddUnrouted(c.name, c.doors()...)
		} else {
			routes.Add(c.method, c.written, c.doors()...)
		}
	}
	report, err := routes.Report(open, nil)
	return report, errors.Join(err, namesakes(all))
}

// doors are those of the chain that something stands behind.
func (c chain) doors() (found []table.Door) {
	for i, h := range c.handlers {
		if codeOf(h) != codeOfDoors {
			continue
		}
		if c.name == "" && i == len(c.handlers)-1 {
			continue
		}
		found = append(found, inspect(h))
	}
	return found
}

var codeOfDoors = codeOf(new(door).asGin())

// inspection is the Writer of a Context that belongs to no request. Nothing
// outside of this package can make one.
type inspection struct {
	gin.ResponseWriter
	door table.Door
}

func inspect(h gin.HandlerFunc) table.Door {
	i := &inspection{}
	h(&gin.Context{Writer: i})
	return i.door
}

// chain is a route and the handlers that Gin runs for it, in order.
type chain struct {
	method, pattern string
	written         string // the pattern, with a backslash before a colon that is no parameter
	name            string // of a chain for requests without a route
	handlers        gin.HandlersChain
}

// chains returns those of all routes, and those of NoRoute and NoMethod. Gin
// exports only the last handler of a route, so those in front of it are read
// from its private fields by reflection, and nothing is run to find them. What
// is found is compared with what Gin does export.
func chains(e *gin.Engine) (all []chain, err error) {
	defer func() {
		if p := recover(); p != nil { // of reflect: a field is missing, or of another kind
			all, err = nil, unreadable(fmt.Errorf("%v", p))
		}
	}()
	fields := reflect.ValueOf(e).Elem()
	if all, err = routed(fields, e.Routes()); err != nil {
		return nil, err
	}
	if len(handlersIn(fields, "noRoute")) > 0 {
		all = append(all, chain{name: "NoRoute", handlers: handlersIn(fields, "allNoRoute")})
	}
	if e.HandleMethodNotAllowed && len(handlersIn(fields, "noMethod")) > 0 {
		all = append(all, chain{name: "NoMethod", handlers: handlersIn(fields, "allNoMethod")})
	}
	return all, nil
}

// routed returns the chains of routes, in the order of [gin.Engine.Routes].
func routed(fields reflect.Value, told gin.RoutesInfo) (all []chain, err error) {
	trees := fields.FieldByName("trees")
	for i := range trees.Len() {
		tree := trees.Index(i)
		all = collect(all, tree.FieldByName("method").String(), chain{}, tree.FieldByName("root").Elem())
	}
	return all, confirm(all, told)
}

func collect(all []chain, method string, above chain, node reflect.Value) []chain {
	path := node.FieldByName("path").String()
	here := chain{method: method, pattern: above.pattern + path, written: above.written + path}
	if node.FieldByName("nType").Uint() < parameterNode {
		here.written = above.written + asLiteral(path)
	}
	if here.handlers = handlersIn(node, "handlers"); len(here.handlers) > 0 {
		all = append(all, here)
	}
	children := node.FieldByName("children")
	for i := range children.Len() {
		all = collect(all, method, here, children.Index(i).Elem())
	}
	return all
}

// parameterNode is the first kind of node of Gin that is a parameter: after the
// static one and the root.
const parameterNode = 2

var errLayout = errors.New("the handlers found are not those of its routes")

// confirm compares what was found with what Gin exports.
func confirm(all []chain, told gin.RoutesInfo) error {
	if len(all) != len(told) {
		return unreadable(errLayout)
	}
	for i, c := range all {
		last := c.handlers.Last()
		if c.method != told[i].Method || c.pattern != told[i].Path || codeOf(last) != codeOf(told[i].HandlerFunc) {
			return unreadable(errLayout)
		}
	}
	return nil
}

func unreadable(err error) error {
	return fmt.Errorf("ginauth: Audit does not know this version of Gin (%s): %w", gin.Version, err)
}

// handlersIn reads a private field, which reflect hands out only by address.
func handlersIn(s reflect.Value, name string) gin.HandlersChain {
	f := s.FieldByName(name)
	chain, ok := reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().Interface().(gin.HandlersChain)
	if !ok {
		panic(name + " is a " + f.Type().String())
	}
	return chain
}

// codeOf tells functions apart by their code, though not closures of the same.
func codeOf(h gin.HandlerFunc) uintptr { return reflect.ValueOf(h).Pointer() }

package ginauth

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/gin-gonic/gin"
)

// chain is a route and the handlers that Gin runs for it, in order.
type chain struct {
	method, pattern string
	name            string // of a chain for requests without a route
	handlers        gin.HandlersChain
}

// chains are those of all routes, and those of NoRoute and NoMethod. Gin tells
// the last handler of a route and keeps those in front of it to itself, so they
// are read from its private fields by reflection, and nothing is run to find
// them. What is found is held against what Gin does tell.
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

// routed are the chains of routes, in the order of [gin.Engine.Routes].
func routed(fields reflect.Value, told gin.RoutesInfo) (all []chain, err error) {
	trees := fields.FieldByName("trees")
	for i := range trees.Len() {
		tree := trees.Index(i)
		all = collect(all, tree.FieldByName("method").String(), "", tree.FieldByName("root").Elem())
	}
	return all, confirm(all, told)
}

func collect(all []chain, method, prefix string, node reflect.Value) []chain {
	pattern := prefix + node.FieldByName("path").String()
	if handlers := handlersIn(node, "handlers"); len(handlers) > 0 {
		all = append(all, chain{method: method, pattern: pattern, handlers: handlers})
	}
	children := node.FieldByName("children")
	for i := range children.Len() {
		all = collect(all, method, pattern, children.Index(i).Elem())
	}
	return all
}

var errLayout = errors.New("the handlers found are not those of its routes")

// confirm holds what was found against what Gin tells.
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

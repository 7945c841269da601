package ginauth

import (
	"reflect"
	"sync/atomic"

	"github.com/gin-gonic/gin"
)

// routes is which chain of handlers is that of which route. Gin chooses a chain
// by the method that a request has when it comes, and keeps no note of it: a
// handler in front of a door may since have given the request another one.
type routes struct {
	known atomic.Pointer[map[uintptr]chain]
}

var (
	handlersField, hasHandlers = reflect.TypeFor[gin.Context]().FieldByName("handlers")
	engineField, hasEngine     = reflect.TypeFor[gin.Context]().FieldByName("engine")
)

// of returns the chain that runs, false if it is that of no route, or if Gin
// keeps it otherwise than this package knows: a table then denies.
func (r *routes) of(c *gin.Context) (chain, bool) {
	if !hasHandlers || !hasEngine || handlersField.Type != reflect.TypeFor[gin.HandlersChain]() || c.FullPath() == "" {
		return chain{}, false
	}
	fields := reflect.ValueOf(c).Elem()
	running := fields.FieldByIndex(handlersField.Index).Pointer()
	if known := r.known.Load(); known != nil {
		if found, ok := (*known)[running]; ok {
			return found, true
		}
	}
	engine, ok := reflect.NewAt(engineField.Type, fields.FieldByIndex(engineField.Index).Addr().UnsafePointer()).Elem().Interface().(*gin.Engine)
	if !ok || engine == nil {
		return chain{}, false
	}
	all, err := chains(engine)
	if err != nil {
		return chain{}, false
	}
	known := make(map[uintptr]chain, len(all)) // holds the handlers, so that no other chain gets their address
	for _, one := range all {
		known[reflect.ValueOf(one.handlers).Pointer()] = one
	}
	r.known.Store(&known)
	found, ok := known[running]
	return found, ok
}

package ginauth

import (
	"maps"
	"reflect"
	"sync/atomic"

	"github.com/gin-gonic/gin"
)

// routes is which chain of handlers is that of which route. Gin chooses a chain
// by the method that a request has when it comes, and keeps no note of it: a
// handler in front of a door may since have given the request another one.
//
// To find the chains of an engine costs milliseconds, so what is found is kept,
// and what is not found too: Engine.Static runs the handlers of NoRoute, which
// are no route's, for any file that is not there.
type routes struct {
	known atomic.Pointer[[]engineChains] // the latest engine first
}

// engineChains are the chains of one engine by their address. They hold the
// handlers, so that no other chain gets their address.
type engineChains struct {
	engine *gin.Engine
	routes map[uintptr]chain
	strays map[uintptr]gin.HandlersChain // of no route
}

// Bounds of what is kept: a door serves one engine as a rule, or a few.
const (
	maxEngines = 4
	maxStrays  = 64
)

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
		for i := range *known {
			e := &(*known)[i]
			if found, ok := e.routes[running]; ok {
				return found, true
			}
			if _, ok := e.strays[running]; ok {
				return chain{}, false
			}
		}
	}
	engine, ok := private(fields, engineField).(*gin.Engine)
	if !ok || engine == nil {
		return chain{}, false
	}
	return r.learn(engine, private(fields, handlersField).(gin.HandlersChain)) //nolint:forcetypeassert // compared above
}

// private returns the value of a field that is not exported.
func private(fields reflect.Value, f reflect.StructField) any {
	return reflect.NewAt(f.Type, fields.FieldByIndex(f.Index).Addr().UnsafePointer()).Elem().Interface()
}

// learn finds the chains of an engine, which one that is not known shows to have
// changed.
func (r *routes) learn(engine *gin.Engine, running gin.HandlersChain) (chain, bool) {
	all, err := chains(engine)
	if err != nil {
		return chain{}, false
	}
	now := engineChains{engine, make(map[uintptr]chain, len(all)), make(map[uintptr]gin.HandlersChain)}
	for _, one := range all {
		now.routes[reflect.ValueOf(one.handlers).Pointer()] = one
	}
	next := []engineChains{now}
	if known := r.known.Load(); known != nil {
		for _, e := range *known {
			switch {
			case e.engine == engine && len(e.strays) < maxStrays:
				maps.Copy(now.strays, e.strays)
			case e.engine != engine && len(next) < maxEngines:
				next = append(next, e)
			}
		}
	}
	address := reflect.ValueOf(running).Pointer()
	found, ok := now.routes[address]
	if !ok {
		now.strays[address] = running
	}
	r.known.Store(&next)
	return found, ok
}

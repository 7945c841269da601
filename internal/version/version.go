// Package version names this module and the version of it that was built in.
package version

import (
	"runtime/debug"
	"sync"
)

// Module is the path of this module. It is also the name of the instrumentation
// scope of every metric and span.
const Module = "github.com/sallyport-go/sallyport"

const unknown = "devel"

// Built returns the version that was built in, "devel" where none is known.
var Built = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return In(info)
})

// In returns the version that a program of that description has built in. The
// description may be nil.
func In(info *debug.BuildInfo) string {
	if info == nil {
		return unknown
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == Module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return unknown
}

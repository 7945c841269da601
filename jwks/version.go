package jwks

import (
	"runtime/debug"
	"sync"
)

const module = "github.com/sallyport-go/sallyport"

// defaultUserAgent names the library and its version as it was built in.
var defaultUserAgent = sync.OnceValue(func() string {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = versionIn(info, version)
	}
	return "sallyport/" + version
})

func versionIn(info *debug.BuildInfo, fallback string) string {
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return fallback
}

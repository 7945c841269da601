package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// released is the version of a release build, which the linker sets (make release).
var released string

// version prints which version this is, and of which Go.
func version(args []string, out io.Writer) (int, error) {
	if len(args) > 0 {
		return wrongUse, fmt.Errorf("takes no arguments, and %d are given", len(args))
	}
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintf(out, "sallyport %s %s %s/%s\n", cmp.Or(released, builtFrom(info)), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return accepted, err
}

// builtFrom returns the version that a program was built from and, where it is
// known, the commit. info may be nil.
func builtFrom(info *debug.BuildInfo) string {
	const unknown = "(devel)"
	if info == nil {
		return unknown
	}
	built, commit, changed := info.Main.Version, "", ""
	if built == "" {
		built = unknown
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = " " + s.Value
		case "vcs.modified":
			if s.Value == "true" {
				changed = " with changes"
			}
		}
	}
	return built + commit + changed
}

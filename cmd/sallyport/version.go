package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version prints which version this is, and of which Go.
func version(args []string, out io.Writer) (int, error) {
	if len(args) > 0 {
		return wrongUse, fmt.Errorf("takes no arguments, and %d are given", len(args))
	}
	built, commit := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			built = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(out, "sallyport %s%s %s %s/%s\n", built, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return accepted, err
}

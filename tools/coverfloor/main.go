// Command coverfloor prints the statement coverage of each package in a Go cover profile and fails when a package that
// must hold the floor does not, or was not measured at all.
//
//	coverfloor -profile coverage.out -module example.org/m -floor 90 claims internal/...
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "coverfloor:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("coverfloor", flag.ContinueOnError)
	profile := flags.String("profile", "coverage.out", "cover profile as `file` of go test -coverprofile")
	module := flags.String("module", "", "module `path` to cut from package names")
	floor := flags.Float64("floor", 90, "least `percent` of statements in each package named by an argument")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name the packages that must hold the floor, such as claims, or internal/... for all below it")
	}
	text, err := os.ReadFile(*profile)
	if err != nil {
		return err
	}
	packages, err := measure(bytes.NewReader(text), *module)
	if err != nil {
		return fmt.Errorf("%s: %w", *profile, err)
	}
	return report(out, packages, flags.Args(), *floor)
}

// Command latest updates everything that a module is built and tested from, as far as the Go at hand can build it.
//
//	latest -module .. -modfile bin/latest.mod
//
// It does what `go get -u -t ./...` does to the modfile, which is a copy of go.mod, and goes on where that gives up: a
// version that wants a newer Go is excluded there, so that the newest one before it is taken. What was held back is
// said. Any other trouble fails.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "latest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("latest", flag.ContinueOnError)
	module := flags.String("module", ".", "`directory` of the module")
	modfile := flags.String("modfile", "", "copy of its go.mod, as `file` below that directory, with its go.sum beside it: both are changed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *modfile == "" {
		return errors.New("name a copy of go.mod with -modfile: go.mod itself stays as it is")
	}
	u := updater{dir: *module, modfile: *modfile}
	changes, err := u.update(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(out, changes)
	return u.report(ctx, out)
}

// tooNew is a version that the Go at hand cannot build.
type tooNew struct{ path, version, wants string }

type updater struct {
	dir, modfile string
	held         []tooNew
}

// update gives what `go get` says about its changes.
func (u *updater) update(ctx context.Context) (string, error) {
	for {
		said, err := u.goCommand(ctx, "get", "-modfile="+u.modfile, "-u", "-t", "./...")
		if err == nil {
			return said, nil
		}
		more := u.unknown(said)
		if len(more) == 0 {
			return "", fmt.Errorf("go get -u -t ./...: %w\n%s", err, said)
		}
		for _, m := range more { // each version once, so this ends
			if said, err := u.goCommand(ctx, "mod", "edit", "-exclude="+m.path+"@"+m.version, u.modfile); err != nil {
				return "", fmt.Errorf("go mod edit: %w\n%s", err, said)
			}
		}
		u.held = append(u.held, more...)
	}
}

// complaint is how the go command refuses a version, such as
// "go: example.org/m@v1.2.0 requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)".
var complaint = regexp.MustCompile(`(\S+)@(v\S+) requires go >= ([\w.]+)`)

// unknown are the versions that are complained about and not excluded yet.
func (u *updater) unknown(said string) (more []tooNew) {
	for _, m := range complaint.FindAllStringSubmatch(said, -1) {
		if one := (tooNew{m[1], m[2], m[3]}); !slices.Contains(u.held, one) && !slices.Contains(more, one) {
			more = append(more, one)
		}
	}
	return more
}

// report says for each module that was held back where it stays.
func (u *updater) report(ctx context.Context, out io.Writer) error {
	release, err := u.goCommand(ctx, "env", "GOVERSION")
	if err != nil {
		return fmt.Errorf("go env: %w\n%s", err, release)
	}
	for _, h := range u.held {
		stays, err := u.goCommand(ctx, "list", "-modfile="+u.modfile, "-m", "-f={{.Version}}", h.path)
		if err != nil { // the update did without it
			stays = "none"
		}
		fmt.Fprintf(out, "HELD BACK: %s %s needs Go %s, this is %s; tested with %s\n", h.path, h.version, h.wants, strings.TrimSpace(release), strings.TrimSpace(stays))
	}
	return nil
}

func (u *updater) goCommand(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // G204: the go command, with flags of our own
	cmd.Dir = u.dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	return said.String(), err
}

package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/bench/field/drivers"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// Target is a server that checks tokens, which sallyport attack attacks over HTTP. Its commands are of the shell, run in
// bench/field/targets; Command serves /orders at $ADDR to tokens of $ISSUER for $AUDIENCE, and may write below $DIR.
type Target struct {
	drivers.Library

	Command   string
	VersionOf string // prints its version, and fails where it is not installed
	Install   string // how to get what it needs
	Left      []Left
	// Public are the holes and confusions that somebody has reproduced by hand, and that are known to its maintainers or
	// follow from its documentation. Others stay off the page: they are for its maintainers first.
	Public drivers.Cases
}

// Left is what the documentation leaves to the caller, and so is not tried.
type Left struct {
	Cases drivers.Cases
	Why   string
}

const audience = "api://orders"

// Run attacks the server by the program sallyport. dir is bench/field.
func (t *Target) Run(ctx context.Context, sallyport, dir string) (Row, error) {
	row := Row{Library: t.Library}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	out, err := t.shell(ctx, dir, "sh", "-c", t.VersionOf)
	row.Version = versionIn.FindString(string(out))
	if err != nil || row.Version == "" {
		return row, fmt.Errorf("%w: %s: %v: %.300s", ErrMissing, t.Name, err, out) //nolint:errorlint // one to ask for
	}
	home, err := place()
	if err != nil {
		return row, err
	}
	defer os.RemoveAll(home) //nolint:errcheck // of the system's temporary ones
	addr, err := freeAddr(ctx)
	if err != nil {
		return row, err
	}
	args := append([]string{"attack", "-json", "-quiet", "-wait", "2m", "-url", "http://" + addr + "/orders", "-audience", audience}, t.skips()...)
	out, err = t.shell(ctx, dir, sallyport, append(args, "--", "env", "ADDR="+addr, "DIR="+home, "sh", "-c", t.Command)...)
	var exit *exec.ExitError
	if found := errors.As(err, &exit) && exit.ExitCode() == 1; err != nil && !found { // 1 says that there are findings
		return row, fmt.Errorf("field: %s: %w: %.2000s", t.Name, err, out)
	}
	return t.read(row, out)
}

// shell runs a program where the targets are. Daemons are not in everybody's path.
func (t *Target) shell(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, program, args...) //nolint:gosec // G204: of the list below
	c.Dir = filepath.Join(dir, "targets")
	c.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // so that it ends the server
	c.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil && len(out) == 0 {
		out = stderr.Bytes()
	}
	return out, err
}

var versionIn = regexp.MustCompile(`v?\d+(?:\.\d+)+[\w.+~-]*`)

// place returns a directory that a server may read which is not root, with a document in it.
func place() (string, error) {
	home, err := os.MkdirTemp("", "field")
	if err != nil {
		return "", err
	}
	public := filepath.Join(home, "public")
	return home, errors.Join(os.Chmod(home, 0o755), os.Mkdir(public, 0o755), //nolint:gosec // G301, G302: nobody reads it
		os.WriteFile(filepath.Join(public, "orders"), []byte("orders"), 0o644)) //nolint:gosec // G306: so does this
}

func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// skips are the flags for what is left to the caller: groups, and each case whose name begins so.
func (t *Target) skips() (flags []string) {
	iss := jwkstest.Start(jwkstest.WithoutServer())
	defer iss.Close()
	var names []string
	for name := range iss.Forgeries() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, left := range t.Left {
		for _, of := range left.Cases {
			if !strings.Contains(of, ":") {
				flags = append(flags, "-skip", of+"="+left.Why)
				continue
			}
			for _, name := range names {
				if strings.HasPrefix(name, of) {
					flags = append(flags, "-skip", name+"="+left.Why)
				}
			}
		}
	}
	return flags
}

// read reads the report of an attack.
func (t *Target) read(row Row, text []byte) (Row, error) {
	var report struct {
		Tried    int
		Findings []struct {
			Name, Group, Level, Section, URL string
			Status                           int
		}
		Skipped []struct{ Name, Why string }
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return row, fmt.Errorf("field: the report on %s: %w", t.Name, err)
	}
	row.Tried = report.Tried
	for _, skipped := range report.Skipped {
		switch {
		case t.leaves(skipped.Why):
			row.LeftToCaller++
		case !strings.HasSuffix(skipped.Why, "no request can carry it"):
			return row, fmt.Errorf("field: %s was not tried with %q: %s", t.Name, skipped.Name, skipped.Why)
		}
	}
	if row.Tried == 0 {
		return row, fmt.Errorf("field: %s was tried with nothing", t.Name)
	}
	for _, f := range report.Findings {
		one := Finding{Case{Name: f.Name, Group: f.Group, Level: f.Level, Section: f.Section, URL: f.URL}, Accepted}
		switch {
		case f.Level == "outage" && f.Status == 0:
			one.Answer = Crashed
		case (f.Level == "hole" || f.Level == "confusion") && !t.Public.Has(f.Group, f.Name):
			one.Answer = Held
		}
		row.Findings = append(row.Findings, one)
	}
	if len(t.Left) > 0 {
		row.Note = strings.TrimSpace(row.Note + " Left to the caller:")
		for i, left := range t.Left {
			row.Note += []string{" ", "; "}[min(i, 1)] + left.Why
		}
		row.Note += "."
	}
	return row, nil
}

// leaves reports whether a case was skipped because it is left to the caller.
func (t *Target) leaves(why string) bool {
	return slices.ContainsFunc(t.Left, func(l Left) bool { return l.Why == why })
}

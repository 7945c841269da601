// Command licenses prints the license of every module that a module's packages and their tests are built from, and fails
// where there is none, an unknown one, or one that asks more of a user than a notice.
//
//	licenses -module ..
//
// It reads the texts that the modules ship, so it needs no network once they are downloaded.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("licenses", flag.ContinueOnError)
	module := flags.String("module", ".", "`directory` of the module")
	if err := flags.Parse(args); err != nil {
		return err
	}
	linked, err := modules(ctx, *module)
	if err != nil {
		return err
	}
	tested, err := modules(ctx, *module, "-test")
	if err != nil {
		return err
	}
	return report(out, linked, tested)
}

// modules maps the modules that the packages of the module in dir are built from to where they lie.
func modules(ctx context.Context, dir string, more ...string) (map[string]string, error) {
	args := append([]string{"list", "-deps", "-json=Module"}, more...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./...")...) //nolint:gosec // G204: the go command, with flags of our own
	cmd.Dir = dir
	var failure bytes.Buffer
	cmd.Stderr = &failure
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, failure.Bytes())
	}
	found := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p struct {
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		if m := p.Module; m != nil && !m.Main {
			found[m.Path+" "+m.Version] = m.Dir
		}
	}
}

// report prints the table and gathers what is wrong in it.
func report(out io.Writer, linked, tested map[string]string) error {
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(tested)) {
		use := "tests"
		if _, ok := linked[name]; ok {
			use = "linked"
		}
		license, err := licenseIn(tested[name])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
			license = "?"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", name, license, use)
	}
	return errors.Join(append(wrong, table.Flush())...)
}

// licenseIn names the license whose text lies in a module's directory. Where there are several texts all of them bind,
// for all that is known here.
func licenseIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var names []string
	for _, e := range entries {
		upper := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(upper, "LICEN") && !strings.HasPrefix(upper, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // G304: a module of the build list
		if err != nil {
			return "", err
		}
		name := licenseOf(string(text))
		if name == "" {
			return "", fmt.Errorf("%s is none of the licenses that ask for a notice only: read it, and add it to tools/licenses/texts.go or do without the module", e.Name())
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", errors.New("ships no license text: ask its authors for one, or do without the module")
	}
	return strings.Join(names, ", "), nil
}

// Package report counts which of the programs that a package of tests needs were
// here. A missing one is skipped in plain sight: its name and the reason are in a
// table that make integration prints at the end.
package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Report is the list of the programs that a package needs. It is safe for
// concurrent use. New makes it; the zero value is not usable.
type Report struct {
	title string
	names []string
	least int

	mu      sync.Mutex
	ran     map[string]bool
	missing map[string]string // why, by name
}

// New returns a report on names, which title calls what they are. With CI=true
// the run fails where fewer than least of them ran.
func New(title string, least int, names ...string) *Report {
	return &Report{title: title, names: names, least: least, ran: map[string]bool{}, missing: map[string]string{}}
}

// Ran notes that the program was here and that tests ran with it.
func (r *Report) Ran(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran[name] = true
}

// Missing skips the test because the program is not here, and notes why.
func (r *Report) Missing(t *testing.T, name, why string) {
	t.Helper()
	r.mu.Lock()
	r.missing[name] = why
	r.mu.Unlock()
	t.Skipf("%s is not here: %s", name, why)
}

// String returns the table, with the counts in its last line.
func (r *Report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var table strings.Builder
	missing, unasked := 0, 0
	for _, name := range r.names {
		state := "ran"
		switch why, absent := r.missing[name]; {
		case absent:
			missing++
			state = "not here: " + why
		case !r.ran[name]:
			unasked++
			state = "no test ran"
		}
		fmt.Fprintf(&table, "  %-16s %s\n", name, state)
	}
	fmt.Fprintf(&table, "%s: %d ran, %d not here", r.title, len(r.names)-missing-unasked, missing)
	if unasked > 0 {
		fmt.Fprintf(&table, ", %d not asked for", unasked)
	}
	return table.String() + "\n"
}

// Enough reports whether as many ran as CI wants.
func (r *Report) Enough() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ran := 0
	for _, name := range r.names {
		if _, absent := r.missing[name]; r.ran[name] && !absent {
			ran++
		}
	}
	return ran >= r.least
}

// Main is what TestMain of a package calls: it runs the tests, prints the table,
// writes it to the file that the environment variable INTEGRATION_REPORT names as
// a directory, and returns the exit code.
func (r *Report) Main(m interface{ Run() int }) int {
	code := m.Run()
	table := r.String()
	fmt.Print("\n" + table)
	if dir := os.Getenv("INTEGRATION_REPORT"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, r.title+".txt"), []byte(table), 0o600); err != nil { //nolint:gosec // G703: make integration names the directory
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if os.Getenv("CI") == "true" && !r.Enough() {
		fmt.Fprintf(os.Stderr, "%s: CI=true wants at least %d of %d to run\n", r.title, r.least, len(r.names))
		return 1
	}
	return code
}

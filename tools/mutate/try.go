package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outcome is what became of a mutant.
type outcome string

const (
	killed    outcome = "killed"    // a test failed
	timedOut  outcome = "timed out" // the tests hung: noticed
	survived  outcome = "survived"  // all tests passed
	unreached outcome = "unreached" // no test comes by
)

// rehearsed is one test, run alone with no mutant awake.
type rehearsed struct {
	name    string
	took    time.Duration
	reaches map[string]bool // ids
}

// rehearse runs each test alone with no mutant awake, and learns which mutants it reaches and how long it takes. Tests that
// cannot stand the change itself, as those that count what the compiler inlines, are left out, and said to be.
func (b *binary) rehearse(ctx context.Context, say io.Writer) error {
	list, err := b.tests(ctx, time.Minute, nil, "-test.list=.")
	if err != nil {
		return fmt.Errorf("no list of tests: %w\n%s", err, list)
	}
	var frail []string
	for name := range strings.FieldsSeq(string(list)) {
		if strings.HasPrefix(name, "Benchmark") {
			continue
		}
		hits := b.hits + "." + name
		began := time.Now()
		_, err := b.tests(ctx, 10*time.Minute, []string{"MUTANT_HITS=" + hits}, "-test.run=^"+name+"$")
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			frail = append(frail, name)
			continue
		}
		reaches, err := idsIn(hits)
		if err != nil {
			return err
		}
		b.rehearsed = append(b.rehearsed, rehearsed{name, time.Since(began), reaches})
	}
	if len(b.rehearsed) == 0 {
		return fmt.Errorf("no test passes with no mutant awake, of %v", frail)
	}
	if len(frail) > 0 {
		fmt.Fprintf(say, "left out, because they fail with no mutant awake: %s\n", strings.Join(frail, ", "))
	}
	slices.SortStableFunc(b.rehearsed, func(x, y rehearsed) int { return cmp.Compare(x.took, y.took) })
	return nil
}

func idsIn(hits string) (map[string]bool, error) {
	lines, err := os.ReadFile(hits) //nolint:gosec // G304: in a directory of our own
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	ids := map[string]bool{}
	for id := range strings.FieldsSeq(string(lines)) {
		ids[id] = true
	}
	return ids, nil
}

// try runs the tests that reach a mutant with it awake: the quickest one, those that take a second together, all others.
func (b *binary) try(ctx context.Context, m *mutant) (outcome, error) {
	id := strconv.Itoa(m.id)
	groups, took := [3][]string{}, [3]time.Duration{}
	for _, r := range b.rehearsed {
		if !r.reaches[id] {
			continue
		}
		g := 0
		if len(groups[0]) > 0 {
			g = 1
		}
		if g == 1 && took[1]+r.took > time.Second {
			g = 2
		}
		groups[g], took[g] = append(groups[g], r.name), took[g]+r.took
	}
	if len(groups[0]) == 0 {
		return unreached, nil
	}
	for g, names := range groups {
		if len(names) == 0 {
			continue
		}
		out, err := b.tests(ctx, 5*took[g]+10*time.Second, []string{"MUTANT=" + id}, "-test.run=^("+strings.Join(names, "|")+")$")
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case errors.Is(err, errHung) || bytes.Contains(out, []byte("panic: test timed out")):
			return timedOut, nil
		case err != nil:
			return killed, nil //nolint:nilerr // a failing test is what was hoped for
		}
	}
	return survived, nil
}

var errHung = errors.New("hung")

// tests runs the binary where go test would.
func (b *binary) tests(ctx context.Context, within time.Duration, env []string, args ...string) ([]byte, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, within+5*time.Second, errHung)
	defer cancel()
	args = append([]string{"-test.failfast", "-test.timeout=" + within.String()}, args...)
	cmd := exec.CommandContext(bounded, b.path, args...) //nolint:gosec // G204: the binary that was built just now
	cmd.Dir = b.dir
	cmd.Env = slices.Concat(os.Environ(), env)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if errors.Is(context.Cause(bounded), errHung) {
		return out, errHung
	}
	return out, err
}

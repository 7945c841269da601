package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
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

// patience is how long the tests may take.
type patience struct{ quick, slow time.Duration }

var (
	passed = regexp.MustCompile(`(?m)^--- PASS: (\S+) \(([0-9.]+)s\)`)
	failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+) `)
)

// rehearse runs the tests with no mutant awake. It learns which mutants are reached; which tests take long: those come
// last for each mutant, because most die of a quick one; and which ones cannot stand the change itself, as those that
// count what the compiler inlines: those are left out, and said to be.
func (b *binary) rehearse(ctx context.Context, say io.Writer) error {
	const long = 0.3 // seconds
	began := time.Now()
	out, err := b.tests(ctx, 10*time.Minute, []string{"MUTANT_HITS=" + b.hits}, "-test.v", "-test.failfast=false")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	frail := names(failed.FindAllSubmatch(out, -1))
	if err != nil && len(frail) == 0 {
		return fmt.Errorf("the tests fail with no mutant awake: %w\n%s", err, out)
	}
	whole := time.Since(began)
	var slow []string
	for _, m := range passed.FindAllSubmatch(out, -1) {
		if seconds, err := strconv.ParseFloat(string(m[2]), 64); err == nil && seconds >= long {
			slow = append(slow, regexp.QuoteMeta(string(m[1])))
		}
	}
	b.slow, b.notQuick = pattern(slow), pattern(append(slow, frail...))
	began = time.Now()
	if out, err := b.quick(ctx, 10*time.Minute, nil); err != nil {
		return fmt.Errorf("tests fail with no mutant awake, and not the same ones each time: %w\n%s", err, out)
	}
	if len(frail) > 0 {
		fmt.Fprintf(say, "left out, because they fail with no mutant awake: %s\n", strings.Join(frail, ", "))
	}
	b.patience = patience{quick: 5*time.Since(began) + 10*time.Second, slow: 5*whole + 10*time.Second}
	return b.readHits()
}

func names(found [][][]byte) (list []string) {
	for _, m := range found {
		list = append(list, regexp.QuoteMeta(string(m[1])))
	}
	return list
}

// pattern matches exactly these tests, "" for none.
func pattern(tests []string) string {
	if len(tests) == 0 {
		return ""
	}
	return "^(" + strings.Join(tests, "|") + ")$"
}

func (b *binary) readHits() error {
	b.base = map[string]bool{}
	lines, err := os.ReadFile(b.hits)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for id := range strings.FieldsSeq(string(lines)) {
		b.base[id] = true
	}
	return nil
}

// try runs the tests with one mutant awake.
func (b *binary) try(ctx context.Context, m *mutant) (outcome, error) {
	id := strconv.Itoa(m.id)
	if !b.base[id] {
		return unreached, nil
	}
	env := []string{"MUTANT=" + id}
	out, err := b.quick(ctx, b.patience.quick, env)
	if err == nil && b.slow != "" {
		out, err = b.tests(ctx, b.patience.slow, env, "-test.run="+b.slow)
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return survived, nil
	case errors.Is(err, errHung) || bytes.Contains(out, []byte("panic: test timed out")):
		return timedOut, nil
	}
	return killed, nil
}

// quick runs all tests but the slow and the frail ones.
func (b *binary) quick(ctx context.Context, within time.Duration, env []string) ([]byte, error) {
	if b.notQuick == "" {
		return b.tests(ctx, within, env)
	}
	return b.tests(ctx, within, env, "-test.skip="+b.notQuick)
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

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lamp is a module of which some lines are tested, some are not, and one cannot matter.
const lamp = "testdata/lamp"

// survivors are the mutants of lamp that its tests let live.
var survivors = []string{
	"survived  lamp.go:14:5  < is <=",
	"unreached  lamp.go:15:3  without return ErrBroken",
	"unreached  lamp.go:15:10  return no error",
	"survived  lamp.go:27:39  without l.Left > 0 &&",
	"survived  lamp.go:27:39  > is >=",
	"survived  lamp.go:27:53  without && l.Left >= l.Hours/2",
	"survived  lamp.go:27:53  >= is >",
	"unreached  lamp.go:39:32  return not true",
}

func mutateLamp(t *testing.T, state string) string {
	t.Helper()
	var out strings.Builder
	if err := run(t.Context(), []string{"-module", lamp, "-state", state, "."}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return out.String()
}

func TestWhatTestsMissSurvives(t *testing.T) {
	t.Parallel()
	state := t.TempDir() // removed when the subtest has ended too
	out := mutateLamp(t, state)
	var found []string
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "survived") || strings.HasPrefix(line, "unreached") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	if got, want := strings.Join(found, "\n"), strings.Join(survivors, "\n"); got != want {
		t.Errorf("survivors:\n%s\nwant:\n%s", got, want)
	}

	t.Run("an endless loop counts as noticed, and results are kept", func(t *testing.T) {
		t.Parallel()
		kept, err := os.ReadFile(filepath.Join(state, "..jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(kept), `"mutant":"lamp.go:33:3 without n--","outcome":"timed out"`) {
			t.Errorf("no endless loop in\n%s", kept)
		}
		again := mutateLamp(t, state)
		if strings.Contains(again, ", 0 known from before") || !strings.HasSuffix(again, out[strings.LastIndex(out, "\n")-20:]) {
			t.Errorf("started over:\n%s", again)
		}
		if grown, err := os.ReadFile(filepath.Join(state, "..jsonl")); err != nil || len(grown) != len(kept) {
			t.Errorf("%d bytes of results became %d, %v", len(kept), len(grown), err)
		}
	})
}

func TestTheFloorFails(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := run(t.Context(), []string{"-module", lamp, "-state", t.TempDir(), "-floor", "99", "."}, &out)
	if err == nil || !strings.Contains(err.Error(), "below the floor of 99 %") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestABudgetEndsARun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	if err := run(ctx, []string{"-module", lamp, "-state", t.TempDir(), "."}, &out); err == nil {
		t.Error("a run that was ended reports success")
	}
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{"name packages": nil, "./nowhere": {"-module", lamp, "-state", t.TempDir(), "./nowhere"}} {
		if err := run(t.Context(), args, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
}

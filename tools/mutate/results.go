package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// result is one line of the file that a package's results are kept in.
type result struct {
	Sources string  `json:"sources"` // digest of what was changed
	Tests   string  `json:"tests"`   // digest of who looked
	Mutant  string  `json:"mutant"`
	Outcome outcome `json:"outcome"`
}

// results are those of one package that still hold.
type results struct {
	file           *os.File
	sources, tests string
	mu             sync.Mutex // of what follows, and of the order of lines
	outcomes       map[string]outcome
}

func openResults(name string, s *source) (*results, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // G304: below the directory that the user names
	if err != nil {
		return nil, err
	}
	r := &results{file: file, sources: s.digest, tests: s.tests, outcomes: map[string]outcome{}}
	if err := r.read(file); err != nil {
		return nil, err
	}
	return r, nil
}

// read keeps what was found about these sources. A death stays one, whatever tests were added; who survived has to face
// the new ones.
func (r *results) read(file io.Reader) error {
	for lines := bufio.NewScanner(file); ; {
		if !lines.Scan() {
			return lines.Err()
		}
		var one result
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			continue // a line that was cut when a run was ended: the mutant is tried again
		}
		dead := one.Outcome == killed || one.Outcome == timedOut
		if one.Sources == r.sources && (dead || one.Tests == r.tests) {
			r.outcomes[one.Mutant] = one.Outcome
		}
	}
}

func (r *results) close() { _ = r.file.Close() }

func (r *results) outcome(m *mutant) (outcome, bool) {
	o, ok := r.outcomes[m.key()]
	return o, ok
}

// of counts how many of these mutants are known.
func (r *results) of(mutants []*mutant) (n int) {
	for _, m := range mutants {
		if _, ok := r.outcome(m); ok {
			n++
		}
	}
	return n
}

func (r *results) add(m *mutant, o outcome) error {
	line, err := json.Marshal(result{r.sources, r.tests, m.key(), o})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes[m.key()] = o
	_, err = r.file.Write(append(line, '\n'))
	return errors.Join(err, r.file.Sync())
}

// tally counts outcomes.
type tally struct{ dead, all int }

func (t tally) percent() float64 {
	if t.all == 0 {
		return 100
	}
	return 100 * float64(t.dead) / float64(t.all)
}

// report lists who survived and gives the score.
func (r *results) report(out io.Writer, mutants []*mutant) tally {
	var t tally
	mutants = slices.SortedStableFunc(slices.Values(mutants), func(a, b *mutant) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col))
	})
	for _, m := range mutants {
		o, known := r.outcome(m)
		if !known {
			continue
		}
		t.all++
		if o == killed || o == timedOut {
			t.dead++
			continue
		}
		fmt.Fprintf(out, "%s  %s:%d:%d  %s\n          %s\n", o, m.file, m.line, m.col, m.what, m.code)
	}
	fmt.Fprintf(out, "%d of %d killed, %.1f %%\n", t.dead, t.all, t.percent())
	return t
}

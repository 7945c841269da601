package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// coverage counts the statements of one package.
type coverage struct {
	name           string
	covered, total int
}

func (c coverage) percent() float64 { return 100 * float64(c.covered) / float64(c.total) }

// measure sums a profile by package, sorted by name. A block that several test binaries report counts once, as covered
// when any of them ran it.
func measure(profile io.Reader, module string) ([]coverage, error) {
	type block struct {
		statements int
		ran        bool
	}
	blocks := map[string]block{}
	lines := bufio.NewScanner(profile)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "mode: ") {
			continue
		}
		// file.go:12.3,14.5 statements count
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %q is not a cover profile's", line)
		}
		statements, err := strconv.Atoi(fields[1])
		count, err2 := strconv.ParseUint(fields[2], 10, 64)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("line %q is not a cover profile's: %w", line, err)
		}
		blocks[fields[0]] = block{statements, count > 0 || blocks[fields[0]].ran}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}

	sums := map[string]coverage{}
	for at, block := range blocks {
		file, _, _ := strings.Cut(at, ":")
		name := strings.TrimPrefix(path.Dir(file), module+"/")
		sum := sums[name]
		sum.name = name
		sum.total += block.statements
		if block.ran {
			sum.covered += block.statements
		}
		sums[name] = sum
	}
	var packages []coverage
	for _, sum := range sums {
		if sum.total > 0 {
			packages = append(packages, sum)
		}
	}
	slices.SortFunc(packages, func(a, b coverage) int { return strings.Compare(a.name, b.name) })
	return packages, nil
}

// report prints every package and fails for all of those below the floor at once.
func report(out io.Writer, packages []coverage, core []string, floor float64) error {
	var failures []error
	for _, pkg := range packages {
		mark := " "
		if slices.ContainsFunc(core, func(pattern string) bool { return matches(pattern, pkg.name) }) {
			mark = "*"
			if pkg.percent() < floor {
				failures = append(failures, fmt.Errorf("%s: %.1f %% of its statements are covered, at least %g %% must be", pkg.name, pkg.percent(), floor))
			}
		}
		fmt.Fprintf(out, "%s %5.1f %%  %s\n", mark, pkg.percent(), pkg.name)
	}
	for _, pattern := range core {
		if !slices.ContainsFunc(packages, func(pkg coverage) bool { return matches(pattern, pkg.name) }) {
			failures = append(failures, fmt.Errorf("%s: no statement of it was measured", pattern))
		}
	}
	fmt.Fprintf(out, "* must hold %g %%\n", floor)
	return errors.Join(failures...)
}

func matches(pattern, name string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == parent || strings.HasPrefix(name, parent+"/")
	}
	return name == pattern
}

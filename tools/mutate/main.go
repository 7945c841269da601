// Command mutate breaks a package on purpose, one small way at a time, and sees whether its tests notice. A mutant that
// no test fails for has survived: either a test is missing or the change makes no difference.
//
//	mutate -module .. -state ../bin/mutate ./claims ./jwks
//
// All mutants of a package are compiled into one test binary, asleep, and an environment variable wakes one of them. So a
// mutant costs a run of the tests and no compilation, and those that no test reaches cost nothing. Results are appended
// to a file for each package as they come: an interrupted run goes on where it was. Once the sources have changed it
// starts over; once only tests have changed it tries the survivors again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1) //nolint:gocritic // exitAfterDefer: the process ends, and the signal handler with it
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	module := flags.String("module", ".", "`directory` of the module")
	state := flags.String("state", "bin/mutate", "`directory` of results, for resuming")
	floor := flags.Float64("floor", 0, "least `percent` of mutants that must be killed in each package")
	budget := flags.Duration("budget", 0, "stop after this `time`, to go on in another run; 0 is no bound")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name packages, such as ./claims")
	}
	if *budget > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *budget)
		defer cancel()
	}
	var below []string
	for _, name := range flags.Args() {
		score, err := mutate(ctx, *module, *state, name, out)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if score.percent() < *floor {
			below = append(below, fmt.Sprintf("%s at %.1f %%", name, score.percent()))
		}
	}
	if len(below) > 0 {
		return fmt.Errorf("below the floor of %g %%: %s", *floor, strings.Join(below, ", "))
	}
	return nil
}

// mutate judges all mutants of one package.
func mutate(ctx context.Context, module, state, name string, out io.Writer) (tally, error) {
	pkg, err := load(ctx, module, name)
	if err != nil {
		return tally{}, err
	}
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return tally{}, err
	}
	defer func() { _ = os.RemoveAll(work) }()

	bin, err := build(ctx, pkg, work)
	if err != nil {
		return tally{}, err
	}
	known, err := openResults(filepath.Join(state, strings.ReplaceAll(strings.TrimPrefix(name, "./"), "/", "-")+".jsonl"), pkg)
	if err != nil {
		return tally{}, err
	}
	defer known.close()

	fmt.Fprintf(out, "== %s: %d mutants, %d known from before, %d would not build\n", name, len(bin.mutants), known.of(bin.mutants), bin.dropped)
	began := time.Now()
	if err := judge(ctx, bin, known, out); err != nil {
		known.report(out, bin.mutants)
		return tally{}, fmt.Errorf("stopped after %v, run it again to go on: %w", time.Since(began).Round(time.Second), err)
	}
	return known.report(out, bin.mutants), nil
}

// judge runs the tests against every mutant whose outcome is not known.
func judge(ctx context.Context, bin *binary, known *results, say io.Writer) error {
	var todo []*mutant
	for _, m := range bin.mutants {
		if _, done := known.outcome(m); !done {
			todo = append(todo, m)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if err := bin.rehearse(ctx, say); err != nil {
		return err
	}
	return inParallel(ctx, todo, func(ctx context.Context, m *mutant) error {
		outcome, err := bin.try(ctx, m)
		if err != nil {
			return err
		}
		return known.add(m, outcome)
	})
}

// inParallel works through a list on all processors and stops at the first error.
func inParallel(ctx context.Context, list []*mutant, work func(context.Context, *mutant) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *mutant)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for m := range next {
				if err := work(ctx, m); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, m := range list {
		if ctx.Err() != nil {
			break
		}
		next <- m
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

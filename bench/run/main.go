// Command run measures every case in interleaved rounds. By default it writes the report and the chart; with -check
// it writes nothing, judges the goals and fails if one is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/cases"
	"github.com/sallyport-go/sallyport/bench/internal/goals"
	"github.com/sallyport-go/sallyport/bench/internal/load"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
	"github.com/sallyport-go/sallyport/bench/internal/report"
)

type options struct {
	check               bool
	rounds, turns       int
	slice, httpSlice    time.Duration
	again               int
	out, svg, raw, only string
}

func main() {
	var o options
	flag.BoolVar(&o.check, "check", false, "judge the goals, write no report")
	flag.IntVar(&o.rounds, "rounds", 11, "rounds of each group")
	flag.IntVar(&o.turns, "turns", 5, "turns of each case within a round")
	flag.DurationVar(&o.slice, "slice", 10*time.Millisecond, "how long one turn lasts")
	flag.DurationVar(&o.httpSlice, "http", 200*time.Millisecond, "how long the HTTP clients ask, in each of six times as many rounds")
	flag.IntVar(&o.again, "again", 2, "with -check: how often the groups of missed goals are measured again")
	flag.StringVar(&o.out, "out", "RESULTS.md", "the report")
	flag.StringVar(&o.svg, "svg", "results.svg", "the chart")
	flag.StringVar(&o.raw, "raw", "", "every round, for benchstat")
	flag.StringVar(&o.only, "only", "", "print the medians of this group alone")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := o.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var errMissed = errors.New("a goal is missed")

func (o *options) run(ctx context.Context) error {
	start := time.Now()
	results := new(measure.Results)
	if o.only != "" {
		return o.one(ctx, results)
	}
	if err := o.measure(ctx, results, nil); err != nil {
		return err
	}
	list := goals.Judge(results)
	for n := 0; o.check && n < o.again && len(missed(list)) > 0; n++ {
		groups := missed(list)
		fmt.Printf("missed: measuring %v again, the rounds count together\n", groups)
		if err := o.measure(ctx, results, groups); err != nil {
			return err
		}
		list = goals.Judge(results)
	}
	fmt.Println()
	for i := range list {
		g := &list[i]
		fmt.Printf("%8s  (limit %s)  %s: %s\n", report.Figure(g, g.Got), report.Limit(g), g.Name, g.Verdict())
	}
	fmt.Printf("\n%d goals, %d groups missed, %v\n", len(list), len(missed(list)), time.Since(start).Round(time.Second))
	if o.check {
		if len(missed(list)) > 0 {
			return errMissed
		}
		return nil
	}
	rep := &report.Report{Results: results, Goals: list, Rounds: o.rounds, Turns: o.turns}
	return errors.Join(to(o.out, rep.Markdown), to(o.svg, rep.Chart), to(o.raw, results.WriteText))
}

// one prints the medians of a single group.
func (o *options) one(ctx context.Context, results *measure.Results) error {
	if err := o.measure(ctx, results, []string{o.only}); err != nil {
		return err
	}
	list := results.Of(o.only)
	if len(list) == 0 {
		return fmt.Errorf("there is no group %q", o.only)
	}
	for _, s := range list {
		fmt.Printf("%-52s %10.0f ns  %4.0f allocs\n", s.Name, s.Median(), s.Allocs)
	}
	return to(o.raw, results.WriteText)
}

// measure adds rounds of the named groups; nil is all.
func (o *options) measure(ctx context.Context, results *measure.Results, only []string) error {
	wanted := func(group string) bool { return only == nil || slices.Contains(only, group) }
	plan := measure.Plan{Rounds: o.rounds, Turns: o.turns, Slice: o.slice}
	for _, g := range cases.Groups() {
		if !wanted(g.Name) {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Printf("%s ...\n", g.Name)
		results.Group(g, plan)
	}
	if !wanted(load.Group) {
		return nil
	}
	fmt.Printf("%s ...\n", load.Group)
	return load.Measure(ctx, results, 6*o.rounds, o.httpSlice)
}

// missed returns the groups with goals that are missed.
func missed(list []goals.Goal) []string {
	var groups []string
	for i := range list {
		if g := &list[i]; g.Missed() && !slices.Contains(groups, g.Group) {
			groups = append(groups, g.Group)
		}
	}
	return groups
}

func to(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path) //nolint:gosec // G304: the path is the caller's to say
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

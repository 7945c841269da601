// Package report writes the measurements for people: RESULTS.md and a chart.
package report

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/bench/internal/cases"
	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/bench/internal/goals"
	"github.com/sallyport-go/sallyport/bench/internal/load"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
)

// Report is a run of the benchmarks on this machine.
type Report struct {
	Results *measure.Results
	Goals   []goals.Goal
	Rounds  int
	Turns   int
}

// Markdown writes RESULTS.md.
func (rep *Report) Markdown(out io.Writer) error {
	w := &writer{}
	for _, section := range []func(*writer){rep.head, rep.firstSight, rep.seen, rep.guard, rep.http, rep.refusals, rep.flat, rep.parallel, rep.goals} {
		section(w)
	}
	_, err := io.WriteString(out, w.String())
	return err
}

func (rep *Report) head(w *writer) {
	w.line("# Results\n")
	w.line("Written by `make bench`; do not edit. [Chart](results.svg). What the figures mean in production: [docs/performance.md](../docs/performance.md).\n")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	sha, flags := "no", " "+cpu("flags")+cpu("Features")+" "
	switch {
	case strings.Contains(flags, " sha_ni "), strings.Contains(flags, " sha2 "):
		sha = "yes"
	case strings.TrimSpace(flags) == "":
		sha = "unknown"
	}
	w.table("machine", cpu("model name"))
	w.row("processors", fmt.Sprint(runtime.GOMAXPROCS(0)))
	w.row("SHA-256", fmt.Sprintf("%.0f MB/s; SHA instructions: %s", goals.SHASpeed(rep.Results), sha))
	w.row("system", strings.TrimSpace(runtime.GOOS+"/"+runtime.GOARCH+" "+string(kernel)))
	w.row("Go", runtime.Version())
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, c := range contest.Peers {
			for _, dep := range build.Deps {
				if dep.Path == c.Module {
					w.row(dep.Path, dep.Version)
				}
			}
		}
	}
	w.line("\nEvery time is the median of %d rounds. Within a round the cases of a table take %d turns, in random order, and the round's value is the median of", rep.Rounds, rep.Turns)
	w.line("its turns. Times are those of the processor, so that other processes do not count; where several do something at once, and over HTTP, the clock on")
	w.line("the wall is read. The heap is collected before each turn and not within it: what a check leaves to be collected shows as its allocations, which are")
	w.line("exact. A ratio is the median of the rounds' ratios. `make bench` writes every round to bin/bench.txt, of which benchstat computes the intervals.\n")
	w.line("Token: %d bytes with an RSA signature, the claims of an Entra ID app token. Every contestant checks signature, issuer, audience and expiry and then", fixture.Length)
	w.line("looks for a role, for which some have to decode the payload once more; a test holds each to refusing an expired token, another audience, another issuer and a broken signature.")
}

// cpu returns a field of the first processor, "" where there is no such file.
func cpu(name string) string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (rep *Report) firstSight(w *writer) {
	w.line("\n## First sight of a token")
	w.line("\nNothing is remembered: every check is done from the first byte. *bare* decodes the signature, hashes and calls the standard library (`rsa.VerifyPKCS1v15`,")
	w.line("`ecdsa.Verify`, `ed25519.Verify`), and reads no JSON: the least that any checker of tokens can cost.")
	for _, alg := range fixture.Algorithms {
		base := rep.Results.At("FirstSight", "alg="+alg+"/impl=bare")
		w.line("\n### %s\n", alg)
		w.table("check", "time>", "to bare>", "allocations>", "does not refuse")
		for _, s := range rep.Results.Of("FirstSight") {
			if cases.Value(s.Name, "alg") == alg {
				_, name, _ := strings.Cut(s.Name, "/impl=")
				w.row(strings.Replace(name, "/", " ", 1), micro(s), times(s.Ratio(base)), count(s.Allocs), lacks(s.Name))
			}
		}
	}
	w.line("\n*cache=miss* is the default configuration on tokens that were never seen: it also remembers each of them.")
}

func lacks(name string) string {
	for _, c := range contest.All {
		if cases.Value(name, "impl") == c.Name {
			return strings.Join(c.Lacks, ", ")
		}
	}
	return ""
}

func (rep *Report) seen(w *writer) {
	w.line("\n## A token seen before")
	w.line("\nThe default configuration. No cache can find a token without one pass of a hash over it, or keeping it. The fastest peer has no cache and checks the")
	w.line("same token again, so the last columns compare remembered with repeated work.\n")
	w.table("alg", "one SHA-256 pass>", "Sallyport>", "to SHA-256>", "allocations>", "fastest peer, again>", "Sallyport is faster by>")
	for _, alg := range fixture.Algorithms {
		sha, hit := rep.Results.At("Seen", "alg="+alg+"/impl=sha256"), rep.Results.At("Seen", "alg="+alg+"/impl=sallyport/cache=hit")
		name, peer := goals.Fastest(rep.Results, "Seen", alg)
		w.row(alg, micro(sha), micro(hit), times(hit.Ratio(sha)), count(hit.Allocs), micro(peer)+" ("+name+")", times(1/hit.Ratio(peer)))
	}
}

func (rep *Report) guard(w *writer) {
	w.line("\n## Through the Guard")
	w.line("\nOne request handed to the router in memory; *bare* is the same route without a Guard.\n")
	w.table("router", "request", "time>", "beyond bare>", "allocations>", "beyond bare>")
	for _, s := range rep.Results.Of("Guard") {
		router, request, _ := strings.Cut(strings.TrimPrefix(s.Name, "router="), "/request=")
		bare := rep.Results.At("Guard", "router="+router+"/request=bare")
		w.row(router, request, micro(s), fmt.Sprintf("%.2f µs", (s.Median()-bare.Median())/1e3), count(s.Allocs), count(s.Allocs-bare.Allocs))
	}
}

func (rep *Report) http(w *writer) {
	w.line("\n## Over HTTP")
	w.line("\nA loopback server, %d keep-alive clients in the same process on the same processors, 64 tokens in turn, %d rounds, collections as they come. The answer is", load.Clients, len(rep.Results.Of(load.Group)[0].Rounds))
	w.line("twenty orders that the handler encodes in JSON, which is what the goal is about, or empty, which shows the Guard's share at its largest.")
	w.line("*seen* is the default configuration, *first* has no cache and checks every signature. Ratios are to no Guard and the same answer.\n")
	w.table("answer", "Guard", "requests per second>", "ratio>", "processor time for one>", "ratio>", "p50>", "ratio>", "p99>", "ratio>")
	for _, v := range load.Variants {
		own := func(of string) *measure.Series { return rep.Results.At(load.Group, v.Name(of)) }
		base := func(of string) *measure.Series { return rep.Results.At(load.Group, v.Base().Name(of)) }
		cells := []string{v.Answer, v.Guard, fmt.Sprintf("%.0f", 1e9/own("request").Median()), times(base("request").Ratio(own("request")))}
		for _, of := range []string{"cpu", "p50", "p99"} {
			cells = append(cells, micro(own(of)), times(own(of).Ratio(base(of))))
		}
		w.row(cells...)
	}
}

func (rep *Report) refusals(w *writer) {
	bare := rep.Results.At("Refusal", "token=good/impl=bare")
	w.line("\n## Refusals")
	w.line("\nWhat a stranger can make an API spend without a signed token. No signature is checked; unknown key ids come when the budget for them is used up, one again and again or each another.\n")
	w.table("token", "time>", "to the bare RS256 check>", "allocations>")
	for _, s := range rep.Results.Of("Refusal") {
		w.row(strings.TrimPrefix(s.Name, "token="), micro(s), fmt.Sprintf("1/%.0f", 1/s.Ratio(bare)), count(s.Allocs))
	}
}

func (rep *Report) flat(w *writer) {
	w.line("\n## Many keys, many issuers, a full cache, a refresh that hangs")
	refreshing := rep.Results.Of("Refreshing") // each token without a refresh and with one
	for _, list := range [][]*measure.Series{rep.Results.Of("FlatSeen"), rep.Results.Of("FlatFirst"), refreshing[:2], refreshing[2:]} {
		w.line("")
		w.table(list[0].Group, "time>", "to the first>", "allocations>")
		for _, s := range list {
			w.row(s.Name, micro(s), times(s.Ratio(list[0])), count(s.Allocs))
		}
	}
}

func (rep *Report) parallel(w *writer) {
	w.line("\n## On two processors")
	w.line("\nTime for one check, all goroutines' checks counted. Plain SHA-256 shows what the machine itself gains.\n")
	w.table("check", "one goroutine>", "two>", "throughput>")
	for _, impl := range []string{"sha256", "sallyport/cache=hit"} {
		a, b := rep.Results.At("Parallel", "impl="+impl+"/procs=1"), rep.Results.At("Parallel", "impl="+impl+"/procs=2")
		w.row(impl, micro(a), micro(b), times(a.Ratio(b)))
	}
}

func (rep *Report) goals(w *writer) {
	w.line("\n## Goals")
	w.line("\n`make bench-check` fails where a figure is beyond the limit.\n")
	w.table("goal", "measured>", "limit>", "")
	for i := range rep.Goals {
		g := &rep.Goals[i]
		w.row(g.Name, Figure(g, g.Got), Limit(g), g.Verdict())
	}
}

// Figure formats a goal's value.
func Figure(g *goals.Goal, v float64) string {
	if g.Count {
		return count(v)
	}
	return fmt.Sprintf("%.3f", v)
}

// Limit formats a goal's limit.
func Limit(g *goals.Goal) string {
	if g.AtLeast {
		return "≥ " + Figure(g, g.Limit)
	}
	return "≤ " + Figure(g, g.Limit)
}

func micro(s *measure.Series) string { return fmt.Sprintf("%.2f µs", s.Median()/1e3) }
func times(v float64) string         { return fmt.Sprintf("%.2f", v) }
func count(v float64) string         { return fmt.Sprintf("%.0f", v) }

type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *writer) row(cells ...string) { w.line("%s", "| "+strings.Join(cells, " | ")+" |") }

// table begins a table. A heading that ends in > is of a column of figures.
func (w *writer) table(headings ...string) {
	rule := slices.Repeat([]string{"---"}, len(headings))
	for i, h := range headings {
		if name, figures := strings.CutSuffix(h, ">"); figures {
			headings[i], rule[i] = name, "--:"
		}
	}
	w.row(headings...)
	w.row(rule...)
}

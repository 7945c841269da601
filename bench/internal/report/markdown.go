// Package report writes the measurements for people: RESULTS.md and a chart.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/bench/internal/cases"
	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/bench/internal/goals"
	"github.com/sallyport-go/sallyport/bench/internal/load"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
)

// Report is what there is to tell.
type Report struct {
	Results *measure.Results
	Goals   []goals.Goal
	Machine Machine
	Rounds  int
	Turns   int
}

// Markdown writes RESULTS.md.
func (rep *Report) Markdown(out io.Writer) error {
	w := &writer{}
	rep.head(w)
	rep.firstSight(w)
	rep.seen(w)
	rep.guard(w)
	rep.http(w)
	rep.refusals(w)
	rep.flat(w)
	rep.parallel(w)
	rep.goals(w)
	_, err := io.WriteString(out, w.String())
	return err
}

func (rep *Report) head(w *writer) {
	m := rep.Machine
	w.line("# Results")
	w.line("")
	w.line("Written by `make bench`; do not edit. [Chart](results.svg). What the figures mean in production: [docs/performance.md](../docs/performance.md).")
	w.line("")
	w.row("machine", m.CPU)
	w.row("---", "---")
	w.row("processors", fmt.Sprint(m.Processors))
	w.row("SHA-256", fmt.Sprintf("%.0f MB/s; SHA instructions: %s", goals.SHASpeed(rep.Results), m.SHAFlag))
	w.row("system", m.System)
	w.row("Go", m.Go)
	for _, module := range m.Modules {
		w.row(module.Path, module.Version)
	}
	w.line("")
	w.line("Every time is the median of %d rounds. Within a round the cases of a table take %d turns, in an order by lot, and the round's value is the median of", rep.Rounds, rep.Turns)
	w.line("its turns. Times are those of the processor, so that a busy neighbour does not count; where several do something at once, and over HTTP, the clock on")
	w.line("the wall is read. The heap is collected before each turn and not within it: what a check leaves to be collected shows as its allocations, which are")
	w.line("exact. A ratio is the median of the rounds' ratios. ± is the wider half of the 95 %% confidence interval of the median before it.")
	w.line("")
	w.line("Token: %d bytes with an RSA signature, the claims of an Entra ID app token. Every contestant checks signature, issuer, audience and expiry and then", fixture.Length)
	w.line("looks for a role, for which some have to decode the payload once more; a test holds each to refusing an expired token, another audience, another issuer and a broken signature.")
}

func (rep *Report) firstSight(w *writer) {
	w.line("\n## First sight of a token")
	w.line("\nNothing is remembered: every check is done from the first byte. *bare* decodes the signature, hashes and calls the standard library (`rsa.VerifyPKCS1v15`,")
	w.line("`ecdsa.Verify`, `ed25519.Verify`), and reads no JSON: the least that any checker of tokens can cost.")
	for _, alg := range fixture.Algorithms {
		base := rep.Results.At("FirstSight", "alg="+alg+"/impl=bare")
		w.line("\n### %s\n", alg)
		w.row("check", "time", "±", "to bare", "±", "allocations", "does not refuse")
		w.row("---", "--:", "--:", "--:", "--:", "--:", "---")
		for _, s := range rep.Results.Of("FirstSight") {
			if cases.Value(s.Name, "alg") == alg {
				w.row(implementation(s.Name), micro(s), spread(s), times(s.Ratio(base)), percent(s.RatioSpread(base)), count(s.Allocs), lacks(s.Name))
			}
		}
	}
	w.line("\n*cache=miss* is the default configuration on tokens that were never seen: it also remembers each of them.")
}

func (rep *Report) seen(w *writer) {
	w.line("\n## A token seen before")
	w.line("\nThe default configuration. Without one pass of SHA-256 over the token no cache could tell it from another without keeping it.\n")
	w.row("alg", "one SHA-256 pass", "Sallyport", "±", "to SHA-256", "±", "allocations")
	w.row("---", "--:", "--:", "--:", "--:", "--:", "--:")
	for _, alg := range fixture.Algorithms {
		sha, hit := rep.Results.At("Seen", "alg="+alg+"/impl=sha256"), rep.Results.At("Seen", "alg="+alg+"/impl=sallyport/cache=hit")
		w.row(alg, micro(sha), micro(hit), spread(hit), times(hit.Ratio(sha)), percent(hit.RatioSpread(sha)), count(hit.Allocs))
	}
	w.line("\nThis compares remembered with repeated work: the fastest peer has no cache and checks the same token again.\n")
	w.row("alg", "Sallyport, remembered", "fastest peer, again", "faster by")
	w.row("---", "--:", "--:", "--:")
	for _, alg := range fixture.Algorithms {
		hit := rep.Results.At("Seen", "alg="+alg+"/impl=sallyport/cache=hit")
		name, peer := goals.Fastest(rep.Results, "Seen", alg)
		w.row(alg, micro(hit), micro(peer)+" ("+name+")", times(1/hit.Ratio(peer)))
	}
}

func (rep *Report) guard(w *writer) {
	w.line("\n## Through the Guard")
	w.line("\nOne request handed to the router in memory; *bare* is the same route without a Guard.\n")
	w.row("router", "request", "time", "±", "beyond bare", "allocations", "beyond bare")
	w.row("---", "---", "--:", "--:", "--:", "--:", "--:")
	for _, s := range rep.Results.Of("Guard") {
		router := cases.Value(s.Name, "router")
		if router == "net" { // the value itself has a slash
			router = "net/http"
		}
		bare := rep.Results.At("Guard", "router="+router+"/request=bare")
		w.row(router, cases.Value(s.Name, "request"), micro(s), spread(s),
			fmt.Sprintf("%.2f µs", (s.Median()-bare.Median())/1e3), count(s.Allocs), count(s.Allocs-bare.Allocs))
	}
}

func (rep *Report) http(w *writer) {
	w.line("\n## Over HTTP")
	w.line("\nA loopback server, %d keep-alive clients in the same process on the same processors, 64 tokens in turn, %d rounds, collections as they come. The answer is", load.Clients, len(rep.Results.Of(load.Group)[0].Rounds))
	w.line("twenty orders that the handler encodes in JSON, which is what the goal is about, or empty, which no API is and which shows the Guard's share at its largest.")
	w.line("*seen* is the default configuration, *first* has no cache and checks every signature. Ratios are to no Guard and the same answer.\n")
	w.row("answer", "Guard", "requests per second", "±", "ratio", "±", "processor time for one", "ratio", "p50", "ratio", "p99", "ratio")
	w.row("---", "---", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:")
	for _, v := range load.Variants {
		of := func(what string) (own, base *measure.Series) {
			return rep.Results.At(load.Group, v.Name(what)), rep.Results.At(load.Group, v.Base().Name(what))
		}
		cells := []string{v.Answer, v.Guard}
		request, base := of("request")
		cells = append(cells, fmt.Sprintf("%.0f", 1e9/request.Median()), spread(request), times(base.Ratio(request)), percent(base.RatioSpread(request)))
		for _, what := range []string{"cpu", "p50", "p99"} {
			own, base := of(what)
			cells = append(cells, micro(own), times(own.Ratio(base)))
		}
		w.row(cells...)
	}
}

func (rep *Report) refusals(w *writer) {
	bare := rep.Results.At("Refusal", "token=good/impl=bare")
	w.line("\n## Refusals")
	w.line("\nWhat a stranger can make an API spend without a signed token. No signature is checked; unknown key ids come inside the cooldown, one again and again or each another.\n")
	w.row("token", "time", "±", "to the bare RS256 check", "allocations")
	w.row("---", "--:", "--:", "--:", "--:")
	for _, s := range rep.Results.Of("Refusal") {
		w.row(strings.TrimPrefix(s.Name, "token="), micro(s), spread(s), fmt.Sprintf("1/%.0f", 1/s.Ratio(bare)), count(s.Allocs))
	}
}

func (rep *Report) flat(w *writer) {
	w.line("\n## Many keys, many issuers, a full cache, a refresh that hangs")
	table := func(list []*measure.Series) {
		w.line("")
		w.row(list[0].Group, "time", "±", "to the first", "±", "allocations")
		w.row("---", "--:", "--:", "--:", "--:", "--:")
		for _, s := range list {
			w.row(s.Name, micro(s), spread(s), times(s.Ratio(list[0])), percent(s.RatioSpread(list[0])), count(s.Allocs))
		}
	}
	table(rep.Results.Of("FlatSeen"))
	table(rep.Results.Of("FlatFirst"))
	const each = 2 // without a refresh and with one
	for pair := range slices.Chunk(rep.Results.Of("Refreshing"), each) {
		table(pair)
	}
}

func (rep *Report) parallel(w *writer) {
	w.line("\n## On two processors")
	w.line("\nTime for one check, all goroutines' checks counted. Plain SHA-256 shows what the machine itself gains.\n")
	w.row("check", "one goroutine", "two", "throughput")
	w.row("---", "--:", "--:", "--:")
	for _, impl := range []string{"sha256", "sallyport/cache=hit"} {
		a, b := rep.Results.At("Parallel", "impl="+impl+"/procs=1"), rep.Results.At("Parallel", "impl="+impl+"/procs=2")
		w.row(impl, micro(a), micro(b), times(a.Ratio(b)))
	}
}

func (rep *Report) goals(w *writer) {
	w.line("\n## Goals")
	w.line("\n`make bench-check` fails where a figure is beyond the limit.\n")
	w.row("goal", "measured", "limit", "")
	w.row("---", "--:", "--:", "---")
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

func implementation(name string) string {
	_, after, _ := strings.Cut(name, "/impl=")
	return strings.Replace(after, "/", " ", 1)
}

func lacks(name string) string {
	for _, c := range contest.All {
		if cases.Value(name, "impl") == c.Name {
			return strings.Join(c.Lacks, ", ")
		}
	}
	return ""
}

func micro(s *measure.Series) string  { return fmt.Sprintf("%.2f µs", s.Median()/1e3) }
func spread(s *measure.Series) string { return percent(s.Spread()) }
func percent(v float64) string        { return fmt.Sprintf("%.0f %%", 100*v) }
func times(v float64) string          { return fmt.Sprintf("%.2f", v) }
func count(v float64) string          { return fmt.Sprintf("%.0f", v) }

type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *writer) row(cells ...string) { w.line("%s", "| "+strings.Join(cells, " | ")+" |") }

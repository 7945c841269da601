// Package goals has the limits of the measurements: `make bench-check` fails where a figure is beyond one.
package goals

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/bench/internal/cases"
	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/bench/internal/load"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
)

// Goal is one figure and its limit.
type Goal struct {
	Name       string
	Group      string // of the measurements; it is measured again if the goal is missed
	Got, Limit float64
	AtLeast    bool   // the limit is the least value, not the greatest
	Count      bool   // the figure is a number of things, not a ratio
	Waived     string // why the goal is not judged on this machine, "" if it is
}

// Missed reports whether the goal fails the check.
func (g *Goal) Missed() bool {
	holds := g.Got <= g.Limit // false of NaN
	if g.AtLeast {
		holds = g.Got >= g.Limit
	}
	return g.Waived == "" && !holds
}

// Verdict returns the goal's state in words.
func (g *Goal) Verdict() string {
	switch {
	case g.Waived != "":
		return "not judged: " + g.Waived
	case g.Missed():
		return "MISSED"
	default:
		return "holds"
	}
}

// Judge computes every goal.
func Judge(r *measure.Results) []Goal {
	return slices.Concat(firstSight(r), seen(r), proofs(r), guard(r), flat(r), parallel(r), refusals(r), served(r))
}

func most(group, name string, got, limit float64) Goal {
	return Goal{Group: group, Name: name, Got: got, Limit: limit}
}

func allocations(group, name string, got, limit float64) Goal {
	return Goal{Group: group, Name: name, Got: got, Limit: limit, Count: true}
}

func firstSight(r *measure.Results) (list []Goal) {
	const group = "FirstSight"
	limits := map[string]float64{"RS256": 1.15, "ES256": 1.08, "EdDSA": 1.12}
	for _, alg := range fixture.Algorithms {
		own, bare := r.At(group, "alg="+alg+"/impl=sallyport/cache=off"), r.At(group, "alg="+alg+"/impl=bare")
		list = append(list,
			most(group, alg+", first sight, to the bare signature check", own.Ratio(bare), limits[alg]),
			allocations(group, alg+", first sight, allocations beyond the bare signature check", own.Allocs-bare.Allocs, 14),
		)
	}
	name, peer := Fastest(r, group, "RS256")
	own := r.At(group, "alg=RS256/impl=sallyport/cache=off")
	return append(list, most(group, "RS256, first sight, to the fastest peer ("+name+")", own.Ratio(peer), 0.85))
}

// proofs judges the check of a DPoP proof beside the token's own cached path, and the store of used proofs.
func proofs(r *measure.Results) (list []Goal) {
	for _, alg := range fixture.Algorithms {
		own, bare := r.At("Proof", "alg="+alg+"/impl=sallyport"), r.At("Proof", "alg="+alg+"/impl=bare")
		list = append(list, most("Proof", alg+", DPoP proof, to its bare signature check", own.Ratio(bare), 1.15))
	}
	store := r.At("Replays", "impl=memory/rate=10000")
	return append(list, most("Replays", "10 000 proofs a second through the store, seconds of a processor in each second", 10_000*store.Median()/1e9, 0.1))
}

// Fastest returns the peer that took the least time in a group.
func Fastest(r *measure.Results, group, alg string) (string, *measure.Series) {
	fastest := slices.MinFunc(contest.Peers, func(a, b contest.Contestant) int {
		return cmp.Compare(r.At(group, "alg="+alg+"/impl="+a.Name).Median(), r.At(group, "alg="+alg+"/impl="+b.Name).Median())
	})
	return fastest.Name, r.At(group, "alg="+alg+"/impl="+fastest.Name)
}

// noSHA returns why a goal is not judged on a processor without SHA instructions, "" on one that has them. With them
// Go's SHA-256 does about 1500 MB/s and more, with AVX2 alone about 500.
func noSHA(r *measure.Results) string {
	if speed := SHASpeed(r); speed < 900 {
		return fmt.Sprintf("SHA-256 at %.0f MB/s, the processor or this Go has no SHA instructions", speed)
	}
	return ""
}

// SHASpeed returns the speed of SHA-256 over the token, in MB/s.
func SHASpeed(r *measure.Results) float64 {
	return float64(fixture.Length) / r.At("Seen", "alg=RS256/impl=sha256").Median() * 1e3
}

func seen(r *measure.Results) (list []Goal) {
	const group = "Seen"
	for _, alg := range fixture.Algorithms {
		hit, sha := r.At(group, "alg="+alg+"/impl=sallyport/cache=hit"), r.At(group, "alg="+alg+"/impl=sha256")
		name, peer := Fastest(r, group, alg)
		list = append(list,
			most(group, alg+", seen before, to one SHA-256 pass over the token", hit.Ratio(sha), 1.6),
			Goal{
				Group: group, Name: alg + ", seen before, how many times faster than " + name,
				Got: 1 / hit.Ratio(peer), Limit: 25, AtLeast: true, Waived: noSHA(r),
			},
			allocations(group, alg+", seen before, allocations", hit.Allocs, 0),
		)
	}
	return list
}

func guard(r *measure.Results) (list []Goal) {
	for _, router := range []string{"net/http", "chi", "gin"} {
		of := func(kind string) float64 { return r.At("Guard", "router="+router+"/request="+kind).Allocs }
		for _, row := range []struct {
			kind, words string
			limit       float64
		}{
			{"seen", "a token seen before", 4},
			{"no-token", "401 without a token", 12},
			{"bad-token", "401 for a bad token", 12},
			{"forbidden", "403", 12},
		} {
			list = append(list, allocations("Guard", router+", "+row.words+", allocations beyond the bare handler", of(row.kind)-of("bare"), row.limit))
		}
	}
	return list
}

func flat(r *measure.Results) (list []Goal) {
	for _, s := range slices.Concat(r.Of("FlatSeen"), r.Of("FlatFirst")) {
		base := r.Of(s.Group)[0]
		remembers := s.Group == "FlatFirst" && cases.Value(s.Name, "cache") != "off" // which is compared below
		if s != base && !remembers {
			list = append(list, most(s.Group, s.Group+", "+s.Name+", to "+base.Name, s.Ratio(base), 1.10))
		}
	}
	full, filling := r.At("FlatFirst", "keys=1/issuers=1/cache=full"), r.At("FlatFirst", "keys=1/issuers=1/cache=filling")
	list = append(list, most("FlatFirst", "FlatFirst, a full cache that evicts, to one that fills", full.Ratio(filling), 1.10))
	for _, token := range []string{"seen", "first"} {
		hanging, none := r.At("Refreshing", "token="+token+"/refresh=hanging"), r.At("Refreshing", "token="+token+"/refresh=none")
		list = append(list, most("Refreshing", "while a refresh hangs, token="+token+", to none", hanging.Ratio(none), 1.10))
	}
	return list
}

// free returns why figures that need both processors are not judged, "" if they can be: plain SHA-256 has to gain
// from a second goroutine what two processors give. It gains less from a thread of the same core, and any amount
// where the machine is shared.
func free(r *measure.Results) string {
	if machine := gain(r, "sha256"); machine < 1.7 || machine > 2.2 {
		return fmt.Sprintf("no second processor is free, plain SHA-256 gains %.2f from it", machine)
	}
	return ""
}

func gain(r *measure.Results, impl string) float64 {
	return r.At("Parallel", "impl="+impl+"/procs=1").Ratio(r.At("Parallel", "impl="+impl+"/procs=2"))
}

// parallel is judged against the machine's own gain where that is too little for 1.8.
func parallel(r *measure.Results) []Goal {
	machine := gain(r, "sha256")
	limit := min(1.8, 0.95*machine)
	return []Goal{{
		Name:  fmt.Sprintf("throughput of seen tokens on 2 processors, to one (plain SHA-256 gains %.2f)", machine),
		Group: "Parallel", AtLeast: true, Got: gain(r, "sallyport/cache=hit"), Limit: limit, Waived: free(r),
	}}
}

func refusals(r *measure.Results) (list []Goal) {
	const group = "Refusal"
	bare, scan := r.At(group, "token=good/impl=bare"), r.At(group, "token=8KiB/impl=scan")
	for _, s := range r.Of(group) {
		if s == bare || s == scan {
			continue
		}
		cost := most(group, "refusal, "+s.Name+", to the bare RS256 check", s.Ratio(bare), 0.125)
		if strings.HasSuffix(s.Name, "8KiB") {
			cost = most(group, "refusal, "+s.Name+", to one scan of as many bytes", s.Ratio(scan), 1)
		}
		limit := 4.0
		if strings.HasSuffix(s.Name, "-json") { // read once more, for the place and the kind of the mistake
			limit = 12
		}
		list = append(list, cost, allocations(group, "refusal, "+s.Name+", allocations", s.Allocs, limit))
	}
	return list
}

// served is judged by the clock on the wall. The report has the processor time of a request too.
func served(r *measure.Results) []Goal {
	of := func(v load.Variant) *measure.Series { return r.At(load.Group, v.Name("request")) }
	return []Goal{{
		Name: "HTTP requests per second with the Guard, to without", Group: load.Group, AtLeast: true,
		Got: of(load.Bare).Ratio(of(load.Guarded)), Limit: 0.95, Waived: free(r),
	}}
}

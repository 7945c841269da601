// Package cases is everything that is measured within a process: groups of
// cases that are compared with each other and therefore run interleaved.
package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// Case is one thing that is timed.
type Case struct {
	Name    string      // of key=value pairs: alg=RS256/impl=sallyport/cache=off
	Run     func(n int) // does it n times, and panics if the outcome is not the expected one
	Prepare func(n int) // if set, makes what the next n runs use up, before the clock starts
	Workers int         // run at the same time, n times each, by the clock on the wall; 0 is one, by the processor's time
}

// Ready prepares n runs.
func (c *Case) Ready(n int) {
	if c.Prepare != nil {
		c.Prepare(n)
	}
}

// Group is cases that are compared with each other.
type Group struct {
	Name string
	Open func() ([]Case, func()) // makes the cases, and a function that releases them
}

// Groups returns every group, in the order of the report.
func Groups() []Group {
	var first, again []Group
	for _, alg := range fixture.Algorithms {
		first, again = append(first, firstSight(alg)), append(again, seen(alg))
	}
	for _, alg := range fixture.Algorithms {
		again = append(again, proof(alg))
	}
	again = append(again, replays())
	return slices.Concat(first, again, []Group{guardHTTP(), guardChi(), guardGin(), refusals(), flatSeen(), flatFirst(), refreshing(), parallel()})
}

// firstSight compares checks of a token from its first byte, with no cache.
func firstSight(alg string) Group {
	return Group{Name: "FirstSight", Open: func() ([]Case, func()) {
		f := fixture.New(alg)
		prefix := "alg=" + alg + "/impl="
		list := []Case{
			{Name: prefix + "bare", Run: holds(contest.Bare(f))},
			{Name: prefix + "sallyport/cache=off", Run: accepts(contest.Sallyport.New(f), f.Good)},
		}
		if alg == "RS256" {
			list = append(list, Case{Name: prefix + "sallyport/cache=miss", Run: misses(f)})
		}
		return append(list, peers(prefix, f)...), f.Close
	}}
}

func peers(prefix string, f *fixture.Fixture) (list []Case) {
	for _, c := range contest.Peers {
		list = append(list, Case{Name: prefix + c.Name, Run: accepts(c.New(f), f.Good)})
	}
	return list
}

// seen compares the default cache with one pass of SHA-256 over the token, and with the peers, which check it again.
func seen(alg string) Group {
	return Group{Name: "Seen", Open: func() ([]Case, func()) {
		f := fixture.New(alg)
		prefix := "alg=" + alg + "/impl="
		list := []Case{
			{Name: prefix + "sha256", Run: holds(contest.SHA256(f))},
			{Name: prefix + "sallyport/cache=hit", Run: accepts(contest.CheckWith(contest.NewVerifier(f, 0)), f.Good)},
		}
		return append(list, peers(prefix, f)...), f.Close
	}}
}

// misses checks tokens that were never seen, with the default cache, which
// remembers each. When all have been seen it starts with a new one.
func misses(f *fixture.Fixture) func(int) {
	const many = 1024
	tokens := make([]string, many)
	for i := range tokens {
		tokens[i] = f.Token(jwkstest.Claims{"uti": fmt.Sprintf("uti-%018d", i)})
	}
	next := many
	var check contest.Check
	return func(n int) {
		for range n {
			if next == many {
				check, next = contest.CheckWith(contest.NewVerifier(f, 0)), 0
			}
			accept(check, tokens[next])
			next++
		}
	}
}

func accepts(check contest.Check, token string) func(int) {
	return func(n int) {
		for range n {
			accept(check, token)
		}
	}
}

func accept(check contest.Check, token string) {
	if ok, err := check(context.Background(), token); !ok || err != nil {
		panic(fmt.Sprint("a good token was not accepted: ", err))
	}
}

func holds(p contest.Primitive) func(int) {
	return func(n int) {
		for range n {
			if !p() {
				panic("a good signature does not hold")
			}
		}
	}
}

// Value returns the value of a key in a case's name, "" if it has none.
func Value(name, key string) string {
	for pair := range strings.SplitSeq(name, "/") {
		if v, ok := strings.CutPrefix(pair, key+"="); ok {
			return v
		}
	}
	return ""
}

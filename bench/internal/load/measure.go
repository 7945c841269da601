package load

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// Group is the name that the results have. Its values are nanoseconds: for one
// request by the clock on the wall (how many per second, the other way round)
// and by the processors', and the latencies.
const Group = "HTTP"

// Variant is a handler that is measured.
type Variant struct {
	// Answer is orders, a list of twenty in JSON as a small API sends it, or
	// empty, which is nothing at all: no handler makes more of a Guard's share.
	Answer string
	// Guard is none, seen (it remembers the tokens) or first (it has no cache and
	// checks every signature, which is the worst that can come).
	Guard string
}

// Bare and Guarded are those that the goal compares.
var (
	Bare    = Variant{"orders", "none"}
	Guarded = Variant{"orders", "seen"}
)

// Variants are all of them; those with the same answer are compared.
var Variants = []Variant{Bare, Guarded, {"orders", "first"}, {"empty", "none"}, {"empty", "seen"}, {"empty", "first"}}

// Name is that of one of the variant's series: request, cpu, p50 or p99.
func (v Variant) Name(of string) string {
	return "answer=" + v.Answer + "/guard=" + v.Guard + "/of=" + of
}

// Base is the variant with the same answer and no Guard.
func (v Variant) Base() Variant { return Variant{v.Answer, "none"} }

// Measure adds that many rounds to r, the variants taking turns.
func Measure(ctx context.Context, r *measure.Results, rounds int, slice time.Duration) error {
	f := fixture.New("RS256")
	defer f.Close()
	var tokens []string
	for i := range 64 {
		tokens = append(tokens, f.TokenUnder(f.KeyID, fmt.Sprintf("uti-%018d", i)))
	}
	servers := map[Variant]*Server{}
	defer func() {
		for _, s := range servers {
			_ = s.Close()
		}
	}()
	for _, variant := range Variants {
		h, err := handler(f, variant)
		if err != nil {
			return err
		}
		if servers[variant], err = Serve(h); err != nil {
			return err
		}
		if _, err := servers[variant].Run(ctx, slice/4, tokens); err != nil { // warm up
			return err
		}
	}
	for range rounds {
		results := make([]Result, len(Variants))
		for _, i := range byLot() {
			runtime.GC() // what others left behind is not this one's to collect
			var err error
			if results[i], err = servers[Variants[i]].Run(ctx, slice, tokens); err != nil {
				return err
			}
		}
		for i, result := range results {
			r.Add(Group, Variants[i].Name("request"), 1e9/result.PerSecond)
			r.Add(Group, Variants[i].Name("cpu"), float64(result.CPU))
			r.Add(Group, Variants[i].Name("p50"), float64(result.P50))
			r.Add(Group, Variants[i].Name("p99"), float64(result.P99))
		}
	}
	return nil
}

// byLot is an order of the variants in which those that are compared follow each
// other, so that they find the machine in the same mood, and nobody always comes
// after the same one.
func byLot() []int {
	order := rand.Perm(len(Variants)) //nolint:gosec // G404: it need not be a secret
	rank := map[string]int{}
	for at, i := range order {
		if _, ok := rank[Variants[i].Answer]; !ok {
			rank[Variants[i].Answer] = at
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return rank[Variants[i].Answer] - rank[Variants[j].Answer] })
	return order
}

// order is what the API of the measurement is about.
type order struct {
	ID       int       `json:"id"`
	State    string    `json:"state"`
	Customer string    `json:"customer"`
	Placed   time.Time `json:"placed"`
}

// handler is the variant's, behind a route.
func handler(f *fixture.Fixture, variant Variant) (http.Handler, error) {
	h, err := guarded(f, variant.Guard, answer(variant.Answer))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", h)
	return mux, nil
}

func answer(kind string) http.Handler {
	if kind == "empty" {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	}
	orders := slices.Repeat([]order{{7, "open", "Nordlys AS", time.Unix(1_795_000_000, 0).UTC()}}, 20)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(orders)
	})
}

func guarded(f *fixture.Fixture, guard string, h http.Handler) (http.Handler, error) {
	cacheBytes := int64(0)
	switch guard {
	case "none":
		return h, nil
	case "first":
		cacheBytes = -1
	}
	v, err := contest.NewVerifier(f, cacheBytes)
	if err != nil {
		return nil, err
	}
	g, err := middleware.New(middleware.Config{Verifier: v})
	if err != nil {
		return nil, err
	}
	return g.Require(claims.AnyRole(fixture.Role))(h), nil
}

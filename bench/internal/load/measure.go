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

// Variants are the handlers that are compared: without a Guard, with one that
// has seen the tokens, and with one that has no cache and checks every
// signature, which is the worst that can come.
var Variants = []string{"none", "seen", "first"}

// Measure adds that many rounds to r, the variants taking turns.
func Measure(ctx context.Context, r *measure.Results, rounds int, slice time.Duration) error {
	f := fixture.New("RS256")
	defer f.Close()
	var tokens []string
	for i := range 64 {
		tokens = append(tokens, f.TokenUnder(f.KeyID, fmt.Sprintf("uti-%018d", i)))
	}
	servers := map[string]*Server{}
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
		for _, i := range rand.Perm(len(Variants)) { //nolint:gosec // G404: an order, so that nobody always comes after the same one
			variant := Variants[i]
			runtime.GC() // what others left behind is not this one's to collect
			result, err := servers[variant].Run(ctx, slice, tokens)
			if err != nil {
				return err
			}
			r.Add(Group, "guard="+variant+"/of=request", 1e9/result.PerSecond)
			r.Add(Group, "guard="+variant+"/of=cpu", float64(result.CPU))
			r.Add(Group, "guard="+variant+"/of=p50", float64(result.P50))
			r.Add(Group, "guard="+variant+"/of=p99", float64(result.P99))
		}
	}
	return nil
}

// order is what the API of the measurement is about.
type order struct {
	ID       int       `json:"id"`
	State    string    `json:"state"`
	Customer string    `json:"customer"`
	Placed   time.Time `json:"placed"`
}

// handler answers as a small API does: a list of twenty orders in JSON.
func handler(f *fixture.Fixture, variant string) (http.Handler, error) {
	mux := http.NewServeMux()
	orders := slices.Repeat([]order{{7, "open", "Nordlys AS", time.Unix(1_795_000_000, 0).UTC()}}, 20)
	var list http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(orders)
	})
	if variant != "none" {
		cacheBytes := int64(0)
		if variant == "first" {
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
		list = g.Require(claims.AnyRole(fixture.Role))(list)
	}
	mux.Handle("GET /orders/{id}", list)
	return mux, nil
}

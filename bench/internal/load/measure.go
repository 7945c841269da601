package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
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
	for round := range rounds {
		order := slices.Clone(Variants)
		if round%2 == 1 {
			slices.Reverse(order) // nobody always comes first
		}
		for _, variant := range order {
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

// handler answers as a small API does: a document of a few hundred bytes.
func handler(f *fixture.Fixture, variant string) (http.Handler, error) {
	mux := http.NewServeMux()
	body := `{"orders":[` + string(slices.Repeat([]byte(`{"id":7,"state":"open"},`), 12)) + `{}]}`
	var list http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
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

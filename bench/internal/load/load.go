// Package load puts a handler behind a real loopback server, and a bounded
// number of keep-alive clients send requests to it for a bounded time.
package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
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

// Clients ask at the same time, over a connection each.
const Clients = 16

// Server is a handler that listens on a loopback address. Close it.
type Server struct {
	url    string
	server *http.Server
	done   chan error
}

// Serve opens a loopback server.
func Serve(h http.Handler) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		url:    "http://" + listener.Addr().String() + "/orders/7",
		server: &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second},
		done:   make(chan error, 1),
	}
	go func() { s.done <- s.server.Serve(listener) }()
	return s, nil
}

// Close ends the server.
func (s *Server) Close() error {
	err := s.server.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Result is what the clients saw.
type Result struct {
	PerSecond float64
	CPU       time.Duration // of server and clients together, for one request
	P50, P99  time.Duration
}

// Run lets the clients ask for that long, and once at least, each request with
// the next of its tokens. Every answer has to be 200.
func (s *Server) Run(ctx context.Context, d time.Duration, tokens []string) (Result, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: Clients, MaxConnsPerHost: Clients}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, d+10*time.Second)
	defer cancel()

	took := make([][]time.Duration, Clients)
	errs := make([]error, Clients)
	start, used := time.Now(), measure.Clock()
	var wg sync.WaitGroup
	for c := range Clients {
		wg.Go(func() { took[c], errs[c] = s.client(ctx, transport, start.Add(d), tokens, c) })
	}
	wg.Wait()
	elapsed, cpu := time.Since(start), measure.Clock()-used
	for _, err := range errs {
		if err != nil {
			return Result{}, err
		}
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	return Result{
		PerSecond: float64(len(all)) / elapsed.Seconds(), CPU: cpu / time.Duration(len(all)),
		P50: all[len(all)/2], P99: all[len(all)*99/100],
	}, nil
}

func (s *Server) client(ctx context.Context, transport http.RoundTripper, end time.Time, tokens []string, first int) ([]time.Duration, error) {
	var took []time.Duration
	for i := first; i == first || time.Now().Before(end); i += Clients { // at least once
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+tokens[i%len(tokens)])
		start := time.Now()
		response, err := transport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		took = append(took, time.Since(start))
		if err != nil {
			return nil, err
		}
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("load: answered %d", response.StatusCode)
		}
	}
	return took, nil
}

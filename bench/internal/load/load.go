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
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// Group names the results. Its values are nanoseconds: a request by the clock on the wall (the inverse of the
// throughput) and by the processors' time, and the latencies.
const Group = "HTTP"

// Variant is a handler that is measured.
type Variant struct {
	Answer string // orders, twenty in JSON as a small API sends them, or empty, where the Guard's share is largest
	Guard  string // none, seen (it remembers the tokens) or first (no cache: it checks every signature)
}

// Bare and Guarded are those that the goal compares.
var (
	Bare    = Variant{"orders", "none"}
	Guarded = Variant{"orders", "seen"}
)

// Variants are all of them; those with the same answer are compared.
var Variants = []Variant{Bare, Guarded, {"orders", "first"}, {"empty", "none"}, {"empty", "seen"}, {"empty", "first"}}

// Name returns the name of one of the variant's series: request, cpu, p50 or p99.
func (v Variant) Name(of string) string {
	return "answer=" + v.Answer + "/guard=" + v.Guard + "/of=" + of
}

// Base returns the variant with the same answer and no Guard.
func (v Variant) Base() Variant { return Variant{v.Answer, "none"} }

// Measure adds that many rounds to r, the variants taking turns.
func Measure(ctx context.Context, r *measure.Results, rounds int, slice time.Duration) error {
	f := fixture.New("RS256")
	defer f.Close()
	var tokens []string
	for i := range 64 {
		tokens = append(tokens, f.Token(jwkstest.Claims{"uti": fmt.Sprintf("uti-%018d", i)}))
	}
	urls := map[Variant]string{}
	var servers []*httptest.Server
	defer func() {
		for _, server := range servers {
			server.Close()
		}
	}()
	for _, variant := range Variants {
		server := httptest.NewServer(handler(f, variant))
		servers = append(servers, server)
		urls[variant] = server.URL + "/orders/7"
		if _, err := Run(ctx, urls[variant], slice/4, tokens); err != nil { // warm up
			return err
		}
	}
	for range rounds {
		for _, i := range order() {
			runtime.GC() // what the one before left behind
			result, err := Run(ctx, urls[Variants[i]], slice, tokens)
			if err != nil {
				return err
			}
			for of, took := range map[string]time.Duration{"request": result.Request, "cpu": result.CPU, "p50": result.P50, "p99": result.P99} {
				r.Add(Group, Variants[i].Name(of), float64(took))
			}
		}
	}
	return nil
}

// order returns a random order of the variants in which those with the same
// answer follow each other, so that they find the machine in the same state.
func order() []int {
	order := rand.Perm(len(Variants)) //nolint:gosec // G404: it need not be a secret
	first := Variants[order[0]].Answer
	other := func(i int) bool { return Variants[i].Answer != first }
	return slices.Concat(slices.DeleteFunc(slices.Clone(order), other), slices.DeleteFunc(order, func(i int) bool { return !other(i) }))
}

// handler returns the variant's handler, behind a route.
func handler(f *fixture.Fixture, variant Variant) http.Handler {
	h := answer(variant.Answer)
	if variant.Guard != "none" {
		cacheBytes := int64(0)
		if variant.Guard == "first" {
			cacheBytes = -1
		}
		g := fixture.Must(middleware.New(middleware.Config{Verifier: contest.NewVerifier(f, cacheBytes)}))
		h = g.Require(claims.AnyRole(fixture.Role))(h)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", h)
	return mux
}

// answer returns a handler that sends the same bytes with a Guard and without:
// it says itself that its answers are private, as the Guard would otherwise.
func answer(kind string) http.Handler {
	if kind == "empty" {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "private") })
	}
	type item struct {
		ID       int       `json:"id"`
		State    string    `json:"state"`
		Customer string    `json:"customer"`
		Placed   time.Time `json:"placed"`
	}
	items := slices.Repeat([]item{{7, "open", "Nordlys AS", time.Unix(1_795_000_000, 0).UTC()}}, 20)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "private")
		_ = json.NewEncoder(w).Encode(items)
	})
}

// Clients send requests at the same time, over a connection each.
const Clients = 16

// Result is what the clients measured of one request.
type Result struct {
	Request  time.Duration // by the clock, all clients together
	CPU      time.Duration // of server and clients together
	P50, P99 time.Duration // latencies
}

// Run lets the clients send requests for that long, and one each at least, with
// the tokens in turn. Every answer has to be 200.
func Run(ctx context.Context, url string, d time.Duration, tokens []string) (Result, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: Clients, MaxConnsPerHost: Clients}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, d+10*time.Second)
	defer cancel()

	took, errs := make([][]time.Duration, Clients), make([]error, Clients)
	start, used := time.Now(), measure.Clock()
	var wg sync.WaitGroup
	for c := range Clients {
		wg.Go(func() {
			for i := c; errs[c] == nil && (i == c || time.Since(start) < d); i += Clients {
				began := time.Now()
				errs[c] = ask(ctx, transport, url, tokens[i%len(tokens)])
				took[c] = append(took[c], time.Since(began))
			}
		})
	}
	wg.Wait()
	elapsed, cpu := time.Since(start), measure.Clock()-used
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	n := len(all)
	return Result{elapsed / time.Duration(n), cpu / time.Duration(n), all[n/2], all[n*99/100]}, errors.Join(errs...)
}

func ask(ctx context.Context, transport http.RoundTripper, url, token string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("load: answered %d", response.StatusCode)
	}
	return err
}

// Package load puts a handler behind a real loopback server and lets a bounded
// number of keep-alive clients ask it for a bounded time.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/measure"
)

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

package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport"
)

// Limits of the HTTP server. Headers are far larger than any token that is
// accepted, so that one too large is told so rather than cut off.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 20 * time.Second // longer than keys can take to arrive
	idleTimeout    = time.Minute
	maxHeaderBytes = 64 << 10

	// DrainTimeout is how long requests under way may take after Close.
	DrainTimeout = 4 * time.Second
)

// Server serves the API. Make it by [Start] and end it by Close.
type Server struct {
	gate   *sallyport.Gate
	server *http.Server
	addr   net.Addr
	log    *slog.Logger

	background sync.WaitGroup
	giveUp     context.CancelFunc // ends the wait for the first keys
	failed     chan struct{}      // closed when serving ended by itself
}

// Start serves the API on l, takes l over and returns at once. It does not wait
// for keys: until they are there the answer is 503, and they are asked for again
// and again. All mistakes of cfg are reported together.
func Start(l net.Listener, cfg Config) (*Server, error) {
	cfg.setDefaults()
	handler, gate, err := build(cfg)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &Server{
		gate:   gate,
		addr:   l.Addr(),
		log:    cfg.Logger,
		failed: make(chan struct{}),
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: headerTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.giveUp = cancel
	s.background.Go(func() { s.serve(l) })
	s.background.Go(func() { _ = gate.Ready(ctx) }) // what goes wrong is in the log, as an event
	return s, nil
}

func build(cfg Config) (http.Handler, *sallyport.Gate, error) {
	levels := cfg.access()
	_, wrongLevels := levels.Compile()
	gate, wrongGate := cfg.openGate()
	if err := errors.Join(CheckFramework(cfg.Framework), wrongLevels, wrongGate); err != nil {
		if gate != nil {
			err = errors.Join(err, gate.Close())
		}
		return nil, nil, err
	}
	routes := frameworks[cfg.Framework](&API{gate: gate, levels: levels, orders: newStore()})
	if cfg.Front != nil {
		routes = cfg.Front(gate, routes)
	}
	return routes, gate, nil
}

func (s *Server) serve(l net.Listener) {
	if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("serving ended", "error", err)
		close(s.failed)
	}
}

// Addr is where the API listens, as host:port.
func (s *Server) Addr() string { return s.addr.String() }

// URL is where the API is, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Failed is closed if serving ends without Close.
func (s *Server) Failed() <-chan struct{} { return s.failed }

// Close stops listening, gives requests under way [DrainTimeout], then cuts
// them off, and returns when nothing of the server runs any more. The error
// says that some were cut off.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), DrainTimeout)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were cut off after %v: %w", DrainTimeout, err), s.server.Close())
	}
	s.giveUp()
	err = errors.Join(err, s.gate.Close())
	s.background.Wait()
	return err
}

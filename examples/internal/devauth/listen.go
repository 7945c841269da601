package devauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// ErrNotLoopback says that the server was told to listen where others than
// this machine could reach it.
var ErrNotLoopback = errors.New("not a loopback address")

// Limits of the HTTP server.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	answerTimeout  = time.Minute // a rotation makes an RSA key, which a busy machine takes its time for
	idleTimeout    = time.Minute
	maxHeaderBytes = 16 << 10
	drainTimeout   = 2 * time.Second
)

// Listen listens on host:port, where host is a loopback address or localhost;
// anything else, an empty host too, is [ErrNotLoopback]. Port 0 picks a free
// one.
func Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("devauth: address %q must be host:port, such as %s: %w", addr, DefaultAddr, err)
	}
	if !isLoopbackHost(host) {
		return nil, fmt.Errorf("devauth: listen on %q: %w: use 127.0.0.1, [::1] or localhost", addr, ErrNotLoopback)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("devauth: %w: is another server there? choose another address", err)
	}
	if err := checkLoopback(l); err != nil { // localhost is a name, and names can lie
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Start listens on addr as [Listen] does, makes a server that calls itself by
// that address unless cfg.BaseURL says otherwise, and serves until
// [Server.Close].
func Start(addr string, cfg Config) (*Server, error) {
	l, err := Listen(addr)
	if err != nil {
		return nil, err
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = "http://" + l.Addr().String()
	}
	s, err := New(cfg)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if err := s.Serve(l); err != nil {
		return nil, err
	}
	return s, nil
}

// Serve serves on l in the background, takes l over and returns at once. A
// listener that others than this machine could reach is closed and refused
// with [ErrNotLoopback]; after [Server.Close] the error is
// http.ErrServerClosed.
func (s *Server) Serve(l net.Listener) error {
	if err := checkLoopback(l); err != nil {
		return errors.Join(err, l.Close())
	}
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(fmt.Errorf("devauth: %w", http.ErrServerClosed), l.Close())
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("devauth: serving ended", "error", err)
		}
	})
	return nil
}

// Close stops listening, gives requests under way two seconds and returns when
// nothing of the server runs any more. It may be called more than once.
func (s *Server) Close() error {
	s.mu.Lock()
	servers := s.servers
	s.servers, s.closed = nil, true
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var errs []error
	for _, server := range servers {
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close() // enough waiting
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("devauth: shut down: %w", err))
		}
	}
	s.serving.Wait()
	return errors.Join(errs...)
}

func checkLoopback(l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("devauth: listen on %s: %w: use 127.0.0.1, [::1] or localhost", l.Addr(), ErrNotLoopback)
}

// isLoopbackHost knows address literals and localhost (RFC 6761, section 6.3);
// it resolves nothing.
func isLoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// hostname cuts the port and the brackets of an IPv6 literal off a Host header.
func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

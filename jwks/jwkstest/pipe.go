package jwkstest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// pipe speaks HTTP to a handler over in-memory connections, one per request, so
// that nothing stays behind between requests. Everything it blocks on is
// visible to testing/synctest.
type pipe struct {
	server    *http.Server
	transport *http.Transport
}

func newPipe(h http.Handler) *pipe {
	p := &pipe{server: &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}}
	p.transport = &http.Transport{
		DialContext:       p.dial,
		DialTLSContext:    p.dial, // the far end is in this process: no TLS, whatever the scheme says
		DisableKeepAlives: true,
	}
	return p
}

func (p *pipe) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	// Serve returns as soon as the listener has nothing more to give. The connection is served on.
	if err := p.server.Serve(&single{conn: far}); err != net.ErrClosed { //nolint:errorlint // the listener's own value
		_ = near.Close()
		_ = far.Close()
		return nil, err
	}
	return near, nil
}

func (p *pipe) close() {
	_ = p.server.Close()
	p.transport.CloseIdleConnections()
}

// single is a listener of one connection.
type single struct {
	mu   sync.Mutex
	conn net.Conn
}

// Accept gives the connection, once.
func (s *single) Accept() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn := s.conn
	if conn == nil {
		return nil, net.ErrClosed
	}
	s.conn = nil
	return conn, nil
}

// Close has nothing to close: the connection is the server's.
func (s *single) Close() error { return nil }

// Addr is nowhere.
func (s *single) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

// Network is not one that can be dialled.
func (memoryAddr) Network() string { return "memory" }

// String is the same for all: there is nothing to tell them apart.
func (memoryAddr) String() string { return "memory" }

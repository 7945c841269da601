package devauth

import (
	"crypto"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Server is the development authorization server. Make it with [New] or
// [Start]; it is an http.Handler, safe for concurrent use. Its keys and client
// secrets live as long as it does.
type Server struct {
	now       func() time.Time
	log       *slog.Logger
	newSigner func(alg string) (crypto.Signer, error)
	baseURL   string

	clients *registry
	issuers []*issuer
	granted grantCache
	handler http.Handler

	mu      sync.Mutex
	servers []*http.Server // what Close stops
	closed  bool
	serving sync.WaitGroup
}

// New makes a server that does not listen yet: see [Start], [Server.Serve], or
// use it as a handler. It makes fresh keys and client secrets. All mistakes of
// cfg are reported together.
func New(cfg Config) (*Server, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Server{
		now:       cfg.Now,
		log:       cfg.Logger,
		newSigner: cfg.newSigner,
		baseURL:   cfg.BaseURL,
		clients:   newRegistry(clientTable),
	}
	s.issuers = []*issuer{okq8Issuer(s.baseURL), messagingIssuer(s.baseURL), bokbasenIssuer(s.baseURL)}
	for _, i := range s.issuers {
		k, err := s.newKey(i.info.Scheme, i.info.Algorithm)
		if err != nil {
			return nil, err
		}
		i.keys = newKeyring(k)
	}
	s.handler = s.routes()
	return s, nil
}

// ServeHTTP answers the token, metadata, key and /dev requests. It refuses any
// Host but a loopback one, and writes from web pages of other origins.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// URL is where the server is, without a slash at the end: [Config.BaseURL].
func (s *Server) URL() string { return s.baseURL }

// Issuers lists the three issuers. The caller owns the result.
func (s *Server) Issuers() []IssuerInfo {
	infos := make([]IssuerInfo, len(s.issuers))
	for n, i := range s.issuers {
		infos[n] = i.info
		infos[n].Audiences = append([]string(nil), i.info.Audiences...)
	}
	return infos
}

// Clients lists the known clients, without their secrets. The caller owns the
// result.
func (s *Server) Clients() []Client {
	all := make([]Client, len(clientTable))
	for n, c := range clientTable {
		all[n] = c.clone()
	}
	return all
}

// Client returns the client of a scheme by its name: [AllLevels], [GetOnly] or
// [NoLevel].
func (s *Server) Client(scheme Scheme, name string) (Client, error) {
	for _, c := range clientTable {
		if c.Scheme == scheme && c.Name == name {
			return c.clone(), nil
		}
	}
	return Client{}, fmt.Errorf("devauth: %s has no client named %q: use %s, %s or %s", scheme, name, AllLevels, GetOnly, NoLevel)
}

// Secret returns a client's secret of this start. Show it to the person at the
// terminal, never to a log.
func (s *Server) Secret(scheme Scheme, clientID string) (string, error) {
	reg, err := s.clients.find(scheme, clientID)
	return reg.secret, err
}

// String names the server and keeps its secrets out of formatted output.
func (s *Server) String() string { return "devauth at " + s.baseURL }

// GoString is String: %#v would print the secrets.
func (s *Server) GoString() string { return s.String() }

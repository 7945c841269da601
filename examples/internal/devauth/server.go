// Package devauth is an authorization server for development: it answers the
// token requests of three real-world APIs, issues tokens of the documented
// shapes and lets a demo or a test rotate its keys and take it down. Its three
// issuers are those of the test kit (jwkstest), each with keys of its own:
//
//	okq8       POST /{tenant}/oauth2/v2.0/token   form; Entra ID v1.0 tokens, RS256
//	messaging  POST /oauth/v2/token               HTTP Basic; RFC 9068 tokens, ES256
//	bokbasen   POST /oauth/token                  JSON or form; Auth0 tokens, RS256
//
// Each issuer publishes its metadata twice, where OpenID Connect Discovery
// puts it and where RFC 8414 puts it, and its keys at the jwks_uri named there.
// Who may ask for what is the table in clients.go.
//
// Beside what the schemes document a request may ask for tokens that are bound to
// a key or a certificate, and for opaque ones (see want.go). Each issuer answers
// introspection (RFC 7662) and revocation (RFC 7009) under /dev.
//
// GET /dev lists issuers, keys, outages and clients, without secrets; README.md
// in the directory examples has the paths under it that rotate keys and start
// outages.
//
// It is not safe for production: it serves loopback only, in plain http, and
// anyone on the machine may use it.
package devauth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultAddr is the usual address of the server.
const DefaultAddr = "127.0.0.1:9000"

const metadataPath = "/.well-known/openid-configuration"

// ErrNotLoopback reports an address that other machines could reach.
var ErrNotLoopback = errors.New("not a loopback address")

// Config says how a [Server] behaves. The zero value is ready to use.
type Config struct {
	_ [0]func()

	Now    func() time.Time // the clock of token times; time.Now when nil
	Logger *slog.Logger     // gets token requests and changes of keys, never a secret or a token; nil is silence
}

// Server is the development authorization server. Make it with [Start] and end
// it with Close. It is safe for concurrent use. Its keys and client secrets
// live as long as it does.
type Server struct {
	now     func() time.Time
	log     *slog.Logger
	url     string
	issuers []*issuer
	clients []Client
	kept    keptTokens
	proofs  proofs
	server  *http.Server
	serving sync.WaitGroup

	apiSecret string // see ResourceServer
}

// Start serves on addr until [Server.Close]: a host:port whose host is a
// loopback address or localhost, with [ErrNotLoopback] for anything else. Port
// 0 picks a free one.
func Start(addr string, cfg Config) (*Server, error) {
	l, err := listen(addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		now:     time.Now,
		log:     cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler)),
		url:     "http://" + l.Addr().String(),
		clients: newClients(),
		kept:    keptTokens{tokens: map[keptKey]issued{}},
		proofs:  proofs{until: map[[sha256.Size]byte]time.Time{}},

		apiSecret: base64.RawURLEncoding.EncodeToString(randomBytes(32)),
	}
	if cfg.Now != nil {
		s.now = cfg.Now
	}
	s.issuers = []*issuer{newIssuer(s.url, okq8Spec), newIssuer(s.url, messagingSpec), newIssuer(s.url, bokbasenSpec)}
	s.server = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute, // a rotation makes an RSA key
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.serving.Go(func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("devauth: serving ended", "error", err)
		}
	})
	return s, nil
}

func listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("devauth: address %q must be host:port, such as %s: %w", addr, DefaultAddr, err)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("devauth: listen on %q: %w: use 127.0.0.1, [::1] or localhost", addr, ErrNotLoopback)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("devauth: %w: is another server there? choose another address", err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() { // localhost is a name, and may resolve to anything
		return nil, errors.Join(fmt.Errorf("devauth: listen on %s: %w", l.Addr(), ErrNotLoopback), l.Close())
	}
	return l, nil
}

// isLoopback reports whether host is a loopback address or localhost (RFC 6761
// section 6.3). It resolves nothing.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// Close stops listening, gives requests under way two seconds and returns when
// nothing of the server runs any more. It may be called more than once.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	s.serving.Wait()
	for _, i := range s.issuers {
		i.kit.Close()
	}
	return err
}

// URL returns the address of the server, without a slash at the end.
func (s *Server) URL() string { return s.url }

// String names the server and keeps its secrets out of formatted output.
func (s *Server) String() string { return "devauth at " + s.url }

// GoString is String: %#v would print the secrets.
func (s *Server) GoString() string { return s.String() }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, i := range s.issuers {
		for address, path := range map[string]string{i.info.DiscoveryURL: metadataPath, i.info.MetadataURL: metadataPath, i.info.JWKSURL: "/jwks"} {
			mux.Handle(strings.TrimPrefix(address, s.url), allow(http.MethodGet, i.document(path)))
		}
	}
	mux.Handle("/{tenant}/oauth2/v2.0/token", s.tokenEndpoint(OKQ8, s.okq8Grant, s.refuseAsEntra))
	mux.Handle(messagingSpec.tokenPath, s.tokenEndpoint(Messaging, s.messagingGrant, refuseWithBasic))
	mux.Handle(bokbasenSpec.tokenPath, s.tokenEndpoint(Bokbasen, s.bokbasenGrant, refuse))

	mux.Handle("/dev", allow(http.MethodGet, s.devIndex))
	mux.Handle("/dev/{scheme}/introspect", allow(http.MethodPost, s.introspect))
	mux.Handle("/dev/{scheme}/revoke", allow(http.MethodPost, s.revoke))
	mux.Handle("/dev/{scheme}/rotate", allow(http.MethodPost, s.devRotate))
	mux.Handle("/dev/{scheme}/outage", allow(http.MethodPost, s.devOutage))
	mux.Handle("/dev/outage", allow(http.MethodPost, s.devOutage))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, &refusal{status: http.StatusNotFound, code: "not_found", description: "nothing is here: GET /dev lists what is"})
	})
	return OwnPagesOnly(mux)
}

// OwnPagesOnly refuses requests of web pages of another origin, and those whose
// Host is not a loopback one: a page in a browser on this machine must not
// rotate keys or get a token, neither by a cross-site request nor by a name of
// its own that resolves to loopback.
func OwnPagesOnly(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, &refusal{status: http.StatusForbidden, code: "forbidden", description: "requests from web pages of another origin are refused"})
	}))
	next = sameOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if !isLoopback(host) {
			refuse(w, &refusal{status: http.StatusMisdirectedRequest, code: "misdirected_request", description: "the Host must be a loopback address or localhost"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allow answers requests of one method, and HEAD beside GET.
func allow(method string, next http.HandlerFunc) http.Handler {
	methods := []string{method}
	if method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(methods, r.Method) {
			next(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		refuse(w, &refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", description: "use " + strings.Join(methods, " or ")})
	})
}

func (s *Server) devIndex(w http.ResponseWriter, _ *http.Request) {
	type entry struct {
		IssuerInfo
		Keys keyState `json:"keys"`
		Down bool     `json:"down"`
	}
	index := struct {
		Issuers []entry  `json:"issuers"`
		Clients []Client `json:"clients"`
	}{Clients: s.clients}
	for _, i := range s.issuers {
		keys, down := i.state()
		index.Issuers = append(index.Issuers, entry{i.info, keys, down})
	}
	noStore(w)
	writeJSON(w, http.StatusOK, index)
}

// devIssuers are those that a path means: the scheme's, or all without one; nil
// if there is no such scheme.
func (s *Server) devIssuers(r *http.Request) []*issuer {
	scheme := Scheme(r.PathValue("scheme"))
	if scheme == "" {
		return s.issuers
	}
	n := slices.Index(Schemes, scheme)
	if n < 0 {
		return nil
	}
	return s.issuers[n : n+1]
}

func noScheme() *refusal {
	return &refusal{status: http.StatusNotFound, code: "not_found", description: fmt.Sprintf("no such scheme: use %s, %s or %s", OKQ8, Messaging, Bokbasen)}
}

func (s *Server) devRotate(w http.ResponseWriter, r *http.Request) {
	step := r.URL.Query().Get("step")
	issuers := s.devIssuers(r)
	if issuers == nil {
		refuse(w, noScheme())
		return
	}
	for _, i := range issuers {
		if refused := i.rotate(step, s.now()); refused != nil {
			refuse(w, refused)
			return
		}
		state, _ := i.state()
		s.log.Info("devauth: keys rotated", "scheme", i.scheme, "step", step, "signing", state.Signing, "next", state.Next)
		noStore(w)
		writeJSON(w, http.StatusOK, state)
	}
}

func (s *Server) devOutage(w http.ResponseWriter, r *http.Request) {
	state := r.URL.Query().Get("state")
	if state != "on" && state != "off" {
		refuse(w, badRequest("state must be on or off"))
		return
	}
	issuers := s.devIssuers(r)
	if issuers == nil {
		refuse(w, noScheme())
		return
	}
	for _, i := range issuers {
		i.setDown(state == "on")
		s.log.Info("devauth: outage", "scheme", i.scheme, "down", state == "on")
	}
	s.devIndex(w, r)
}

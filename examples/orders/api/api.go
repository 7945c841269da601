// Package api is the demo API: orders in memory, guarded by access levels.
//
//	GET    /orders       200  level get
//	POST   /orders       201  level post
//	PUT    /orders/{id}  200  level put
//	DELETE /orders/{id}  204  level delete
//	GET    /whoami       200  any valid token
//	GET    /keys         200  open: the state of the issuers' keys
//	GET    /healthz      200  open: the process is alive
//
// With a resource, its metadata is served at
// /.well-known/oauth-protected-resource and the resource's path (RFC 9728).
//
// The resource of the levels is the audience: a token holds the level get by
// "get" or by "<audience>/get" in scope, scp or permissions, or in roles if an
// app calls.
package api

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/page"
	"github.com/sallyport-go/sallyport/examples/internal/trust"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

// DrainTimeout is how long requests under way may take after Close, unless
// Config says otherwise.
const DrainTimeout = 4 * time.Second

// Issuer is an authorization server to trust, and the audiences that mean this
// API in its tokens.
type Issuer = trust.Issuer

// Config says whom the API trusts and how it is served.
type Config struct {
	_ [0]func()

	Addr        string        // host:port to listen on; the flag -addr
	Framework   string        // the router that serves the routes: one of Frameworks
	Issuers     []Issuer      // without any, those of Auth
	JWKSURL     string        // where the keys are, without discovery; only with one issuer
	JWKSRefresh time.Duration // the longest time between two refreshes of the keys; 0 leaves the library's bounds
	Leeway      time.Duration // granted to clocks that differ; 0 is 30 s, negative is none
	// DrainTimeout is how long requests under way may take after Close; 0 is
	// the constant.
	DrainTimeout time.Duration

	Logger *slog.Logger // gets refusals with their reasons and what happens to keys; nil is silence

	MeterProvider metric.MeterProvider // of the gate, and of the age of DenyFile; nil measures nothing
	Now           func() time.Time     // judges the times of tokens, proofs and nonces; nil is time.Now

	// Auth is a development authorization server. With it, on a loopback
	// address, the API has a page at / to try both.
	Auth *devauth.Server

	// AuthAddr is where Start starts one if there are neither Issuers nor
	// Auth; the flag -auth-addr.
	AuthAddr string

	Features
}

// Parse reads args: the flags of every program that serves this API, whose
// defaults are what c has, and those defined already. It returns flag.ErrHelp after writing the help.
func (c *Config) Parse(flags *flag.FlagSet, about string, args []string, help io.Writer) error {
	flags.StringVar(&c.Addr, "addr", c.Addr, "where the API listens, as `host:port`")
	flags.StringVar(&c.AuthAddr, "auth-addr", c.AuthAddr, "where the development authorization server listens if one is started, a loopback `host:port`")
	flags.StringVar(&c.Framework, "framework", "nethttp", "the router that serves the API: `"+strings.Join(Frameworks(), "|")+"`")
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(help, "%s %s. Its flags:\n", flags.Name(), about)
		flags.SetOutput(help)
		flags.PrintDefaults()
		return err
	case err != nil:
		return fmt.Errorf("%s: %w (%[1]s -h lists the flags)", flags.Name(), err)
	case flags.NArg() > 0:
		return fmt.Errorf("%s: unexpected argument %q: everything is a flag", flags.Name(), flags.Arg(0))
	}
	return nil
}

// Server serves the API. Make it by [Start] or [Serve] and end it by Close.
type Server struct {
	Config Config // as it is served: with issuers and Auth

	gate     *sallyport.Gate
	server   *http.Server
	url      string
	ownsAuth bool
	opened   closers

	background sync.WaitGroup
	giveUp     context.CancelFunc // ends the wait for the first keys
	failed     chan struct{}      // closed when serving ended by itself
}

// Start listens, starts an authorization server where no issuer is configured,
// and serves as [Serve] does. The error says which flag to change. ctx is for
// looking up hosts.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr) // first: an address that is in use shows at once
	if err != nil {
		return nil, listenError("-addr", cfg.Addr, err)
	}
	if len(cfg.Issuers) > 0 || cfg.Auth != nil {
		return Serve(l, cfg)
	}
	if cfg.Auth, err = devauth.Start(cfg.AuthAddr, devauth.Config{Logger: cfg.Logger}); err != nil {
		return nil, errors.Join(listenError("-auth-addr", cfg.AuthAddr, err), l.Close())
	}
	s, err := Serve(l, cfg)
	if err != nil {
		return nil, errors.Join(err, cfg.Auth.Close())
	}
	s.ownsAuth = true
	return s, nil
}

func listenError(flag, addr string, err error) error {
	if _, _, malformed := net.SplitHostPort(addr); malformed != nil {
		return fmt.Errorf("%s %q must be host:port, such as 127.0.0.1:8080: %w", flag, addr, malformed)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use: stop the other program or choose another with %s", addr, flag)
	}
	return fmt.Errorf("cannot listen on %s, choose another with %s: %w", addr, flag, err)
}

// Serve serves the API on l, takes l over and returns at once. It does not wait
// for keys: until they are there the answer is 503, and they are asked for again
// and again. All mistakes of cfg are reported together.
func Serve(l net.Listener, cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Issuers) == 0 && cfg.Auth != nil {
		issuers := cfg.Auth.Issuers()
		for i := range issuers {
			cfg.Issuers = append(cfg.Issuers, Issuer{Name: issuers[i].Issuer, Audiences: issuers[i].Audiences})
		}
	}
	levels := claims.AccessLevels{Resources: trust.Audiences(cfg.Issuers)}
	access, wrongLevels := levels.Compile()
	secure, wrongTLS := cfg.tls()
	own := origin(l, secure != nil)
	gate, opened, wrongGate := cfg.openGate(own)
	if err := errors.Join(CheckFramework(cfg.Framework), wrongLevels, wrongTLS, wrongGate); err != nil {
		if gate != nil {
			err = errors.Join(err, gate.Close())
		}
		return nil, errors.Join(err, opened.close(), l.Close())
	}
	creating := cfg.creating(access)
	routes := frameworks[cfg.Framework](&handlers{gate, levels, creating, newStore()})
	routes, err := withMetadata(gate, routes)
	if err != nil { // cannot happen: the resource and the issuers are known to be good
		return nil, errors.Join(err, gate.Close(), opened.close(), l.Close())
	}
	switch {
	case cfg.Auth == nil:
	case isLoopback(l.Addr()):
		routes = page.Handler(cfg.Auth, gate, ruleOf(access, creating), routes)
	default: // it hands out tokens without asking
		cfg.Logger.Warn("no page at /: it is served on a loopback address alone", "addr", l.Addr().String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		Config: cfg, gate: gate, opened: opened, url: own, giveUp: cancel, failed: make(chan struct{}),
		server: &http.Server{
			Handler:           routes,
			TLSConfig:         secure,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      20 * time.Second, // longer than keys can take to arrive
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    64 << 10, // far above any token that is accepted: a larger one is answered rather than cut off
			ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
		},
	}
	s.background.Go(func() {
		if err := s.serve(l); !errors.Is(err, http.ErrServerClosed) {
			cfg.Logger.Error("serving ended", "error", err)
			close(s.failed)
		}
	})
	s.background.Go(func() { _ = gate.Ready(ctx) }) // what goes wrong is in the log, as an event
	return s, nil
}

// origin is where clients on this machine reach what listens there.
func origin(l net.Listener, secure bool) string {
	if secure {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

func (s *Server) serve(l net.Listener) error {
	if s.server.TLSConfig != nil {
		return s.server.ServeTLS(l, "", "")
	}
	return s.server.Serve(l)
}

// withMetadata serves the metadata of the resource beside routes, if there is one:
// in front of the router, because a resource's path may have characters that mean
// something in a router's pattern.
//
// RFC 9728 section 3: https://www.rfc-editor.org/rfc/rfc9728#section-3
func withMetadata(gate *sallyport.Gate, routes http.Handler) (http.Handler, error) {
	path := gate.MetadataPath()
	if path == "" {
		return routes, nil
	}
	metadata, err := gate.MetadataHandler(middleware.Metadata{More: map[string]any{"resource_name": "Orders"}})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() == path {
			metadata.ServeHTTP(w, r)
			return
		}
		routes.ServeHTTP(w, r)
	}), err
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// ruleOf returns what a call requires, for the page: as the frameworks mount it.
func ruleOf(access *claims.Access, creating claims.Rule) func(method, path string) claims.Rule {
	return func(method, path string) claims.Rule {
		if method == http.MethodPost && path == "/orders" {
			return creating
		}
		if path == "/orders" || strings.HasPrefix(path, "/orders/") {
			return access.Rule(method)
		}
		return claims.AnyToken()
	}
}

// openGate expects of each issuer what can be expected of any: typ at+jwt, JWT
// or none, and the usual claims for scopes, permissions and roles. All mistakes
// are reported at once. own is the address that the gate is for.
func (c *Config) openGate(own string) (*sallyport.Gate, closers, error) {
	if c.JWKSURL != "" && len(c.Issuers) != 1 {
		return nil, nil, errors.New("a JWKS URL goes with exactly one issuer")
	}
	cfg := sallyport.Config{
		Providers: trust.Providers(c.Issuers, c.JWKSURL),
		Keys:      jwks.FetcherConfig{OnEvent: keyLog(c.Logger), MaxRefreshInterval: c.JWKSRefresh},
		Verifier:  verifier.Config{Leeway: c.Leeway, Now: c.Now},
		Guard:     middleware.Config{Realm: "orders", Logger: c.Logger},

		MeterProvider: c.MeterProvider,
	}
	opened, wrong := c.extend(&cfg, own)
	gate, err := sallyport.Open(cfg)
	return gate, opened, errors.Join(wrong, err)
}

// Another serves a second API like this one, on a free port. It is the caller's
// to close, before this one.
func (s *Server) Another(ctx context.Context) (*Server, error) {
	cfg := s.Config
	cfg.Addr = "127.0.0.1:0"
	return Start(ctx, cfg)
}

// URL returns the address of the API, without a slash at the end.
func (s *Server) URL() string { return s.url }

// Failed is closed if serving ends without Close.
func (s *Server) Failed() <-chan struct{} { return s.failed }

// Close stops listening, gives requests under way [DrainTimeout], then cuts
// them off, and returns when nothing of the server runs any more: nor of the
// authorization server if Start started it. The error says that some requests
// were cut off.
func (s *Server) Close() error {
	var wrongAuth error
	s.background.Go(func() {
		if s.ownsAuth {
			wrongAuth = s.Config.Auth.Close()
		}
	})
	drain := cmp.Or(s.Config.DrainTimeout, DrainTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were cut off after %v: %w", drain, err), s.server.Close())
	}
	s.giveUp()
	err = errors.Join(err, s.gate.Close(), s.opened.close())
	s.background.Wait()
	return errors.Join(err, wrongAuth)
}

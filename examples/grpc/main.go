// Command grpc is a small gRPC API protected by Sallyport: the service of
// orders.proto, with reads by the level get and writes by the level post. In the
// directory examples, go run ./grpc runs it.
//
//	grpc -issuer https://issuer.example/ -audience api://orders
//
// Its flags are those of orders that have a meaning here. The service
// grpc.health.v1.Health is open to everybody. It serves without TLS: put it behind what
// has the certificate.
//
// The log is on standard error. SIGTERM and Ctrl-C drain calls under way and end it
// within five seconds; a second one ends it at once. It exits with 0 after that, 1 when
// it could not serve, 2 when the flags are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/examples/internal/trust"
	"github.com/sallyport-go/sallyport/middleware"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

	drainTimeout = 4 * time.Second
	maxMessage   = 64 << 10 // requests are empty: a larger one is read by nobody
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type config struct {
	addr        string
	issuers     []trust.Issuer
	endAtExpiry bool
}

// parse reports all mistakes together, or flag.ErrHelp after writing the help.
func parse(args []string, help io.Writer) (config, error) {
	var cfg config
	var trusted trust.Flags
	flags := flag.NewFlagSet("grpc", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&cfg.addr, "addr", "127.0.0.1:50051", "where the API listens, as `host:port`")
	flags.BoolVar(&cfg.endAtExpiry, "end-at-expiry", false, "end calls when their token expires, streams too")
	trusted.Define(flags)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(help, "grpc is a small gRPC API protected by Sallyport. Its flags:")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return cfg, err
	case err != nil:
		return cfg, fmt.Errorf("grpc: %w (grpc -h lists the flags)", err)
	case flags.NArg() > 0:
		return cfg, fmt.Errorf("grpc: unexpected argument %q: everything is a flag", flags.Arg(0))
	}
	cfg.issuers = trusted.Issuers()
	errs := trusted.Mistakes("grpc")
	if len(cfg.issuers) == 0 {
		errs = append(errs, errors.New("grpc: -issuer is missing: say whose tokens are trusted (go run ./orders brings an authorization server)"))
	}
	if _, _, err := net.SplitHostPort(cfg.addr); err != nil {
		errs = append(errs, fmt.Errorf("grpc: -addr %q must be host:port, such as 127.0.0.1:50051: %w", cfg.addr, err))
	}
	return cfg, errors.Join(errs...)
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if err := serve(ctx, cfg, log); err != nil {
		fmt.Fprintln(stderr, "grpc:", err)
		return exitFailed
	}
	return exitOK
}

func serve(ctx context.Context, cfg config, log *slog.Logger) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	gate, err := sallyport.Open(sallyport.Config{
		Providers: trust.Providers(cfg.issuers, ""),
		Guard:     middleware.Config{Realm: "orders"},
		Logger:    log,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer gate.Close()
	auth, err := guard(gate, trust.Audiences(cfg.issuers), cfg.endAtExpiry)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	ending := make(chan struct{})
	server := newServer(auth, ending)
	defer context.AfterFunc(ctx, func() {
		log.Info("ending, calls under way are finished first", "at_most", drainTimeout)
		close(ending)
		cut := time.AfterFunc(drainTimeout, server.Stop)
		server.GracefulStop()
		cut.Stop()
	})()
	log.Info("serving orders", "addr", l.Addr().String(), "issuers", cfg.issuers)
	if err := server.Serve(l); !errors.Is(err, grpc.ErrServerStopped) { // by a signal that came first
		return err
	}
	return nil
}

// guard is the table of all methods: what it does not name is refused.
func guard(gate grpcauth.Guard, audiences []string, endAtExpiry bool) (*grpcauth.Interceptor, error) {
	levels := claims.AccessLevels{Resources: audiences}
	return grpcauth.New(gate, grpcauth.Policy{
		Rules: map[string]claims.Rule{
			"/orders.v1.Orders/List":   levels.Require(claims.LevelGet),
			"/orders.v1.Orders/Watch":  levels.Require(claims.LevelGet),
			"/orders.v1.Orders/Create": levels.Require(claims.LevelPost),
		},
		Exempt:      []string{"/grpc.health.v1.Health/*"},
		EndAtExpiry: endAtExpiry,
	})
}

// newServer is the server with all its services. Streams end when ending is closed.
func newServer(auth *grpcauth.Interceptor, ending <-chan struct{}) *grpc.Server {
	server := grpc.NewServer(append(auth.ServerOptions(), grpc.MaxRecvMsgSize(maxMessage))...)
	auth.Registrar(server).RegisterService((&orders{ending: ending}).service(), nil) // judged before a message is received
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	return server
}

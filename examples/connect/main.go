// Command connect is a small API of Connect (connectrpc.com/connect) that Sallyport
// protects, for clients of Connect, gRPC and gRPC-Web. Run it in its own directory, a
// module for itself:
//
//	go run . -issuer https://issuer.example/ -audience api://orders
//	curl -H "Authorization: Bearer $TOKEN" --json '{}' http://127.0.0.1:8088/orders.v1.Orders/List
//
// The service orders.v1.Orders has the procedures List and Watch, for tokens with the
// access level get, and Create, for tokens with post. Requests are
// google.protobuf.Empty, answers google.protobuf.Struct with the member client_id,
// and of List orders too. Watch sends a message every 200 ms. There is no generated
// code, so that this program needs no protoc.
//
// An -audience belongs to the -issuer flags right before it; given before any
// -issuer, it belongs to all of them. With -end-at-expiry a call ends with its token.
//
// It speaks HTTP/1.1, and HTTP/2 without TLS, which clients of gRPC ask for as
// plaintext. The log is on standard error. SIGTERM and Ctrl-C end it within five
// seconds; a second one ends it at once. It exits with 0 after that, 1 when it could
// not serve, 2 when the flags are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

	drainTimeout = 4 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
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
	if err := serve(ctx, cfg, slog.New(slog.NewTextHandler(stderr, nil))); err != nil {
		fmt.Fprintln(stderr, "connect:", err)
		return exitFailed
	}
	return exitOK
}

func serve(ctx context.Context, cfg config, log *slog.Logger) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.addr)
	if err != nil {
		return fmt.Errorf("cannot listen, choose another address with -addr: %w", err)
	}
	gate, err := openGate(cfg, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	api, err := newAPI(gate, cfg)
	if err != nil {
		return errors.Join(err, gate.Close(), l.Close())
	}
	streams, endStreams := context.WithCancel(context.WithoutCancel(ctx)) // so that they do not hold up the end
	defer endStreams()
	server := newServer(api)
	server.BaseContext = func(net.Listener) context.Context { return streams }
	log.Info("serving orders.v1.Orders", "url", "http://"+l.Addr().String(), "end_at_expiry", cfg.endAtExpiry)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		log.Info("ending, calls under way are finished first, streams are not", "at_most", drainTimeout)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		endStreams()
		err = errors.Join(server.Shutdown(grace), server.Close())
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	return errors.Join(err, gate.Close())
}

// newServer returns a server for clients of Connect, gRPC and gRPC-Web.
func newServer(api http.Handler) *http.Server {
	server := &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)            // with TLS
	server.Protocols.SetUnencryptedHTTP2(true) // for clients of gRPC without TLS, behind a sidecar or a proxy that has the certificate
	return server
}

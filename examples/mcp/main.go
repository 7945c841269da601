// Command mcp is a small MCP server protected by Sallyport: its tools answer by what
// the token of each call may do. In the directory examples, go run ./mcp runs it.
//
//	mcp                                            # with an authorization server of its own, for development
//	mcp -issuer https://issuer.example/ -audience api://orders -resource https://mcp.example/mcp
//
// Streamable HTTP is at /mcp, with sessions; the tools are
//
//	list      the level get
//	create    the level post
//	whoami    any token: the client and the scopes of this very call
//
// -resource is the address that clients know the server by, http://ADDR/mcp if it is
// left out. Its metadata is served (RFC 9728), and it is an audience of every issuer
// beside those of -audience, because MCP clients ask for tokens for it (RFC 8707).
//
// An -audience belongs to the -issuer flags right before it; given before any
// -issuer, it belongs to all of them.
//
// The log is on standard error. SIGTERM and Ctrl-C end it within five seconds. It
// exits with 0 after that, 1 when it could not serve, 2 when the flags are wrong.
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

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/trust"
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

// run serves until ctx ends. stdout gets what a person may want to copy, secrets
// included; stderr gets the log, without any.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	cfg.log = slog.New(slog.NewTextHandler(stderr, nil))
	if err := serve(ctx, cfg, stdout); err != nil {
		fmt.Fprintln(stderr, "mcp:", err)
		return exitFailed
	}
	return exitOK
}

// serve serves until ctx ends, or returns why it cannot.
func serve(ctx context.Context, cfg config, stdout io.Writer) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.addr)
	if err != nil {
		return fmt.Errorf("choose another address with -addr: %w", err)
	}
	defer func() { _ = l.Close() }() // the server has closed it, where it came to serving
	url := "http://" + l.Addr().String()
	if cfg.resource == "" {
		cfg.resource = url + "/mcp"
	}
	if len(cfg.issuers) == 0 {
		auth, err := devauth.Start(cfg.authAddr, devauth.Config{Logger: cfg.log})
		if err != nil {
			return fmt.Errorf("choose another address with -auth-addr: %w", err)
		}
		defer func() { _ = auth.Close() }()
		issuers := auth.Issuers()
		for i := range issuers {
			cfg.issuers = append(cfg.issuers, trust.Issuer{Name: issuers[i].Issuer, Audiences: issuers[i].Audiences})
		}
		welcome(stdout, auth, cfg.resource)
	}
	gate, err := cfg.openGate()
	if err != nil {
		return err
	}
	defer gate.Close()
	tools := newServer()
	handler, err := protect(gate, tools, cfg.levels())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute} // streams last: no other timeout
	server.RegisterOnShutdown(func() {
		for session := range tools.Sessions() { // their streams would keep it from ending
			_ = session.Close()
		}
	})
	cfg.log.Info("serving mcp", "url", url, "resource", cfg.resource)
	return end(ctx, server, l, cfg.log)
}

// end serves until ctx ends, and then lets calls under way finish.
func end(ctx context.Context, server *http.Server, l net.Listener, log *slog.Logger) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("ending, requests under way are finished first", "at_most", drainTimeout)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		log.Warn("ended, but not cleanly", "error", err, "close", server.Close())
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// welcome prints how to get a token from the development authorization server. The
// lines hold this start's secrets: they are for the terminal.
func welcome(w io.Writer, auth *devauth.Server, resource string) {
	fmt.Fprintf(w, "\nThe MCP server is at %s. Get a token by one of these:\n\n", resource)
	clients := auth.Clients()
	for i := range clients {
		fmt.Fprintf(w, "%s   # %s\n", auth.TokenRequest(clients[i]).Shell(), clients[i].Name)
	}
	fmt.Fprintln(w)
}

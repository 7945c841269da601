// Command orders is a small API protected by Sallyport: orders in memory, and
// each caller may do what the access levels of its token say. In the directory
// examples, go run ./orders runs it.
//
//	orders                                            # with an authorization server of its own, for development
//	orders -issuer https://issuer.example/ -audience api://orders
//
// Without -issuer it starts a development authorization server on -auth-addr,
// trusts its three issuers, and prints the requests that get a token from it.
//
// An -audience belongs to the -issuer flags right before it; given before any
// -issuer, it belongs to all of them:
//
//	-issuer A -audience x -audience y -issuer B -audience z    A: x or y; B: z
//	-issuer A -issuer B -audience x                            A and B: x
//	-audience x -issuer A -issuer B -audience y                A and B: x or y
//
// The log is on standard error. SIGTERM and Ctrl-C drain requests under way and
// end it within five seconds; a second one ends it at once. It exits with 0
// after that, 1 when it could not serve, 2 when the flags are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
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
	log := slog.New(slog.NewTextHandler(stderr, nil))
	cfg.Logger = log
	s, err := api.Start(ctx, cfg)
	if err != nil {
		fmt.Fprintln(stderr, "orders:", err)
		return exitFailed
	}
	var names []string
	for _, i := range s.Config.Issuers {
		names = append(names, i.Name)
	}
	log.Info("serving orders", "url", s.URL(), "framework", cfg.Framework, "issuers", names)
	if s.Config.Auth != nil {
		welcome(stdout, s.Config.Auth, s.URL())
	}
	code := exitOK
	select {
	case <-ctx.Done():
		log.Info("ending, requests under way are finished first", "at_most", api.DrainTimeout)
	case <-s.Failed():
		code = exitFailed
	}
	if err := s.Close(); err != nil {
		log.Warn("ended, but not cleanly", "error", err)
	}
	return code
}

// welcome prints how to get a token from the development authorization server.
// The lines hold this start's secrets: they are for the terminal.
func welcome(w io.Writer, auth *devauth.Server, url string) {
	fmt.Fprintf(w, "\nThe API is at %s, with a page to try it at /. Get a token by one of these, in three schemes, for a client that may do\n"+
		"everything (%s), read (%s) or nothing (%s):\n", url, devauth.AllLevels, devauth.GetOnly, devauth.NoLevel)
	var scheme devauth.Scheme
	for _, c := range auth.Clients() {
		if c.Scheme != scheme {
			scheme = c.Scheme
			fmt.Fprintf(w, "\n# %s\n", scheme)
		}
		fmt.Fprintf(w, "%s   # %s\n", auth.TokenRequest(c).Shell(), c.Name)
	}
	fmt.Fprintf(w, "\nThen call it:\n\ncurl -i -H \"Authorization: Bearer $TOKEN\" %s/orders\n\n", url)
}

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
// Beyond bearer tokens there are -dpop, -introspect, -mtls-ca, -resource,
// -step-up-acr, -deny-file and -redis, which go together and with each -framework.
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
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/trust"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

	leastRefresh = time.Second
	usualLeeway  = 30 * time.Second
	maxLeeway    = 5 * time.Minute
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
	log.Info("serving orders", "url", s.URL(), "framework", cfg.Framework, "issuers", s.Config.Issuers)
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
	clients := auth.Clients()
	for i := range clients {
		c := &clients[i]
		if c.Scheme != scheme {
			scheme = c.Scheme
			fmt.Fprintf(w, "\n# %s\n", scheme)
		}
		fmt.Fprintf(w, "%s   # %s\n", auth.TokenRequest(*c).Shell(), c.Name)
	}
	fmt.Fprintf(w, "\nThen call it:\n\ncurl -i -H \"Authorization: Bearer $TOKEN\" %s/orders\n\n", url)
}

// parse reports all mistakes together, or flag.ErrHelp after writing the help.
func parse(args []string, help io.Writer) (api.Config, error) {
	cfg := api.Config{Addr: "127.0.0.1:8090", AuthAddr: "127.0.0.1:9090"} // beside the demo
	var trusted trust.Flags
	flags := flag.NewFlagSet("orders", flag.ContinueOnError)
	trusted.Define(flags)
	flags.Func("introspect", "where to ask about opaque tokens of the -issuer right before it, or of the first one: the `URL` of its introspection endpoint", func(url string) error {
		if url == "" {
			return errors.New("it is empty")
		}
		cfg.Introspect, cfg.IntrospectIssuer = url, trusted.Last()
		return nil
	})
	flags.StringVar(&cfg.JWKSURL, "jwks-url", "", "with a single -issuer: the `URL` of its keys, instead of discovery")
	flags.DurationVar(&cfg.JWKSRefresh, "jwks-refresh", 0, "the longest time between two refreshes of the keys, whatever the issuer says; the shortest follows")
	flags.DurationVar(&cfg.Leeway, "leeway", usualLeeway, "what is granted to clocks that differ; 0 is nothing")
	cfg.Flags(flags)
	if err := cfg.Parse(flags, "is a small API protected by Sallyport", args, help); err != nil {
		return cfg, err
	}
	cfg.Issuers = trusted.Issuers()
	if cfg.Introspect != "" && cfg.IntrospectIssuer == "" && len(cfg.Issuers) > 0 {
		cfg.IntrospectIssuer = cfg.Issuers[0].Name
	}
	given := map[string]bool{}
	errs := trusted.Mistakes("orders")
	flags.Visit(func(f *flag.Flag) {
		given[f.Name] = true
		if api.IsFeature(f.Name) && f.Value.String() == "" {
			errs = append(errs, fmt.Errorf("orders: -%s is empty: leave it out, or say what", f.Name))
		}
	})
	if err := errors.Join(append(errs, mistakes(cfg, given)...)...); err != nil {
		return cfg, err
	}
	if cfg.Leeway == 0 {
		cfg.Leeway = -1 // none, where 0 is the usual
	}
	return cfg, nil
}

func mistakes(cfg api.Config, given map[string]bool) []error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("orders: "+format, args...)) }
	if err := api.CheckFramework(cfg.Framework); err != nil {
		wrong("-%w", err)
	}
	for _, err := range cfg.Mistakes() {
		wrong("%w", err)
	}
	if given["jwks-refresh"] && cfg.JWKSRefresh < leastRefresh {
		wrong("-jwks-refresh %v is too short: use at least %v", cfg.JWKSRefresh, leastRefresh)
	}
	if cfg.Leeway < 0 || cfg.Leeway > maxLeeway {
		wrong("-leeway %v must be between 0s and %v", cfg.Leeway, maxLeeway)
	}
	if given["jwks-url"] && len(cfg.Issuers) != 1 {
		wrong("-jwks-url goes with exactly one -issuer: there are %d", len(cfg.Issuers))
	}
	if given["auth-addr"] && len(cfg.Issuers) > 0 {
		wrong("-auth-addr is for the development authorization server, which does not start when there is an -issuer: leave one out")
	}
	return errs
}

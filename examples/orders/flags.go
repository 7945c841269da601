package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	defaultAddr  = "127.0.0.1:8080"
	leastRefresh = time.Second
	noLeeway     = -1 // of an api.Config
)

// options are what the flags say.
type options struct {
	addr     string
	authAddr string
	api      api.Config
}

// parse reports all mistakes together, or flag.ErrHelp after writing the help.
func parse(args []string, help io.Writer) (options, error) {
	var o options
	var trust trust
	flags := flag.NewFlagSet("orders", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.addr, "addr", defaultAddr, "where to listen, as `host:port`")
	flags.StringVar(&o.authAddr, "auth-addr", devauth.DefaultAddr, "without -issuer: where the development authorization server listens, a loopback `host:port`")
	flags.StringVar(&o.api.Framework, "framework", "nethttp", "the router that serves the routes: `"+strings.Join(api.Frameworks(), "|")+"`")
	flags.Func("issuer", "an authorization server to trust: the `URL` that its tokens have as iss, byte for byte (repeatable)", trust.issuer)
	flags.Func("audience", "an `aud` value that means this API, in tokens of the -issuer flags right before it, or of all if it comes first (repeatable)", trust.audience)
	flags.StringVar(&o.api.JWKSURL, "jwks-url", "", "with a single -issuer: the `URL` of its keys, instead of discovery")
	flags.DurationVar(&o.api.JWKSRefresh, "jwks-refresh", 0, "the longest time between two refreshes of the keys, whatever the issuer says; the shortest follows")
	flags.DurationVar(&o.api.Leeway, "leeway", 30*time.Second, "what is granted to clocks that differ; 0 is nothing")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(help, "orders is a small API protected by Sallyport. Its flags:")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, fmt.Errorf("orders: %w (orders -h lists the flags)", err)
	}
	o.api.Issuers = trust.issuers
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := errors.Join(append(o.mistakes(given, flags.Args()), trust.mistakes()...)...); err != nil {
		return o, err
	}
	if o.api.Leeway == 0 {
		o.api.Leeway = noLeeway
	}
	return o, nil
}

func (o options) mistakes(given map[string]bool, rest []string) []error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("orders: "+format, args...)) }
	if len(rest) > 0 {
		wrong("unexpected argument %q: everything is a flag", rest[0])
	}
	if err := api.CheckFramework(o.api.Framework); err != nil {
		wrong("-%w", err)
	}
	if given["jwks-refresh"] && o.api.JWKSRefresh < leastRefresh {
		wrong("-jwks-refresh %v is too short: use at least %v", o.api.JWKSRefresh, leastRefresh)
	}
	if o.api.Leeway < 0 || o.api.Leeway > 5*time.Minute {
		wrong("-leeway %v must be between 0s and %v", o.api.Leeway, 5*time.Minute)
	}
	if given["jwks-url"] && len(o.api.Issuers) != 1 {
		wrong("-jwks-url goes with exactly one -issuer: there are %d", len(o.api.Issuers))
	}
	if given["auth-addr"] && len(o.api.Issuers) > 0 {
		wrong("-auth-addr is for the development authorization server, which does not start when there is an -issuer: leave one out")
	}
	return errs
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	leastRefresh = time.Second
	usualLeeway  = 30 * time.Second
	maxLeeway    = 5 * time.Minute
)

// parse reports all mistakes together, or flag.ErrHelp after writing the help.
func parse(args []string, help io.Writer) (api.Config, error) {
	var o api.Config
	var trust trust
	flags := flag.NewFlagSet("orders", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "where to listen, as `host:port`")
	flags.StringVar(&o.AuthAddr, "auth-addr", devauth.DefaultAddr, "without -issuer: where the development authorization server listens, a loopback `host:port`")
	flags.StringVar(&o.Framework, "framework", "nethttp", "the router that serves the routes: `"+strings.Join(api.Frameworks(), "|")+"`")
	flags.Func("issuer", "an authorization server to trust: the `URL` that its tokens have as iss, byte for byte (repeatable)", trust.issuer)
	flags.Func("audience", "an `aud` value that means this API, in tokens of the -issuer flags right before it, or of all if it comes first (repeatable)", trust.audience)
	flags.StringVar(&o.JWKSURL, "jwks-url", "", "with a single -issuer: the `URL` of its keys, instead of discovery")
	flags.DurationVar(&o.JWKSRefresh, "jwks-refresh", 0, "the longest time between two refreshes of the keys, whatever the issuer says; the shortest follows")
	flags.DurationVar(&o.Leeway, "leeway", usualLeeway, "what is granted to clocks that differ; 0 is nothing")
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
	o.Issuers = trust.issuers
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := errors.Join(append(mistakes(o, given, flags.Args()), trust.mistakes()...)...); err != nil {
		return o, err
	}
	if o.Leeway == 0 {
		o.Leeway = -1 // none, where 0 is the usual
	}
	return o, nil
}

func mistakes(o api.Config, given map[string]bool, rest []string) []error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("orders: "+format, args...)) }
	if len(rest) > 0 {
		wrong("unexpected argument %q: everything is a flag", rest[0])
	}
	if err := api.CheckFramework(o.Framework); err != nil {
		wrong("-%w", err)
	}
	if given["jwks-refresh"] && o.JWKSRefresh < leastRefresh {
		wrong("-jwks-refresh %v is too short: use at least %v", o.JWKSRefresh, leastRefresh)
	}
	if o.Leeway < 0 || o.Leeway > maxLeeway {
		wrong("-leeway %v must be between 0s and %v", o.Leeway, maxLeeway)
	}
	if given["jwks-url"] && len(o.Issuers) != 1 {
		wrong("-jwks-url goes with exactly one -issuer: there are %d", len(o.Issuers))
	}
	if given["auth-addr"] && len(o.Issuers) > 0 {
		wrong("-auth-addr is for the development authorization server, which does not start when there is an -issuer: leave one out")
	}
	return errs
}

// trust collects -issuer and -audience as they come: an audience belongs to the
// issuers right before it, or to all if it comes before any.
type trust struct {
	issuers []api.Issuer
	current []int // the issuers that an audience belongs to now
	closed  bool  // an audience came: the next issuer begins a new run
	forAll  []string
}

func (t *trust) issuer(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if t.closed {
		t.current, t.closed = nil, false
	}
	i := slices.IndexFunc(t.issuers, func(i api.Issuer) bool { return i.Name == name })
	if i < 0 {
		i = len(t.issuers)
		t.issuers = append(t.issuers, api.Issuer{Name: name, Audiences: slices.Clone(t.forAll)})
	}
	t.current = append(t.current, i)
	return nil
}

func (t *trust) audience(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if len(t.issuers) == 0 {
		t.forAll = append(t.forAll, name)
		return nil
	}
	t.closed = true
	for _, i := range t.current {
		t.issuers[i].Audiences = append(t.issuers[i].Audiences, name)
	}
	return nil
}

func (t *trust) mistakes() []error {
	var errs []error
	if len(t.issuers) == 0 && len(t.forAll) > 0 {
		errs = append(errs, errors.New("orders: -audience without -issuer: say whose tokens are meant with -issuer, or leave both out"))
	}
	for _, i := range t.issuers {
		if len(i.Audiences) == 0 {
			errs = append(errs, fmt.Errorf("orders: -issuer %s has no audience: add -audience after it", i.Name))
		}
	}
	return errs
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/setting"
)

const (
	defaultTimeout = 10 * time.Second
	defaultLeeway  = 30 * time.Second
	maxLeeway      = 5 * time.Minute // more is an error of the library
)

// options are the flags of explain.
type options struct {
	spec struct {
		Preset, Issuer, Tenant, JWKSURL, DiscoveryURL string
		Audiences, Clients, PlainHTTP                 []string
	}
	keys    string // file or URL
	leeway  time.Duration
	timeout time.Duration
	at      time.Time
	json    bool
	token   string // TOKEN, - or nothing
}

// parse returns the options. The error reports all mistakes together, or is
// flag.ErrHelp after the help was written.
func parse(args []string, help io.Writer) (options, error) {
	o := options{leeway: defaultLeeway, timeout: defaultTimeout}
	duration := func(to *time.Duration) func(string) error {
		return into(to, time.ParseDuration, "write a number and its unit, as in 30s")
	}
	date := func(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) }
	fs := flag.NewFlagSet("explain", flag.ContinueOnError)
	fs.StringVar(&o.spec.Issuer, "issuer", "", "the iss claim, byte for byte (for auth0: the domain)")
	fs.Func("audience", "an aud value that means your API; repeat it for several", appendTo(&o.spec.Audiences))
	fs.StringVar(&o.spec.Preset, "preset", "generic", "generic, entra, auth0-permissions or auth0-scopes")
	fs.StringVar(&o.spec.Tenant, "tenant", "", "the tenant's GUID (for entra)")
	fs.Func("client", "a client id that may call; repeat it for several (default all)", appendTo(&o.spec.Clients))
	fs.StringVar(&o.keys, "jwks", "", "the keys: a file, which needs no network, or a URL (default by discovery)")
	fs.StringVar(&o.spec.DiscoveryURL, "discovery", "", "the discovery document's address, where it does not follow from the issuer")
	fs.Func("dangerously-plain-http", "a `host` or host:port that may be asked for keys without TLS; repeat it for several", appendTo(&o.spec.PlainHTTP))
	fs.Func("leeway", fmt.Sprintf("granted to clocks that differ, 0s to %v (default %v)", maxLeeway, o.leeway), duration(&o.leeway))
	fs.Func("timeout", fmt.Sprintf("the longest wait for keys (default %v)", o.timeout), duration(&o.timeout))
	fs.Func("at", "judge the token at this time instead of now, as in 2026-11-21T12:00:00Z",
		into(&o.at, date, "write date, time and zone, as in 2026-11-21T12:00:00Z"))
	fs.BoolVar(&o.json, "json", false, "print the report as JSON")
	rest, err := parseFlags(fs, args, help)
	if err != nil {
		return o, err
	}
	o.token = rest
	return o, o.mistakes()
}

// mistakes reports what the library would report too, but by the names of the flags.
func (o options) mistakes() error {
	var errs []error
	if o.spec.Issuer == "" && o.spec.Preset == "generic" {
		errs = append(errs, errors.New("-issuer is missing: give the iss claim, exactly as the token has it"))
	}
	if len(o.spec.Audiences) == 0 {
		errs = append(errs, errors.New("-audience is missing: give an aud value that means your API"))
	}
	if o.keys != "" && o.spec.DiscoveryURL != "" {
		errs = append(errs, errors.New("-discovery is set beside -jwks: leave one out"))
	}
	if o.leeway < 0 || o.leeway > maxLeeway {
		errs = append(errs, fmt.Errorf("-leeway %v must be between 0s and %v", o.leeway, maxLeeway))
	}
	if o.timeout <= 0 {
		errs = append(errs, fmt.Errorf("-timeout %v must be longer than 0s", o.timeout))
	}
	return errors.Join(errs...)
}

// flagNames are the flags that settings come from, by what the library calls them.
var flagNames = map[setting.Name]string{
	"issuer": "-issuer", "Issuer": "-issuer", "Name": "-issuer", "domain": "-issuer",
	"audiences": "-audience", "Audiences": "-audience", "Clients": "-client", "preset": "-preset", "tenant": "-tenant",
	"WithJWKS": "-jwks", "WithDiscovery": "-discovery", "Keys.DangerouslyPlainHTTP": "-dangerously-plain-http",
}

// parseFlags returns the one argument that may follow the flags, or "".
func parseFlags(fs *flag.FlagSet, args []string, help io.Writer) (token string, err error) {
	fs.SetOutput(io.Discard)
	err = fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(help, usage)
		fs.SetOutput(help)
		fs.PrintDefaults()
		return "", err
	case err != nil:
		return "", fmt.Errorf("%w (sallyport %s -h lists the flags)", err, fs.Name())
	case fs.NArg() > 1:
		return "", fmt.Errorf("one token at a time: %d arguments were left after the flags (flags come first)", fs.NArg())
	}
	return fs.Arg(0), nil
}

func appendTo(list *[]string) func(string) error {
	return func(s string) error {
		if s == "" {
			return errors.New("it is empty")
		}
		*list = append(*list, s)
		return nil
	}
}

// into parses a flag into to. The error of one that is wrong is advice.
func into[T any](to *T, parse func(string) (T, error), advice string) func(string) error {
	return func(s string) (err error) {
		if *to, err = parse(s); err != nil {
			return errors.New(advice)
		}
		return nil
	}
}

// complain prints mistakes, one a line.
func complain(errs io.Writer, command string, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(errs, "sallyport %s: %s\n", command, strings.TrimSuffix(line, "\n"))
	}
}

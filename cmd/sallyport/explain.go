package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// options are the flags of explain.
type options struct {
	spec    providers.Spec
	keys    string // file or URL
	leeway  time.Duration
	timeout time.Duration
	at      time.Time
	json    bool
	token   string // TOKEN, - or nothing
}

func explain(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	opts, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return accepted
	}
	if err != nil {
		fmt.Fprintf(errs, "sallyport explain: %v\n", err)
		return wrongUse
	}
	gate, err := opts.gate()
	if err != nil {
		fmt.Fprintf(errs, "sallyport explain: %v\n", err)
		return wrongUse
	}
	defer gate.Close()
	token, err := readToken(opts.token, in)
	if err != nil {
		fmt.Fprintf(errs, "sallyport explain: %v\n", err)
		return wrongUse
	}
	ctx, cancel := context.WithTimeout(ctx, opts.timeout)
	defer cancel()
	report := gate.Explain(ctx, token)
	if err := show(out, report, opts.json); err != nil {
		fmt.Fprintf(errs, "sallyport explain: %v\n", err)
		return wrongUse
	}
	return status(report)
}

func status(r verifier.Report) int {
	switch {
	case r.OK:
		return accepted
	case r.Reason == reason.KeysUnavailable || r.Reason == reason.Canceled:
		return unavailable
	default:
		return refused
	}
}

func show(out io.Writer, r verifier.Report, asJSON bool) error {
	if !asJSON {
		return render(out, r, colourful(out))
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

func parse(args []string, errs io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("sallyport explain", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.StringVar(&o.spec.Issuer, "issuer", "", "the iss claim, byte for byte (for auth0: the domain)")
	fs.Func("audience", "an aud value that means your API; repeat it for several", appendTo(&o.spec.Audiences))
	fs.StringVar(&o.spec.Preset, "preset", "generic", "generic, entra, auth0-permissions or auth0-scopes")
	fs.StringVar(&o.spec.Tenant, "tenant", "", "the tenant's GUID (for entra)")
	fs.Func("client", "a client id that may call; repeat it for several (default all)", appendTo(&o.spec.Clients))
	fs.StringVar(&o.keys, "jwks", "", "the keys: a file, which needs no network, or a URL (default by discovery)")
	fs.DurationVar(&o.leeway, "leeway", verifier.DefaultLeeway, "granted to clocks that differ")
	fs.DurationVar(&o.timeout, "timeout", 10*time.Second, "the longest wait for keys")
	fs.Func("at", "judge the token at this time instead of now, as in 2026-11-21T12:00:00Z", func(s string) (err error) {
		o.at, err = time.Parse(time.RFC3339, s)
		return err
	})
	fs.BoolVar(&o.json, "json", false, "print the report as JSON")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 1 {
		return o, fmt.Errorf("one token at a time: %d arguments were left after the flags (flags come first)", fs.NArg())
	}
	o.token = fs.Arg(0)
	return o, nil
}

func appendTo(list *[]string) func(string) error {
	return func(s string) error {
		*list = append(*list, s)
		return nil
	}
}

// gate is the verifier that the flags describe. It remembers nothing.
func (o options) gate() (*sallyport.Gate, error) {
	static, err := o.static()
	if err != nil {
		return nil, err
	}
	if static == nil {
		o.spec.JWKSURL = o.keys
	}
	p := o.spec.Provider()
	for i := range p.Issuers {
		if static != nil {
			p.Issuers[i].Tokens.Keys = static
		}
	}
	cfg := sallyport.Config{Providers: []providers.Provider{p}}
	cfg.Verifier.CacheBytes = -1
	cfg.Verifier.Leeway = o.leeway
	if o.leeway == 0 {
		cfg.Verifier.Leeway = -1 // none was asked for
	}
	if !o.at.IsZero() {
		cfg.Verifier.Now = func() time.Time { return o.at }
	}
	return sallyport.Open(cfg)
}

// static is the key set of a file, nil if the keys are somewhere else.
func (o options) static() (jwks.KeySet, error) {
	if o.keys == "" || strings.Contains(o.keys, "://") {
		return nil, nil //nolint:nilnil // no file was named, and that is fine
	}
	data, err := os.ReadFile(o.keys)
	if err != nil {
		return nil, fmt.Errorf("-jwks: %w", err)
	}
	keys, err := jwks.ParseJWKS(data)
	if err != nil {
		return nil, fmt.Errorf("-jwks %s: %w", o.keys, err)
	}
	return jwks.NewStatic(keys...)
}

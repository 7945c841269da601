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

func explain(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	opts, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return accepted
	}
	if err != nil {
		complain(errs, "explain", err)
		return wrongUse
	}
	gate, err := opts.gate()
	if err != nil {
		complain(errs, "explain", err)
		return wrongUse
	}
	defer gate.Close()
	token, err := readToken(opts.token, in, errs)
	if err != nil {
		complain(errs, "explain", err)
		return wrongUse
	}
	report := opts.judge(ctx, gate, token)
	if err := show(out, report, opts.json); err != nil {
		complain(errs, "explain", err)
		return wrongUse
	}
	return status(report)
}

// judge says in the hint which flag would have given the keys more time.
func (o options) judge(ctx context.Context, gate *sallyport.Gate, token string) verifier.Report {
	bounded, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	report := gate.Explain(bounded, token)
	if report.Reason == reason.Canceled && ctx.Err() == nil {
		report.Hint = fmt.Sprintf("The issuer's keys did not come within %v: give them more time with -timeout, or as a file with -jwks.", o.timeout)
	}
	return report
}

func status(r verifier.Report) int {
	switch {
	case r.OK:
		return accepted
	case unjudged(r):
		return unavailable
	default:
		return refused
	}
}

// unjudged: without keys nobody can tell whether the token is good.
func unjudged(r verifier.Report) bool {
	return r.Reason == reason.KeysUnavailable || r.Reason == reason.Canceled
}

func show(out io.Writer, r verifier.Report, asJSON bool) error {
	if !asJSON {
		return render(out, r, colourful(out))
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(r)
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
	s := o.spec
	p := providers.Named(s.Preset, s.Issuer, s.Tenant, s.Audiences...).WithClients(s.Clients...).WithJWKS(s.JWKSURL)
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
		return nil, fmt.Errorf("-jwks: %w: give the file of a JWK Set, or a URL", err)
	}
	keys, err := jwks.ParseJWKS(data)
	if err != nil {
		return nil, fmt.Errorf("-jwks %s: %w: save there what the issuer's jwks_uri answers", o.keys, err)
	}
	return jwks.NewStatic(keys...)
}

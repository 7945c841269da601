package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func explain(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) (int, error) {
	opts, err := parse(args, out)
	if err != nil {
		return wrongUse, err
	}
	gate, err := opts.gate()
	if err != nil {
		return wrongUse, err
	}
	defer gate.Close()
	token, err := readToken(opts.token, in, errs)
	if err != nil {
		return wrongUse, err
	}
	report := opts.judge(ctx, gate, token)
	if err := show(out, report, opts.json); err != nil {
		return wrongUse, err
	}
	return status(report), nil
}

// judge returns the report on a token. If the keys did not come in time, the
// hint names the flag that gives them more.
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

// unjudged reports whether the check ended for want of keys.
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

// gate returns the verifier that the flags describe. It has no cache.
func (o options) gate() (*sallyport.Gate, error) {
	static, err := o.static()
	if err != nil {
		return nil, err
	}
	if static == nil {
		o.spec.JWKSURL = o.keys
	}
	s := o.spec
	p := providers.Named(s.Preset, s.Issuer, s.Tenant, s.Audiences...).WithClients(s.Clients...).
		WithJWKS(s.JWKSURL).WithDiscovery(s.DiscoveryURL)
	for i := range p.Issuers {
		if static != nil {
			p.Issuers[i].Tokens.Keys = static
		}
	}
	cfg := sallyport.Config{Providers: []providers.Provider{p}}
	cfg.Keys.DangerouslyPlainHTTP = s.PlainHTTP
	cfg.Verifier.CacheBytes = -1
	cfg.Verifier.Leeway = o.leeway
	if o.leeway == 0 {
		cfg.Verifier.Leeway = -1 // none was asked for
	}
	if !o.at.IsZero() {
		cfg.Verifier.Now = func() time.Time { return o.at }
	}
	gate, err := sallyport.Open(cfg)
	return gate, setting.Rename(err, "", flagNames)
}

// static returns the key set of a file, nil if the keys are somewhere else.
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

// palette are the escape sequences of a report, or nothing.
type palette struct{ good, bad, dim, bold, end string }

var colours = palette{good: "\x1b[32m", bad: "\x1b[31m", dim: "\x1b[2m", bold: "\x1b[1m", end: "\x1b[0m"}

// colourful reports whether out is a terminal that shows colours.
func colourful(out io.Writer) bool {
	return isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// render prints a line for each check, and of one that failed what was expected.
func render(out io.Writer, r verifier.Report, colour bool) error {
	var p palette
	if colour {
		p = colours
	}
	var b strings.Builder
	for _, c := range r.Checks {
		p.line(&b, c)
	}
	b.WriteByte('\n')
	switch {
	case r.OK:
		fmt.Fprintf(&b, "%s%saccepted%s\n", p.bold, p.good, p.end)
	case unjudged(r):
		fmt.Fprintf(&b, "%s%snot judged: %s%s\n%s\n", p.bold, p.bad, r.Reason, p.end, r.Hint)
	default:
		fmt.Fprintf(&b, "%s%srefused: %s%s\n%s\n", p.bold, p.bad, r.Reason, p.end, r.Hint)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (p palette) line(b *strings.Builder, c verifier.Check) {
	switch {
	case c.Skipped:
		fmt.Fprintf(b, "%s  - %-12s not looked at%s\n", p.dim, c.Name, p.end)
	case c.OK:
		fmt.Fprintf(b, "  %s✓%s %-12s %s\n", p.good, p.end, c.Name, cmp.Or(c.Found, c.Expected))
	default:
		fmt.Fprintf(b, "  %s✗ %-12s %s%s\n", p.bad, c.Name, cmp.Or(c.Found, "no"), p.end)
		fmt.Fprintf(b, "                 expected %s\n", c.Expected)
	}
}

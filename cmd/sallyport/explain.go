package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func explain(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) (int, error) {
	opts, err := parse(args, out)
	if err != nil {
		return wrongUse, err
	}
	gate, err := opts.gate()
	rule, asked, wrongRule := opts.rule()
	if err := errors.Join(err, wrongRule, opts.proved.mistakes()); err != nil {
		if gate != nil {
			_ = gate.Close()
		}
		return wrongUse, err
	}
	defer gate.Close()
	token, err := readToken(opts.token, in, errs)
	if err != nil {
		return wrongUse, err
	}
	ask := gate.Explain
	if asked {
		ask = func(ctx context.Context, token string) verifier.Report { return gate.ExplainRule(ctx, token, rule) }
	}
	if opts.proved.given() {
		ask = func(ctx context.Context, token string) verifier.Report {
			return opts.withBinding(ctx, gate, token, rule, asked)
		}
	}
	report := opts.judge(ctx, ask, token)
	if err := show(out, report, opts.json); err != nil {
		return wrongUse, err
	}
	return status(report), nil
}

// rule returns the rule of the flags, and false if there is none.
func (o *options) rule() (claims.Rule, bool, error) {
	var audiences []string
	for i := range o.trusted {
		audiences = append(audiences, o.trusted[i].settings.Audiences...)
	}
	return o.asked.rule(audiences)
}

// judge returns the report on a token. If the keys did not come in time, the
// hint names the flag that gives them more.
func (o *options) judge(ctx context.Context, ask func(context.Context, string) verifier.Report, token string) verifier.Report {
	bounded, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	report := ask(bounded, token)
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
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return err
	}
	_, err := io.WriteString(out, quote.Lines(b.String()))
	return err
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

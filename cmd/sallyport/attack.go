package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/internal/attack"
	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/internal/quote"
)

const attackUsage = `sallyport attack tries a running API, of any language, with every known forgery of
a token, with odd requests, and with what an issuer can do to it.

  sallyport attack -url URL -audience AUD [flags] [-- COMMAND ARGS]

It starts an issuer on loopback, which the API must trust, and the COMMAND, which
gets SALLYPORT_ISSUER, SALLYPORT_AUDIENCE, ISSUER and AUDIENCE and is ended with
all that it started. The good token must open the URL: -claim adds to it. What
gets through is a

  hole       somebody gets in who should not
  confusion  another kind of token, audience or issuer passes
  leniency   a rule of a standard is not kept, and nobody gets in
  outage     a good call is refused, or the API crashes, answers 5xx or is silent

Exit status: 0 nothing, 1 a finding of a level in -fail-on, 2 wrong use, 3 the API
could not be tried.

`

// attackOptions are the flags of attack.
type attackOptions struct {
	attack.Config
	fail                  []forgeries.Level
	json, junit, markdown bool
	quiet                 bool
}

// attackAPI is the command attack.
func attackAPI(ctx context.Context, args []string, out, errs io.Writer) (int, error) {
	o, err := parseAttack(args, out)
	if err != nil {
		return wrongUse, err
	}
	bar := &bar{out: errs, shown: !o.quiet && isTerminal(errs)}
	o.Progress = bar.move
	report, err := attack.Run(ctx, o.Config)
	bar.end()
	if report != nil {
		if wrong := o.write(report, out); wrong != nil {
			return wrongUse, wrong
		}
	}
	var setting *attack.SettingError
	var untried *attack.UntriedError
	switch {
	case report != nil && report.Worst(o.fail):
		if err != nil {
			fmt.Fprintf(errs, "sallyport attack: %v\n", err)
		}
		return refused, nil
	case errors.As(err, &setting):
		return wrongUse, err
	case errors.As(err, &untried):
		fmt.Fprintf(errs, "sallyport attack: %v\n", untried) // of many lines, with nothing in it that cannot be seen
		return unavailable, nil
	}
	return accepted, err
}

func (o *attackOptions) write(r *attack.Report, out io.Writer) error {
	switch {
	case o.json:
		return r.JSON(out)
	case o.junit:
		return r.JUnit(out, o.fail)
	case o.markdown:
		return r.Markdown(out)
	}
	return r.Text(out)
}

func parseAttack(args []string, help io.Writer) (*attackOptions, error) {
	o := &attackOptions{fail: []forgeries.Level{forgeries.Hole, forgeries.Confusion, forgeries.Outage}}
	o.Claims, o.Skip, o.Listen = map[string]any{}, map[string]string{}, "127.0.0.1:0"
	fs := flag.NewFlagSet("attack", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	o.flags(fs)
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(help, attackUsage)
		fs.SetOutput(help)
		fs.PrintDefaults()
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w (sallyport attack -h lists the flags)", err)
	}
	if o.Command = fs.Args(); len(o.Command) > 0 && !slices.Contains(args[:len(args)-len(o.Command)], "--") {
		return nil, fmt.Errorf("%s is no flag: the command that starts the API stands behind --", quote.Text(o.Command[0]))
	}
	if formats := countTrue(o.json, o.junit, o.markdown); formats > 1 {
		return nil, errors.New("-json, -junit and -markdown are three forms of one report: choose one")
	}
	return o, nil
}

func countTrue(flags ...bool) (n int) {
	for _, set := range flags {
		if set {
			n++
		}
	}
	return n
}

func (o *attackOptions) flags(fs *flag.FlagSet) {
	fs.StringVar(&o.URL, "url", "", "the `URL` of a call that a good token opens, and nothing else")
	fs.StringVar(&o.Audience, "audience", "", "the `aud` that the API accepts")
	fs.StringVar(&o.Listen, "listen", o.Listen, "the loopback `address` of the issuer; fix its port for an API that runs already")
	fs.StringVar(&o.Alg, "alg", "RS256", "what the issuer signs with: RS256, PS256, ES256, EdDSA, ...")
	fs.Func("claim", "a `NAME=VALUE` that a good token must have, such as scope=orders.read; the value is JSON where it can be; repeat it for several", o.claim)
	fs.StringVar(&o.Method, "method", "GET", "of the call")
	fs.StringVar(&o.Body, "body", "", "of the call")
	fs.Func("header", `a "NAME: VALUE" of the call; repeat it for several`, appendTo(&o.Header))
	fs.BoolVar(&o.Faults, "faults", false, "try what an issuer can do too: rotations, outages, hangs, broken key sets, and with a COMMAND a cold start")
	fs.Func("only", "a `GROUP` of cases, or several with commas; repeat it for several", func(s string) error {
		o.Only = append(o.Only, strings.Split(s, ",")...)
		return nil
	})
	fs.Func("skip", "a `NAME=WHY`: do not try that case, or group, and repeat the reason in the report; repeat it for several", o.skip)
	fs.Func("fail-on", "the `LEVELS`, with commas, that make the exit status 1 (default hole,confusion,outage)", o.failOn)
	fs.BoolVar(&o.json, "json", false, "print the report as JSON")
	fs.BoolVar(&o.junit, "junit", false, "print the report as XML of JUnit")
	fs.BoolVar(&o.markdown, "markdown", false, "print the report as Markdown")
	fs.BoolVar(&o.quiet, "quiet", false, "show no progress on a terminal")
	fs.BoolFunc("verbose", "show what the COMMAND prints, on standard error", func(string) error {
		o.Output = os.Stderr
		return nil
	})
	fs.BoolVar(&o.Mine, "this-api-is-mine", false, "attack an API that is not on this machine, which is one's own")
	fs.IntVar(&o.Rate, "rate", 0, "the most `requests` a second (default 200, or 20 where the API is not on loopback)")
	fs.Func("wait", "the longest wait for a good token to be accepted (default 30s)", durationInto(&o.Wait))
	fs.Func("limit", "the longest run (default 110s, with -faults 290s)", durationInto(&o.Limit))
	fs.Func("recovery", "what the API may take to recover from a fault (default 40s)", durationInto(&o.Recovery))
}

// claim reads NAME=VALUE, the value as JSON if it is.
func (o *attackOptions) claim(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("write NAME=VALUE, as in scope=orders.read")
	}
	var v any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		v = value
	}
	if v == nil {
		v = json.RawMessage("null") // nil would leave the claim out
	}
	if _, twice := o.Claims[name]; twice {
		return fmt.Errorf("%s is given twice: an array of values is written as JSON", quote.Text(name))
	}
	o.Claims[name] = v
	return nil
}

// skip reads NAME=WHY. An equals sign in quotes is of the name.
func (o *attackOptions) skip(s string) error {
	quoted := false
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '=' && !quoted && i > 0:
			o.Skip[s[:i]] = s[i+1:]
			return nil
		}
	}
	return errors.New(`a reason is missing: write NAME=WHY, as in "size=a proxy limits headers"`)
}

func (o *attackOptions) failOn(s string) error {
	o.fail = nil
	for name := range strings.SplitSeq(s, ",") {
		level := forgeries.Level(strings.TrimSpace(name))
		if !slices.Contains(forgeries.Levels(), level) {
			return errors.New("levels are hole, confusion, leniency and outage")
		}
		o.fail = append(o.fail, level)
	}
	return nil
}

// bar is the progress on a terminal.
type bar struct {
	out   io.Writer
	shown bool
}

func (b *bar) move(done, total int, name string) {
	if !b.shown {
		return
	}
	const width = 30
	full := width * done / max(total, 1)
	fmt.Fprintf(b.out, "\r\x1b[K[%s%s] %s %s", strings.Repeat("#", full), strings.Repeat(".", width-full), strconv.Itoa(done)+"/"+strconv.Itoa(total), quote.Line(name, 50))
}

// end removes it.
func (b *bar) end() {
	if b.shown {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}

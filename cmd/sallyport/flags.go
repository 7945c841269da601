package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/providers"
)

const (
	defaultTimeout = 10 * time.Second
	defaultLeeway  = 30 * time.Second
	maxLeeway      = 5 * time.Minute // more is an error of the library
	sizeHelp       = "how many bytes a token may have (default 8192)"
)

// options are the flags of explain.
type options struct {
	trusted   []trusted // at least one
	plainHTTP []string
	leeway    time.Duration
	leewaySet bool
	maxBytes  int
	timeout   time.Duration
	at        time.Time
	json      bool
	asked     asked
	proved    proved
	token     string        // TOKEN, - or nothing
	names     setting.Names // of the settings: flags, or the variables that they were read from
}

// trusted is an authorization server, as flags describe it.
type trusted struct {
	preset      string
	settings    providers.Settings // JWKSURL may be a file
	keysFromEnv bool               // then it is none
}

// parse returns the options. The error reports all mistakes together, or is
// flag.ErrHelp after the help was written.
func parse(args []string, help io.Writer) (options, error) {
	o := options{leeway: defaultLeeway, timeout: defaultTimeout, trusted: make([]trusted, 1)}
	fs := flag.NewFlagSet("explain", flag.ContinueOnError)
	fs.Func("preset", "what the issuer is: "+strings.Join(providers.Names(), ", ")+" (default generic)", o.preset)
	for _, f := range setting.Fields(&o.last().settings) {
		fs.Func(f.Flag, describe(f), o.setting(f.Name))
	}
	fs.Func("dangerously-plain-http", "a `host` or host:port that may be asked for keys without TLS; repeat it for several", appendTo(&o.plainHTTP))
	fs.Func("leeway", fmt.Sprintf("granted to clocks that differ, 0s to %v (default %v)", maxLeeway, o.leeway), func(s string) error {
		o.leewaySet = true
		return durationInto(&o.leeway)(s)
	})
	fs.Func("timeout", fmt.Sprintf("the longest wait for keys (default %v)", o.timeout), durationInto(&o.timeout))
	fs.Func("at", "judge the token at this time instead of now, as in 2026-11-21T12:00:00Z", into(&o.at,
		func(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) }, "write date, time and zone, as in 2026-11-21T12:00:00Z"))
	fs.Func("max-token-bytes", sizeHelp, sizeInto(&o.maxBytes))
	fs.BoolVar(&o.json, "json", false, "print the report as JSON")
	o.asked.flags(fs)
	o.proved.flags(fs)
	rest, err := parseFlags(fs, args, help)
	if err != nil {
		return o, err
	}
	o.token = rest
	o.inherit()
	return o, nil
}

// last returns the authorization server that flags are about.
func (o *options) last() *trusted { return &o.trusted[len(o.trusted)-1] }

// preset takes the name of a preset. A second one begins another authorization
// server.
func (o *options) preset(name string) error {
	if o.last().preset != "" {
		o.trusted = append(o.trusted, trusted{})
	}
	o.last().preset = name
	return nil
}

// setting returns what takes the flag of that setting. A second issuer or tenant
// begins another authorization server.
func (o *options) setting(name setting.Name) func(string) error {
	return func(value string) error {
		f := o.last().field(name)
		if f.List && value == "" {
			return errors.New("it is empty")
		}
		if slices.Contains(identity, name) && len(f.Values()) > 0 {
			o.trusted = append(o.trusted, trusted{})
			f = o.last().field(name)
		}
		f.Add(value)
		return nil
	}
}

// identity are the settings that say who is trusted.
var identity = []setting.Name{"Issuer", "Tenant"}

func (t *trusted) field(name setting.Name) setting.Field {
	fields := setting.Fields(&t.settings)
	return fields[slices.IndexFunc(fields, func(f setting.Field) bool { return f.Name == name })]
}

// describe returns the help of a setting's flag.
func describe(f setting.Field) string {
	switch {
	case f.Name == "JWKSURL":
		return "the keys: a file, which needs no network, or a URL (default by discovery)"
	case f.List:
		return f.Help + "; repeat it for several"
	case f.Name == "Issuer":
		return f.Help + "; repeat it for several, each with its own flags behind it"
	default:
		return f.Help
	}
}

// inherit gives an issuer without audiences those of the one before it: several
// issuers of one API.
func (o *options) inherit() {
	for i := range o.trusted {
		if s := &o.trusted[i].settings; i > 0 && len(s.Audiences) == 0 {
			s.Audiences = o.trusted[i-1].settings.Audiences
		}
	}
}

// mistakes reports what is wrong with the flags beside what the presets find.
func (o *options) mistakes() error {
	var errs []error
	for i := range o.trusted {
		if s := &o.trusted[i].settings; s.JWKSURL != "" && s.DiscoveryURL != "" {
			errs = append(errs, fmt.Errorf("%s is set beside %s: leave one out", o.names["WithDiscovery"], o.names["WithJWKS"]))
		}
	}
	if o.leeway < 0 || o.leeway > maxLeeway {
		errs = append(errs, fmt.Errorf("%s %v must be between 0s and %v", o.names["Leeway"], o.leeway, maxLeeway))
	}
	if o.timeout <= 0 {
		errs = append(errs, fmt.Errorf("-timeout %v must be longer than 0s", o.timeout))
	}
	return errors.Join(errs...)
}

// flagNames returns the flags that settings come from, by what the library calls
// them.
func flagNames() setting.Names {
	names := setting.NamesBy(setting.Fields(&providers.Settings{}), func(f setting.Field) string { return "-" + f.Flag })
	names["preset"], names["Leeway"], names["Keys.DangerouslyPlainHTTP"] = "-preset", "-leeway", "-dangerously-plain-http"
	return names
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
		return "", fmt.Errorf("%s (sallyport %s -h lists the flags)", withheld(err.Error(), args, maxHint, fs), fs.Name())
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

func durationInto(to *time.Duration) func(string) error {
	return into(to, time.ParseDuration, "write a number and its unit, as in 30s")
}

func sizeInto(to *int) func(string) error {
	return into(to, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err == nil && (n < 1 || n > maxInput) {
			err = strconv.ErrRange
		}
		return n, err
	}, fmt.Sprintf("write a number of bytes up to %d", maxInput))
}

// An argument may be a token that was pasted into the wrong place, and what is
// printed may be kept. So much of one is shown.
const (
	maxHint = 12 // of one that is not understood
	maxEcho = 64 // of any
)

// hint returns the beginning of an argument that is not understood.
func hint(arg string) string { return quote.UpTo(arg, maxHint) }

// withheld returns text with the arguments that it repeats cut, but for the
// names of flags.
func withheld(text string, args []string, most int, known *flag.FlagSet) string {
	for _, arg := range args {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		for _, piece := range []string{arg, strings.TrimLeft(arg, "-"), name, value} {
			if len(piece) <= most || (known != nil && known.Lookup(strings.TrimLeft(piece, "-")) != nil) {
				continue
			}
			short := piece[:most] + "..."
			text = strings.ReplaceAll(text, piece, short)
			inQuotes := strings.Trim(strconv.Quote(piece), `"`)
			text = strings.ReplaceAll(text, inQuotes, short)
		}
	}
	return text
}

// complain prints mistakes, one a line.
func complain(errs io.Writer, args []string, err error) {
	const most = 1000
	for line := range strings.Lines(withheld(err.Error(), args[1:], maxEcho, nil)) {
		line = strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "sallyport: ")
		fmt.Fprintf(errs, "sallyport %s: %s\n", args[0], quote.Line(line, most))
	}
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
)

type config struct {
	addr        string
	issuers     []issuer
	endAtExpiry bool
}

// issuer is an authorization server to trust, and the audiences that mean this
// API in its tokens.
type issuer struct {
	name      string
	audiences []string
}

// parse reads the flags and reports all mistakes together. It returns flag.ErrHelp
// after writing the help.
func parse(args []string, help io.Writer) (config, error) {
	var cfg config
	var trusted trust
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&cfg.addr, "addr", "127.0.0.1:8088", "where the API listens, as `host:port`")
	flags.Func("issuer", "an authorization server to trust: the `URL` that its tokens have as iss, byte for byte (repeatable)", trusted.issuer)
	flags.Func("audience", "an `aud` value that means this API, in tokens of the -issuer flags right before it, or of all if it comes first (repeatable)", trusted.audience)
	flags.BoolVar(&cfg.endAtExpiry, "end-at-expiry", false, "end a call when its token expires: streams, above all")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(help, "connect is a protected API for clients of Connect, gRPC and gRPC-Web. Its flags:")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return cfg, err
	case err != nil:
		return cfg, fmt.Errorf("connect: %w (connect -h lists the flags)", err)
	case flags.NArg() > 0:
		return cfg, fmt.Errorf("connect: unexpected argument %q: everything is a flag", flags.Arg(0))
	}
	cfg.issuers = trusted.issuers
	return cfg, trusted.mistakes()
}

// trust collects -issuer and -audience as they come.
type trust struct {
	issuers []issuer
	since   int      // the issuers that an audience belongs to begin here
	closed  bool     // an audience came: the next issuer begins anew
	all     []string // audiences that came before any issuer
}

func (t *trust) issuer(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if t.closed {
		t.since, t.closed = len(t.issuers), false
	}
	t.issuers = append(t.issuers, issuer{name, slices.Clone(t.all)})
	return nil
}

func (t *trust) audience(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if len(t.issuers) == 0 {
		t.all = append(t.all, name)
		return nil
	}
	t.closed = true
	for i := t.since; i < len(t.issuers); i++ {
		t.issuers[i].audiences = append(t.issuers[i].audiences, name)
	}
	return nil
}

func (t *trust) mistakes() error {
	if len(t.issuers) == 0 {
		return errors.New("connect: no -issuer: say whose tokens are trusted")
	}
	var errs []error
	for _, i := range t.issuers {
		if len(i.audiences) == 0 {
			errs = append(errs, fmt.Errorf("connect: -issuer %s has no audience: add -audience after it", i.name))
		}
	}
	return errors.Join(errs...)
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
)

type config struct {
	addr    string
	issuers []issuer
}

// issuer is an authorization server to trust, and the audiences that mean this
// API in its tokens.
type issuer struct {
	name      string
	audiences []string
}

// parse reads the flags. It returns flag.ErrHelp after writing the help.
func parse(args []string, help io.Writer) (config, error) {
	var cfg config
	var all []string // audiences that came before any issuer
	since := 0       // the issuers that an audience belongs to begin here
	closed := false  // an audience came: the next issuer begins anew
	flags := flag.NewFlagSet("observability", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&cfg.addr, "addr", "127.0.0.1:8091", "where the API listens, as `host:port`")
	flags.Func("issuer", "an authorization server to trust: the `URL` that its tokens have as iss, byte for byte (repeatable)", func(name string) error {
		if closed {
			since, closed = len(cfg.issuers), false
		}
		cfg.issuers = append(cfg.issuers, issuer{name, slices.Clone(all)})
		return nil
	})
	flags.Func("audience", "an `aud` value that means this API, in tokens of the -issuer flags right before it, or of all if it comes first (repeatable)", func(name string) error {
		if len(cfg.issuers) == 0 {
			all = append(all, name)
			return nil
		}
		closed = true
		for i := since; i < len(cfg.issuers); i++ {
			cfg.issuers[i].audiences = append(cfg.issuers[i].audiences, name)
		}
		return nil
	})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(help, "observability is a protected API with metrics for Prometheus. Its flags:")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return cfg, err
	case err != nil:
		return cfg, fmt.Errorf("observability: %w (observability -h lists the flags)", err)
	case flags.NArg() > 0:
		return cfg, fmt.Errorf("observability: unexpected argument %q: everything is a flag", flags.Arg(0))
	case len(cfg.issuers) == 0:
		return cfg, errors.New("observability: no -issuer: say whose tokens are trusted")
	}
	for _, i := range cfg.issuers {
		if len(i.audiences) == 0 {
			return cfg, fmt.Errorf("observability: -issuer %s has no audience: add -audience after it", i.name)
		}
	}
	return cfg, nil
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/sallyport-go/sallyport/examples/internal/trust"
)

type config struct {
	addr        string
	issuers     []trust.Issuer
	endAtExpiry bool
}

// parse reads the flags and reports all mistakes together. It returns flag.ErrHelp
// after writing the help.
func parse(args []string, help io.Writer) (config, error) {
	var cfg config
	var trusted trust.Flags
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&cfg.addr, "addr", "127.0.0.1:8088", "where the API listens, as `host:port`")
	trusted.Define(flags)
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
	cfg.issuers = trusted.Issuers()
	errs := trusted.Mistakes("connect")
	if len(cfg.issuers) == 0 {
		errs = append(errs, errors.New("connect: no -issuer: say whose tokens are trusted (go run ./orders brings an authorization server)"))
	}
	return cfg, errors.Join(errs...)
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/sallyport-go/sallyport/examples/internal/trust"
)

// config is what the flags say.
type config struct {
	addr, authAddr, resource string
	issuers                  []trust.Issuer
	log                      *slog.Logger
}

// parse reports all mistakes together, or flag.ErrHelp after writing the help.
func parse(args []string, help io.Writer) (config, error) {
	cfg := config{addr: "127.0.0.1:8087"} // beside the other examples
	var trusted trust.Flags
	flags := flag.NewFlagSet("mcp", flag.ContinueOnError)
	flags.StringVar(&cfg.addr, "addr", cfg.addr, "where the server listens, as `host:port`")
	flags.StringVar(&cfg.authAddr, "auth-addr", "127.0.0.1:9087", "where the development authorization server listens if there is no -issuer, a loopback `host:port`")
	trusted.Define(flags)
	flags.StringVar(&cfg.resource, "resource", "", "the `URL` that clients know the server by (default http://ADDR/mcp)")
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(help, "mcp is a small MCP server protected by Sallyport. Its flags:")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return cfg, err
	case err != nil:
		return cfg, fmt.Errorf("mcp: %w (mcp -h lists the flags)", err)
	case flags.NArg() > 0:
		return cfg, fmt.Errorf("mcp: unexpected argument %q: everything is a flag", flags.Arg(0))
	}
	cfg.issuers = trusted.Issuers()
	if len(cfg.issuers) == 0 {
		return cfg, errors.Join(trusted.Mistakes("mcp")...)
	} // without an audience the resource is the one
	return cfg, nil
}

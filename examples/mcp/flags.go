package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
)

// config is what the flags say.
type config struct {
	addr, authAddr, resource string
	issuers                  []issuer
	log                      *slog.Logger
}

// issuer is an authorization server to trust, and the audiences that mean this
// server in its tokens.
type issuer struct {
	name      string
	audiences []string
}

// parse reports all mistakes together, or flag.ErrHelp after writing the help.
func parse(args []string, help io.Writer) (config, error) {
	cfg := config{addr: "127.0.0.1:8087"} // beside the other examples
	var t trust
	flags := flag.NewFlagSet("mcp", flag.ContinueOnError)
	flags.StringVar(&cfg.addr, "addr", cfg.addr, "where the server listens, as `host:port`")
	flags.StringVar(&cfg.authAddr, "auth-addr", "127.0.0.1:9087", "where the development authorization server listens if there is no -issuer, a loopback `host:port`")
	flags.Func("issuer", "an authorization server to trust: the `URL` that its tokens have as iss, byte for byte (repeatable)", t.issuer)
	flags.Func("audience", "an `aud` value that means this server beside -resource, in tokens of the -issuer flags right before it, or of all if it comes first (repeatable)", t.audience)
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
	if len(t.issuers) == 0 && len(t.forAll) > 0 {
		return cfg, errors.New("mcp: -audience without -issuer: say whose tokens are meant with -issuer, or leave both out")
	}
	cfg.issuers = t.issuers
	return cfg, nil
}

// trust collects -issuer and -audience as they come: an audience belongs to the
// issuers right before it, or to all if it comes before any.
type trust struct {
	issuers []issuer
	current []int // the issuers that an audience belongs to now
	closed  bool  // an audience came: the next issuer begins a new run
	forAll  []string
}

func (t *trust) issuer(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if t.closed {
		t.current, t.closed = nil, false
	}
	i := slices.IndexFunc(t.issuers, func(i issuer) bool { return i.name == name })
	if i < 0 {
		i = len(t.issuers)
		t.issuers = append(t.issuers, issuer{name, slices.Clone(t.forAll)})
	}
	t.current = append(t.current, i)
	return nil
}

func (t *trust) audience(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if len(t.issuers) == 0 {
		t.forAll = append(t.forAll, name)
		return nil
	}
	t.closed = true
	for _, i := range t.current {
		t.issuers[i].audiences = append(t.issuers[i].audiences, name)
	}
	return nil
}

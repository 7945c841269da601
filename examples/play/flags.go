package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

// options are what the flags say.
type options struct {
	addr      string
	authAddr  string
	framework string
	once      bool
	color     bool
}

// parse reads the flags, or writes the help and returns flag.ErrHelp.
func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("play", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where the API listens, as `host:port`")
	flags.StringVar(&o.authAddr, "auth-addr", devauth.DefaultAddr, "where the authorization server listens, a loopback `host:port`")
	flags.StringVar(&o.framework, "framework", "nethttp", "the router that serves the API: `"+strings.Join(api.Frameworks(), "|")+"`")
	flags.BoolVar(&o.once, "once", false, "end after the play, with 1 if any answer was not as promised")
	plain := flags.Bool("no-color", false, "no colours, on a terminal too")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stdout, "play is the demo of Sallyport. Its flags:")
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, fmt.Errorf("play: %w (play -h lists the flags)", err)
	}
	if rest := flags.Args(); len(rest) > 0 {
		return o, fmt.Errorf("play: unexpected argument %q: everything is a flag", rest[0])
	}
	if err := api.CheckFramework(o.framework); err != nil {
		return o, fmt.Errorf("play: -%w", err)
	}
	o.color = !*plain && isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return o, nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

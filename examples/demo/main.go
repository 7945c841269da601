// Command demo starts an authorization server and an API that Sallyport
// protects, sends them real requests, shows each with its answer, and checks
// every answer against what the documentation promises. Then it keeps serving,
// for you to go on by hand. In the root, make demo runs it.
//
//	demo          # plays, then serves until Ctrl-C
//	demo -once    # plays, then ends: with 1 if any answer was not as promised
//
// It exits with 2 when the flags are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	p, err := newPlay(ctx, o, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return exitFailed
	}
	return p.perform(ctx, stderr)
}

// options are the flags.
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
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where the API and the page listen, a loopback `host:port`")
	flags.StringVar(&o.authAddr, "auth-addr", devauth.DefaultAddr, "where the authorization server listens, a loopback `host:port`")
	flags.StringVar(&o.framework, "framework", "nethttp", "the router that serves the API: `"+strings.Join(api.Frameworks(), "|")+"`")
	flags.BoolVar(&o.once, "once", false, "end after the play, with 1 if any answer was not as promised")
	plain := flags.Bool("no-color", false, "no colours, on a terminal too")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stdout, "demo plays client-credentials schemes against a protected API. Its flags:")
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, fmt.Errorf("demo: %w (demo -h lists the flags)", err)
	}
	if rest := flags.Args(); len(rest) > 0 {
		return o, fmt.Errorf("demo: unexpected argument %q: everything is a flag", rest[0])
	}
	if !isLoopback(o.addr) {
		return o, fmt.Errorf("demo: -addr %.64q: give a loopback address, such as 127.0.0.1:8080: the page at / hands out tokens without asking who wants one", o.addr)
	}
	if err := api.CheckFramework(o.framework); err != nil {
		return o, fmt.Errorf("demo: -%w", err)
	}
	o.color = !*plain && isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return o, nil
}

// isLoopback reports whether only this machine reaches an address. What is no
// address is reported where it is listened on.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

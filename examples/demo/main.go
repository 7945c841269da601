// Command demo starts an authorization server and an API that Sallyport
// protects, sends them real requests, shows each with its answer, and checks
// every answer against what the documentation promises. Then it keeps serving,
// for you to go on by hand. In the root, make demo runs it.
//
//	demo          # plays, then serves until Ctrl-C
//	demo -once    # plays, then ends: with 1 if any answer was not as promised
//	demo -all     # plays what goes beyond bearer tokens too
//
// Of -all one act wants a redis-server. Where none is installed it is skipped, which
// is said and counted; with REQUIRE_REDIS=1 in the environment that is a failure.
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
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	redis.SetLogger(silence{}) // of go-redis: that a Redis is dead is a part of the play
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// silence is a log that nobody reads.
type silence struct{}

// Printf does nothing.
func (silence) Printf(context.Context, string, ...any) {}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg := api.Config{Addr: "127.0.0.1:8080", AuthAddr: devauth.DefaultAddr}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	once := flags.Bool("once", false, "end after the play, with 1 if any answer was not as promised")
	all := flags.Bool("all", false, "play DPoP, nonces, certificate-bound and opaque tokens, step-up, metadata, a denylist and a shared Redis too")
	plain := flags.Bool("no-color", false, "no colours, on a terminal too")
	err := cfg.Parse(flags, "plays client-credentials schemes against a protected API", args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if wrong := api.CheckFramework(cfg.Framework); err == nil && wrong != nil {
		err = fmt.Errorf("demo: -%w", wrong)
	}
	if err == nil && !isLoopback(cfg.Addr) {
		err = fmt.Errorf("demo: -addr %.64q: give a loopback address, such as 127.0.0.1:8080: the page at / hands out tokens without asking who wants one", cfg.Addr)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	color := !*plain && isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	p, err := newPlay(ctx, cfg, &screen{w: stdout, color: color})
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return exitFailed
	}
	p.all, p.needsRedis = *all, os.Getenv("REQUIRE_REDIS") != ""
	return p.perform(ctx, *once, stderr)
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

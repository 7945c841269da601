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
	"os"
	"os/signal"
	"syscall"

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
	var cfg api.Config
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	once := flags.Bool("once", false, "end after the play, with 1 if any answer was not as promised")
	plain := flags.Bool("no-color", false, "no colours, on a terminal too")
	err := cfg.Parse(flags, "plays client-credentials schemes against a protected API", args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if wrong := api.CheckFramework(cfg.Framework); err == nil && wrong != nil {
		err = fmt.Errorf("demo: -%w", wrong)
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
	return p.perform(ctx, *once, stderr)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

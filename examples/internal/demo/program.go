package demo

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses of the programs.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Main runs a program and exits with its status. SIGTERM and Ctrl-C end the
// context; a second one ends the process, as signals do.
func Main(run func(ctx context.Context, args []string, stdout, stderr io.Writer) int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the program: it serves until ctx ends. stdout gets what a person may
// want to copy, secrets included; stderr gets the log, without any.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	l, err := api.Listen(ctx, "-addr", o.addr) // first, for an address that is taken shows at once
	if err != nil {
		fmt.Fprintln(stderr, "orders:", err)
		return exitFailed
	}
	p, err := start(l, o, log)
	if err != nil {
		fmt.Fprintln(stderr, "orders:", err)
		return exitFailed
	}
	p.announce(stdout)
	code := exitOK
	select {
	case <-ctx.Done():
		log.Info("ending, requests under way are finished first", "at_most", api.DrainTimeout)
	case <-p.server.Failed():
		code = exitFailed
	}
	if err := p.close(); err != nil {
		log.Warn("ended, but not cleanly", "error", err)
	}
	return code
}

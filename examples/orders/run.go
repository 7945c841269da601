package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/sallyport-go/sallyport/examples/internal/demo"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

// run is the program: it serves until ctx ends. stdout gets what a person may
// want to copy, secrets included; stderr gets the log, without any.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return demo.ExitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return demo.ExitUsage
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	o.api.Logger = log
	d, err := demo.Start(ctx, demo.Config{Addr: o.addr, AuthAddr: o.authAddr, API: o.api, AuthLogger: log})
	if err != nil {
		fmt.Fprintln(stderr, "orders:", err)
		return demo.ExitFailed
	}
	announce(d, stdout)
	code := demo.ExitOK
	select {
	case <-ctx.Done():
		log.Info("ending, requests under way are finished first", "at_most", api.DrainTimeout)
	case <-d.API.Failed():
		code = demo.ExitFailed
	}
	if err := d.Close(); err != nil {
		log.Warn("ended, but not cleanly", "error", err)
	}
	return code
}

// announce says where everything is.
func announce(d *demo.Demo, stdout io.Writer) {
	var names []string
	for _, i := range d.Config.Issuers {
		names = append(names, i.Name)
	}
	d.Config.Logger.Info("serving orders", "url", d.API.URL(), "framework", d.Config.Framework, "issuers", names)
	if d.Auth != nil {
		welcome(stdout, d.Auth, d.API.URL())
	}
}

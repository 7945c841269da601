// Command observability is a protected API whose metrics Prometheus scrapes. Run
// it in its own directory, a module for itself:
//
//	go run . -issuer https://issuer.example/ -audience api://orders
//	curl http://127.0.0.1:8091/metrics
//
// rules.yml has the alarms, dashboard.json the dashboard for Grafana, and
// prometheus.yml scrapes this program. README.md says how they are tried out.
//
// The log is on standard error, and the audit on standard output, a line for
// each call. An -audience belongs to the -issuer flags right before it; given
// before any -issuer, it belongs to all of them. It exits with 0 after Ctrl-C or
// SIGTERM, 1 when it could not serve, 2 when the flags are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

	drainTimeout = 4 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if err := serve(ctx, cfg, log, slog.New(auditHandler(stdout))); err != nil {
		fmt.Fprintln(stderr, "observability:", err)
		return exitFailed
	}
	return exitOK
}

func serve(ctx context.Context, cfg config, log, audit *slog.Logger) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.addr)
	if err != nil {
		return fmt.Errorf("cannot listen, choose another address with -addr: %w", err)
	}
	a, err := newAPI(options{issuers: cfg.issuers, log: log, audit: audit})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := &http.Server{Handler: a, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	log.Info("serving", "url", "http://"+l.Addr().String(), "metrics", "http://"+l.Addr().String()+"/metrics")
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		err = errors.Join(server.Shutdown(grace), server.Close())
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	return errors.Join(err, a.Close())
}

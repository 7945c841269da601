// Package demo is what the programs orders and play have in common: the API on
// a socket of its own and, where it is told of no issuers to trust, the
// development authorization server and the page to try both.
package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/page"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

// Config says what to start, and where.
type Config struct {
	_ [0]func()

	Addr     string     // where the API listens; the flag -addr
	AuthAddr string     // where the authorization server does; the flag -auth-addr
	API      api.Config // without Issuers it trusts those of the authorization server

	// AuthLogger is the authorization server's. nil is silence.
	AuthLogger *slog.Logger

	// Start starts the API; nil is [Orders].
	Start Starter
}

// API is one that serves: an *api.Server, or something in front of one.
type API interface {
	URL() string
	Failed() <-chan struct{}
	Close() error
}

// Starter starts an API on a listener that it takes over.
type Starter func(net.Listener, api.Config) (API, error)

// Orders starts the API as it is.
func Orders(l net.Listener, cfg api.Config) (API, error) { return api.Start(l, cfg) }

// Demo is what runs. End it by Close.
type Demo struct {
	API    API
	Auth   *devauth.Server // nil if the API was told whom to trust
	Config api.Config      // what the API was started with

	start Starter
}

// Start starts both and returns at once. The error says which flag to change.
// ctx is for looking up hosts.
func Start(ctx context.Context, cfg Config) (*Demo, error) {
	d := &Demo{Config: cfg.API, start: cfg.Start}
	if d.start == nil {
		d.start = Orders
	}
	l, err := api.Listen(ctx, "-addr", cfg.Addr) // first, for an address that is taken shows at once
	if err != nil {
		return nil, err
	}
	if len(cfg.API.Issuers) == 0 {
		if err := d.startAuth(cfg.AuthAddr, cfg.AuthLogger); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	if d.API, err = d.start(l, d.Config); err != nil {
		d.API = nil
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Demo) startAuth(addr string, log *slog.Logger) (err error) {
	if d.Auth, err = devauth.Start(addr, devauth.Config{Logger: log}); err != nil {
		return api.ListenError("-auth-addr", addr, err)
	}
	d.Config.Issuers = api.Devauth(d.Auth)
	d.Config.Front = page.Front(d.Auth)
	return nil
}

// Another starts a second API like the first, on a free port. It is the
// caller's to close.
func (d *Demo) Another(ctx context.Context) (API, error) {
	l, err := api.Listen(ctx, "-addr", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return d.start(l, d.Config)
}

// Close ends both at once, so that the time that one takes to finish its
// requests is not the other's.
func (d *Demo) Close() error {
	var wg sync.WaitGroup
	var errs [2]error
	if d.API != nil {
		wg.Go(func() { errs[0] = d.API.Close() })
	}
	if d.Auth != nil {
		wg.Go(func() { errs[1] = d.Auth.Close() })
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

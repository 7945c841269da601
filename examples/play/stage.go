package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/page"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

// refresh is how often the API looks for new keys. A quarter of an hour would
// be usual, but nobody wants to watch that long.
const refresh = time.Second

// running is an API that serves.
type running interface {
	URL() string
	Close() error
}

// starter starts an API on a listener that it takes over.
type starter func(net.Listener, api.Config) (running, error)

func startOrders(l net.Listener, cfg api.Config) (running, error) { return api.Start(l, cfg) }

// stage is what plays: the authorization server and the API that trusts its
// three issuers.
type stage struct {
	auth     *devauth.Server
	authURL  string
	api      running
	refusals *refusals // the API's log

	config api.Config
	start  starter
}

// setStage starts both, the API on l, which it takes over.
func setStage(l net.Listener, o options, start starter) (*stage, error) {
	s := &stage{start: start, refusals: &refusals{}}
	if err := s.openAuth(o.authAddr); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.config = api.Config{
		Framework:   o.framework,
		Issuers:     api.Devauth(s.auth),
		Front:       page.Front(s.auth),
		JWKSRefresh: refresh,
		Logger:      slog.New(s.refusals),
	}
	var err error
	if s.api, err = start(l, s.config); err != nil {
		return nil, errors.Join(err, s.auth.Close())
	}
	return s, nil
}

func (s *stage) openAuth(addr string) error {
	l, err := devauth.Listen(addr)
	if err != nil {
		return api.ListenError("-auth-addr", addr, err)
	}
	s.authURL = "http://" + l.Addr().String()
	if s.auth, err = devauth.New(devauth.Config{BaseURL: s.authURL}); err != nil {
		return errors.Join(err, l.Close())
	}
	return s.auth.Serve(l)
}

// another is a second API like the first, somewhere.
func (s *stage) another(ctx context.Context) (running, error) {
	l, err := api.Listen(ctx, "-addr", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return s.start(l, s.config)
}

func (s *stage) close() error { return errors.Join(s.api.Close(), s.auth.Close()) }

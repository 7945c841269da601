package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/page"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

// program is what runs: the API and, unless there are issuers to trust, a
// development authorization server.
type program struct {
	options
	log    *slog.Logger
	auth   *devauth.Server // nil if the flags name issuers
	server *api.Server
}

// start serves on l, which it takes over.
func start(l net.Listener, o options, log *slog.Logger) (p *program, err error) {
	p = &program{options: o, log: log}
	p.api.Logger = log
	if len(o.api.Issuers) == 0 {
		if p.auth, err = startDevauth(o.authAddr, log); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		p.api.Issuers = api.Devauth(p.auth)
		p.api.Front = page.Front(p.auth)
	}
	if p.server, err = api.Start(l, p.api); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func startDevauth(addr string, log *slog.Logger) (*devauth.Server, error) {
	auth, err := devauth.Start(addr, devauth.Config{Logger: log})
	if err != nil {
		return nil, api.ListenError("-auth-addr", addr, err)
	}
	return auth, nil
}

// close ends both at once, so that the time that one takes to drain is not the
// other's.
func (p *program) close() error {
	var wg sync.WaitGroup
	var errs [2]error
	if p.server != nil {
		wg.Go(func() { errs[0] = p.server.Close() })
	}
	if p.auth != nil {
		wg.Go(func() { errs[1] = p.auth.Close() })
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// announce says where everything is.
func (p *program) announce(stdout io.Writer) {
	var names []string
	for _, i := range p.api.Issuers {
		names = append(names, i.Name)
	}
	p.log.Info("serving orders", "url", p.server.URL(), "framework", p.api.Framework, "issuers", names)
	if p.auth != nil {
		welcome(stdout, p.auth, p.server.URL())
	}
}

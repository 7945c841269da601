package attack

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// issuer is the authorization server that the API trusts, on a loopback address that may be fixed.
type issuer struct {
	*jwkstest.Issuer
	server *http.Server
	down   chan struct{} // closed when the server has ended
}

// listen starts the issuer, with all keys that forgeries need, so that the API finds them when it first asks.
func listen(ctx context.Context, cfg *Config) (*issuer, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, untried("the issuer cannot listen: %v", err)
	}
	iss := jwkstest.Start(
		jwkstest.WithoutServer(), jwkstest.WithName("http://"+l.Addr().String()),
		jwkstest.WithAlgorithm(cfg.Alg), jwkstest.WithAudience(cfg.Audience))
	i := &issuer{Issuer: iss, server: &http.Server{Handler: iss.Handler(), ReadHeaderTimeout: time.Minute}, down: make(chan struct{})}
	for range iss.Forgeries() { // publishes the other keys
		break
	}
	go func() {
		defer close(i.down)
		_ = i.server.Serve(l) // ends with close
	}()
	return i, nil
}

func (i *issuer) name() string { return i.Issuer.Issuer() }

func (i *issuer) close() {
	i.Close() // releases what hangs
	_ = i.server.Close()
	<-i.down
}

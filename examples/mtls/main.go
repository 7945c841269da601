// Command mtls is an API that takes certificate-bound tokens (RFC 8705), with a
// CA, an authorization server and clients of its own. It serves on -addr, has
// its clients call it, prints what each was answered, and ends:
//
//	200  the partner, with the token and its certificate
//	401  the partner's token, stolen by a client with a certificate of its own
//
// Everything is on loopback and new with each start. It exits with 0 if all was
// as it should be, 1 if not, 2 when the flags are wrong.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/devca"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/providers"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("mtls", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8443", "where the API listens")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "mtls: use the flag -addr and nothing else")
		return 2
	}
	if err := play(ctx, *addr, stdout); err != nil {
		fmt.Fprintln(stderr, "mtls:", err)
		return 1
	}
	return 0
}

// play starts everything, and has the clients call.
func play(ctx context.Context, addr string, stdout io.Writer) error {
	auth, err := devauth.Start("127.0.0.1:0", devauth.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = auth.Close() }()
	ca, err := devca.New()
	if err != nil {
		return err
	}
	issuer := auth.Issuers()[1]
	gate, err := newGate(issuer)
	if err != nil {
		return err
	}
	defer gate.Close()
	api, err := serve(ctx, addr, ca, gate)
	if err != nil {
		return err
	}
	defer api.close()
	return callAll(ctx, auth, ca, api.url, stdout)
}

// newGate lets in tokens of the issuer that are bound to a certificate. Required
// refuses others, which anybody could use.
func newGate(issuer devauth.IssuerInfo) (*sallyport.Gate, error) {
	binding, err := mtls.New(mtls.Config{Required: true})
	if err != nil {
		return nil, err
	}
	return sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(issuer.Issuer, issuer.Audiences[0])},
		Guard:     middleware.Config{Bindings: []middleware.Binding{binding}},
	})
}

// running is a server and where it is.
type running struct {
	url   string
	close func()
}

// serve serves over TLS, and asks clients for certificates of the CA. A client
// without one gets as far as the Guard, which answers it.
func serve(ctx context.Context, addr string, ca *devca.Authority, gate *sallyport.Gate) (*running, error) {
	own, err := ca.Issue("api", x509.ExtKeyUsageServerAuth)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("get"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		fmt.Fprintln(w, "orders for", c.ClientID())
	})))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{own},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    ca.Pool(),
		MinVersion:   tls.VersionTLS12,
	}}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.ServeTLS(l, "", "") // until it is closed
	}()
	return &running{"https://" + l.Addr().String(), func() {
		_ = server.Close()
		<-served
	}}, nil
}

// callAll makes the calls of the partner and of a thief, each a client of the CA.
func callAll(ctx context.Context, auth *devauth.Server, ca *devca.Authority, api string, stdout io.Writer) error {
	partner, err := ca.Issue("partner", x509.ExtKeyUsageClientAuth)
	if err != nil {
		return err
	}
	thief, err := ca.Issue("thief", x509.ExtKeyUsageClientAuth)
	if err != nil {
		return err
	}
	bound, err := token(ctx, auth, url.Values{"dev_certificate": {mtls.Thumbprint(partner.Leaf)}})
	if err != nil {
		return err
	}
	unbound, err := token(ctx, auth, nil)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		want  int
		who   string
		token string
		cert  *tls.Certificate
		claim *x509.Certificate // in the header Client-Cert
	}{
		{200, "the partner, with the token and its certificate", bound, &partner, nil},
		{401, "the partner's token, stolen by a client with a certificate of its own", bound, &thief, nil},
		{401, "the stolen token without a certificate", bound, nil, nil},
		{401, "the stolen token, with the partner's certificate in a header, which no proxy sent", bound, &thief, partner.Leaf},
		{401, "the partner, with a token that is bound to nothing", unbound, &partner, nil},
		{200, "the partner once more", bound, &partner, nil},
	} {
		status, err := call(ctx, api+"/orders", c.token, ca, c.cert, c.claim)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%d  %s\n", status, c.who)
		if status != c.want {
			return fmt.Errorf("the answer should have been %d", c.want)
		}
	}
	return nil
}

// token gets a token by the documented request of the messaging platform. The
// query says what it is to be bound to: see examples/README.md.
func token(ctx context.Context, auth *devauth.Server, query url.Values) (string, error) {
	client, err := auth.Client(devauth.Messaging, devauth.AllLevels)
	if err != nil {
		return "", err
	}
	r, err := auth.TokenRequest(client).Request(ctx)
	if err != nil {
		return "", err
	}
	r.URL.RawQuery = query.Encode()
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&answer); err != nil {
		return "", err
	}
	if answer.AccessToken == "" {
		return "", fmt.Errorf("the token request was answered with %s", resp.Status)
	}
	return answer.AccessToken, nil
}

// call calls the API as a client with that certificate, nil for none.
func call(ctx context.Context, address, token string, ca *devca.Authority, cert *tls.Certificate, claim *x509.Certificate) (status int, err error) {
	config := &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}
	if cert != nil {
		config.Certificates = []tls.Certificate{*cert}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if claim != nil {
		r.Header.Set("Client-Cert", devca.ClientCert(claim))
	}
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/devca"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/mtls"
)

const stepUp = "urn:example:mfa"

// beyond is the part of a play that goes beyond bearer tokens: a second API, over
// TLS, with all of it at once, and its clients.
type beyond struct {
	*play
	api            *api.Server
	ca             *devca.Authority
	partner, thief tls.Certificate
	own, other     *jwkstest.Prover // keys of two clients
	keys           *jwkstest.Issuer // made them
	issuer         devauth.IssuerInfo
	dir            string // of files that are gone after the play
	nonce          string // the last one of the API
}

// beyondBearer starts the second API.
func (p *play) beyondBearer(ctx context.Context) (*beyond, error) {
	b := &beyond{play: p, issuer: p.auth.Issuers()[1], keys: jwkstest.Start(jwkstest.WithoutServer())}
	b.own, b.other = b.keys.NewProver("ES256"), b.keys.NewProver("ES256")
	if err := b.start(ctx); err != nil {
		b.close(ctx)
		return nil, err
	}
	return b, nil
}

func (b *beyond) start(ctx context.Context) (err error) {
	cfg := b.play.api.Config
	if b.dir, err = os.MkdirTemp("", "sallyport-demo-"); err != nil {
		return err
	}
	if err := b.files(&cfg.Features); err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	id, secret := b.auth.ResourceServer()
	cfg.DPoP, cfg.DPoPNonce, cfg.StepUpACR = "accept", true, stepUp
	cfg.Resource = "https://" + l.Addr().String()
	cfg.Introspect, cfg.IntrospectIssuer, cfg.IntrospectClient = b.issuer.IntrospectionURL, b.issuer.Issuer, id+":"+secret
	b.api, err = api.Serve(l, cfg)
	return err
}

// files writes the certificates and an empty denylist.
func (b *beyond) files(f *api.Features) (err error) {
	if b.ca, err = devca.New(); err != nil {
		return err
	}
	server, wrong := b.ca.Issue("api", x509.ExtKeyUsageServerAuth)
	partner, wrongPartner := b.ca.Issue("partner", x509.ExtKeyUsageClientAuth)
	thief, wrongThief := b.ca.Issue("thief", x509.ExtKeyUsageClientAuth)
	if err := errors.Join(wrong, wrongPartner, wrongThief); err != nil {
		return err
	}
	b.partner, b.thief = partner, thief
	cert, key, err := devca.PEM(server)
	if err != nil {
		return err
	}
	write := func(name string, text []byte) string {
		path := filepath.Join(b.dir, name)
		err = errors.Join(err, os.WriteFile(path, text, 0o600))
		return path
	}
	f.TLSCert, f.TLSKey = write("api.pem", cert), write("api.key", key)
	f.MTLSCA, f.DenyFile = write("ca.pem", b.ca.PEM()), write("denied", nil)
	return err
}

func (b *beyond) close(ctx context.Context) {
	var err error
	if b.api != nil {
		err = b.api.Close()
	}
	b.keys.Close()
	if err = errors.Join(err, os.RemoveAll(b.dir)); err != nil {
		b.show(ctx, call{who: "beyond"}, answer{}, err, outcome{}, "")
	}
}

func (b *beyond) acts() []act {
	return []act{
		{"The metadata of the API", "which issuer, which scopes, what binds a token: RFC 9728", b.metadata},
		{"DPoP with a nonce of the API", "proofs that nobody made in advance: RFC 9449", b.nonces},
		{"DPoP against thieves", "a bound token is good with its key alone, a proof once", b.proofs},
		{"Certificate-bound tokens", "good by TLS with the client's certificate alone: RFC 8705", b.certificates},
		{"Opaque tokens", "the issuer is asked about them: RFC 7662", b.opaque},
		{"Step-up", "POST wants a login with " + stepUp + ": RFC 9470", b.stepUp},
		{"A denylist", "a token is refused before it expires", b.denylist},
		{"Two instances on one Redis", "what one knows the other knows; without it nothing is let through", b.fleet},
	}
}

// tokenWith gets a token of the messaging scheme, with what the query asks for,
// bound to the key of a prover unless that is nil.
func (b *beyond) tokenWith(ctx context.Context, query url.Values, prover *jwkstest.Prover) string {
	c, err := b.auth.Client(devauth.Messaging, devauth.AllLevels)
	if err != nil { // cannot happen: the names are devauth's own
		panic(err)
	}
	r, err := b.auth.TokenRequest(c).Request(ctx)
	if err == nil {
		r.URL.RawQuery = query.Encode()
		if prover != nil {
			r.Header.Set("DPoP", prover.Proof(r.Method, b.issuer.TokenURL, "", jwkstest.Claims{"ath": nil}))
		}
	}
	var got struct {
		AccessToken string `json:"access_token"`
	}
	a, err := b.do(r, err)
	if err == nil && a.status == http.StatusOK {
		err = json.Unmarshal(a.body, &got)
	}
	note := shortened(got.AccessToken)
	if prover != nil {
		note += ", bound to a key"
	}
	if len(query) > 0 {
		note += ", by " + strings.Join(slices.Sorted(maps.Keys(query)), ", ")
	}
	b.show(ctx, call{who: "all", method: http.MethodPost, path: "…/token"}, a, err, accepted(http.StatusOK), note)
	return got.AccessToken
}

// caller is how a call is made: with a proof or none, with a certificate or none.
type caller struct {
	proof string
	cert  *tls.Certificate
}

// call sends a call to the second API, and compares the answer with the promise.
func (b *beyond) call(ctx context.Context, c call, by caller, want outcome, note string) answer {
	b.refusals.take()
	a, err := b.sendBy(ctx, c, by)
	a.reasons = b.refusals.take()
	b.show(ctx, c, a, err, want, note)
	if nonce := a.header.Get("DPoP-Nonce"); nonce != "" {
		b.nonce = nonce
	}
	return a
}

// sendBy sends a call to the second API.
func (b *beyond) sendBy(ctx context.Context, c call, by caller) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, c.method, b.api.URL()+c.path, strings.NewReader(c.body))
	if err == nil && c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if err == nil && by.proof != "" {
		r.Header.Set("Authorization", "DPoP "+c.token)
		r.Header.Set("DPoP", by.proof)
	}
	trust := &tls.Config{RootCAs: b.ca.Pool(), MinVersion: tls.VersionTLS12}
	if by.cert != nil {
		trust.Certificates = []tls.Certificate{*by.cert}
	}
	transport := &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}
	return doBy(&http.Client{Transport: transport, Timeout: callTimeout}, r, err)
}

// proofBy makes a proof for a call, with the last nonce of the API.
func (b *beyond) proofBy(prover *jwkstest.Prover, c call, options ...jwkstest.TokenOption) caller {
	options = append([]jwkstest.TokenOption{jwkstest.Claims{"nonce": b.nonce}}, options...)
	return caller{proof: prover.Proof(c.method, b.api.URL()+c.path, c.token, options...)}
}

// thumbprint is the query for a token that is bound to a certificate.
func thumbprint(cert tls.Certificate) url.Values {
	return url.Values{"dev_certificate": {mtls.Thumbprint(cert.Leaf)}}
}

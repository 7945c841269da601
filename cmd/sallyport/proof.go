package main

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// proved is a proof of DPoP with the request that it came with, and the certificate
// of the client.
type proved struct {
	proof, method, url string
	certificate        string            // the file
	leaf               *x509.Certificate // in it
}

func (p *proved) flags(fs *flag.FlagSet) {
	fs.StringVar(&p.proof, "dpop", "", "a `proof`, the value of the header DPoP that came with the token; goes with -url")
	fs.StringVar(&p.method, "method", "", "the method of its request (default GET)")
	fs.StringVar(&p.url, "url", "", "the `address` of its request, as the client knows it")
	fs.StringVar(&p.certificate, "certificate", "", "a PEM `file` with the certificate of the client, which a token can be bound to")
}

func (p *proved) mistakes() error { return errors.Join(p.wrongProof(), p.readCertificate()) }

// readCertificate reads the first certificate in the file: a client's own comes first.
func (p *proved) readCertificate() error {
	if p.certificate == "" {
		return nil
	}
	text, err := readUpTo(p.certificate, maxInput)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // without the name, which is not always one
		}
		return fmt.Errorf("-certificate %s: %w: give a PEM file", quote.Text(p.certificate), err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if p.leaf, err = x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("-certificate %s: %w", quote.Text(p.certificate), err)
		}
		return nil
	}
	return fmt.Errorf("-certificate %s has no certificate in PEM", quote.Text(p.certificate))
}

func (p *proved) wrongProof() error {
	switch {
	case p.proof == "" && p.method+p.url != "":
		return errors.New("-dpop is missing: -method and -url are those of a proof's request")
	case p.proof == "":
		return nil
	case p.url == "":
		return errors.New("-url is missing: give the address that the proof is for, as in https://api.example/orders")
	}
	if u, err := url.Parse(p.url); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("-url is no address, such as https://api.example/orders")
	}
	return nil
}

// given reports whether there is something that the binding of a token is held to.
func (p *proved) given() bool { return p.proof != "" || p.certificate != "" }

// withBinding reports on a token that is bound to its sender, and behind it on what
// shows that: a proof, a certificate, or both.
func (o *options) withBinding(ctx context.Context, gate *sallyport.Gate, token string, rule claims.Rule, asked bool) verifier.Report {
	if !asked {
		rule = claims.AnyToken()
	}
	report := gate.ExplainBound(ctx, token, rule)
	if !asked { // the line of the rule, which was not asked for
		report.Checks = report.Checks[:len(report.Checks)-1]
	}
	cnf := confirmation(token)
	if o.proved.proof != "" {
		o.explainProof(ctx, &report, token, cnf)
	}
	if o.proved.certificate != "" {
		explainCertificate(&report, o.proved.leaf, cnf)
	}
	o.proved.explainMembers(&report, cnf)
	return report
}

// explainProof adds the checks of the proof.
func (o *options) explainProof(ctx context.Context, report *verifier.Report, token string, cnf map[string]strictjson.Value) {
	now := time.Now
	if !o.at.IsZero() {
		now = func() time.Time { return o.at }
	}
	// The origin of the configuration has no part in a report, which is about an address.
	binding, err := dpop.New(dpop.Config{Origin: "https://localhost", Now: now})
	if err != nil {
		panic(err) // the configuration is fixed
	}
	method := o.proved.method
	if method == "" {
		method = http.MethodGet
	}
	jkt, _ := cnf[memberOfKeys].Text()
	proof := binding.Explain(ctx, dpop.Request{
		Proof: strings.TrimSpace(o.proved.proof), Method: method, URL: o.proved.url, Token: token, Thumbprint: jkt,
	})
	for _, c := range proof.Checks {
		c.Name = "dpop " + c.Name
		report.Checks = append(report.Checks, c)
	}
	if report.OK && !proof.OK {
		report.OK, report.Reason, report.Hint = false, proof.Reason, proof.Hint
	}
}

// explainCertificate adds the check of the certificate. One beside a token that is
// bound to none is no harm.
//
// RFC 8705 section 3: https://www.rfc-editor.org/rfc/rfc8705#section-3
func explainCertificate(report *verifier.Report, leaf *x509.Certificate, cnf map[string]strictjson.Value) {
	own := mtls.Thumbprint(leaf)
	line := verifier.Check{Name: "certificate", OK: true, Found: quote.Text(own), Expected: "any: the token is bound to none"}
	if value, bound := cnf[memberOfCertificates]; bound {
		line.OK = value.Is(own)
		line.Expected = "the token's cnf.x5t#S256, " + quote.UpTo(value.Raw(), maxEcho)
	}
	report.Checks = append(report.Checks, line)
	if report.OK && !line.OK {
		report.OK, report.Reason = false, reason.WrongCertificate
		report.Hint = "Use the certificate that the token was issued for; after a renewal, get a new token."
	}
}

// The members of cnf that can be looked at here, and the others that name a key.
//
// RFC 7800 section 3: https://www.rfc-editor.org/rfc/rfc7800#section-3
const (
	memberOfKeys         = "jkt"
	memberOfCertificates = "x5t#S256"
)

var membersOfOthers = []string{"jwk", "jwe", "jku", "kid"}

// explainMembers adds the check that nothing that the token is bound to was left out.
func (p *proved) explainMembers(report *verifier.Report, cnf map[string]strictjson.Value) {
	line := verifier.Check{Name: "binding", OK: true, Expected: "what -dpop and -certificate show"}
	looked := map[string]bool{memberOfKeys: p.proof != "", memberOfCertificates: p.certificate != ""}
	shown := len(cnf) == 0
	for _, name := range slices.Sorted(maps.Keys(cnf)) {
		checked, known := looked[name]
		shown = shown || checked
		if !checked && (known || slices.Contains(membersOfOthers, name)) {
			line.OK = false
		}
	}
	line.OK = line.OK && shown
	if line.Found = quote.Line(strings.Join(slices.Sorted(maps.Keys(cnf)), ", "), maxEcho); line.Found == "" {
		line.Found = "no cnf"
	}
	report.Checks = append(report.Checks, line)
	if report.OK && !line.OK {
		report.OK, report.Reason = false, reason.UnsupportedBinding
		report.Hint = "The token is bound to more than was shown: give the proof that came with it (-dpop), the client's certificate (-certificate), or both."
	}
}

// confirmation returns the members of the cnf of a token. Whether the token is good
// is another check's affair. One that is null is absent.
func confirmation(token string) map[string]strictjson.Value {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return nil
	}
	obj, err := strictjson.Parse(data)
	if err != nil {
		return nil
	}
	all := map[string]strictjson.Value{}
	cnf, _ := obj.Get("cnf")
	for name, value := range cnf.Members() {
		if !value.IsNull() {
			all[name] = value
		}
	}
	return all
}

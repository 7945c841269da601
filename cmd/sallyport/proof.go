package main

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/verifier"
)

// proved is a proof of DPoP, and the request that it came with.
type proved struct{ proof, method, url string }

func (p *proved) flags(fs *flag.FlagSet) {
	fs.StringVar(&p.proof, "dpop", "", "a `proof`, the value of the header DPoP that came with the token; goes with -url")
	fs.StringVar(&p.method, "method", "", "the method of its request (default GET)")
	fs.StringVar(&p.url, "url", "", "the `address` of its request, as the client knows it")
}

func (p *proved) mistakes() error {
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

// withProof reports on a token that is bound to a key, and on the proof behind it.
func (o *options) withProof(ctx context.Context, gate *sallyport.Gate, token string, rule claims.Rule, asked bool) verifier.Report {
	if !asked {
		rule = claims.AnyToken()
	}
	report := gate.ExplainBound(ctx, token, rule)
	if !asked { // the line of the rule, which was not asked for
		report.Checks = report.Checks[:len(report.Checks)-1]
	}
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
	proof := binding.Explain(ctx, dpop.Request{
		Proof: strings.TrimSpace(o.proved.proof), Method: method, URL: o.proved.url, Token: token, Thumbprint: thumbprintOf(token),
	})
	for _, c := range proof.Checks {
		c.Name = "dpop " + c.Name
		report.Checks = append(report.Checks, c)
	}
	if report.OK && !proof.OK {
		report.OK, report.Reason, report.Hint = false, proof.Reason, proof.Hint
	}
	return report
}

// thumbprintOf returns the cnf.jkt of a token, "" if it has none. Whether the token
// is good is another check's affair.
func thumbprintOf(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	obj, err := strictjson.Parse(data)
	if err != nil {
		return ""
	}
	v, _ := obj.Lookup("cnf", "jkt")
	jkt, _ := v.Text()
	return jkt
}

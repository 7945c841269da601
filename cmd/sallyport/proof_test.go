package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestExplainSaysWhichCheckOfAProofFails(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	client, other := iss.NewProver("ES256"), iss.NewProver("ES256")
	token, free := iss.Token(client.Bound(), jwkstest.Claims{"scope": "orders.read"}), iss.Token()
	const address = "https://api.example/orders"
	good := client.Proof("GET", address, token)
	for name, row := range map[string]struct {
		token string
		args  []string
		code  int
		want  string
	}{
		"a good one":                   {token, []string{"-dpop", good, "-url", address}, accepted, "\naccepted\n"},
		"a good one and a query":       {token, []string{"-dpop", good, "-url", address + "?x=1", "-method", "GET"}, accepted, "✓ dpop htu"},
		"for another method":           {token, []string{"-dpop", good, "-url", address, "-method", "POST"}, refused, "✗ dpop htm     \"GET\"\n                 expected \"POST\""},
		"for another address":          {token, []string{"-dpop", good, "-url", address + "/1"}, refused, "✗ dpop htu"},
		"by another key":               {token, []string{"-dpop", other.Proof("GET", address, token), "-url", address}, refused, "refused: unsupported_binding\nMake the proof with the key that the token was issued for."},
		"for another token":            {token, []string{"-dpop", client.Proof("GET", address, free), "-url", address}, refused, "refused: invalid_dpop_proof\nSet ath to"},
		"of a token that is not bound": {free, []string{"-dpop", client.Proof("GET", address, free), "-url", address}, refused, "the token's cnf.jkt, and it has none"},
		"later than its window":        {token, []string{"-dpop", good, "-url", address, "-at", "2020-01-01T00:00:00Z"}, refused, "✗ dpop iat"},
		"garbage":                      {token, []string{"-dpop", "x", "-url", address}, refused, "✗ dpop structure"},
		"beside a rule":                {token, []string{"-dpop", good, "-url", address, "-scope", "orders.write"}, refused, "refused: insufficient_scope"},
		"beside a rule that holds":     {token, []string{"-dpop", good, "-url", address, "-scope", "orders.read"}, accepted, "✓ rule"},
		"of a token that is bad":       {token[:len(token)-8] + "AAAAAAAA", []string{"-dpop", good, "-url", address}, refused, "refused: bad_signature"},
		"without a proof":              {token, nil, refused, "refused: unsupported_binding"},
		"without its address":          {token, []string{"-dpop", good}, wrongUse, "-url is missing"},
		"an address that is none":      {token, []string{"-dpop", good, "-url", "/orders"}, wrongUse, "-url is no address"},
		"a method and no proof":        {token, []string{"-method", "GET"}, wrongUse, "-dpop is missing"},
	} {
		a := command(t, row.token, append([]string{"explain", "-issuer", iss.Issuer(), "-audience", "api://orders"}, row.args...)...)
		assert.Equal(t, row.code, a.code, "%s: %s%s", name, a.out, a.errs)
		assert.Contains(t, a.out+a.errs, row.want, name)
		assert.NotContains(t, a.out+a.errs, good[strings.LastIndexByte(good, '.'):], "the signature is not shown")
		assert.NotContains(t, a.out, `✓ rule         any`, name)
	}
}

package main

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/mtls"
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

// pemFile writes a certificate.
func pemFile(t *testing.T, cert *jwkstest.Certificate) string {
	t.Helper()
	return fileOf(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.X509().Raw})))
}

func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client.pem")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestExplainTakesACertificate(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience("api://orders"))
	cert, other := iss.NewCertificate(), iss.NewCertificate()
	token := iss.Token(cert.Bound())
	also := func(member string, value any) string {
		return iss.Token(jwkstest.Claims{"cnf": map[string]any{"x5t#S256": mtls.Thumbprint(cert.X509()), member: value}})
	}
	own := pemFile(t, cert)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}))
	text, err := os.ReadFile(own)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		token, file string
		code        int
		want        string
	}{
		"the client's":                   {token, own, accepted, "✓ certificate"},
		"behind its key":                 {token, fileOf(t, key+string(text)), accepted, "✓ certificate"},
		"in front of its CA's":           {token, fileOf(t, string(text)+key), accepted, "✓ certificate"},
		"another's":                      {token, pemFile(t, other), refused, "refused: wrong_certificate\nUse the certificate that the token was issued for"},
		"for a token that is not bound":  {iss.Token(), own, accepted, "any: the token is bound to none"},
		"for one that is bound to a key": {iss.Token(jwkstest.Claims{"cnf": map[string]any{"jkt": "x"}}), own, refused, "refused: unsupported_binding"},
		"for one bound to another thing": {also("jwk", map[string]any{}), own, refused, "refused: unsupported_binding"},
		"beside what is not understood":  {also("new", "x"), own, accepted, "✓ binding      new, x5t#S256"},
		"beside a member that is null":   {also("jkt", nil), own, accepted, "✓ binding      x5t#S256"},
		"beside nothing that is checked": {iss.Token(jwkstest.Claims{"cnf": map[string]any{"new": "x"}}), own, refused, "refused: unsupported_binding"},
		"for a digest that is no text":   {iss.Token(jwkstest.Claims{"cnf": map[string]any{"x5t#S256": 1}}), own, refused, "refused: wrong_certificate"},
		"for a token that is bad":        {token[:len(token)-8] + "AAAAAAAA", own, refused, "refused: bad_signature"},
		"a file that is not there":       {token, own + "-not", wrongUse, "no such file or directory: give a PEM file"},
		"a file without a certificate":   {token, fileOf(t, key), wrongUse, "has no certificate in PEM"},
		"a file with half of a one":      {token, fileOf(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))), wrongUse, "-certificate"},
		"what was not shown":             {token, "", refused, "refused: unsupported_binding"},
	} {
		args := []string{"explain", "-issuer", iss.Issuer(), "-audience", "api://orders"}
		if row.file != "" {
			args = append(args, "-certificate", row.file)
		}
		a := command(t, row.token, args...)
		assert.Equal(t, row.code, a.code, "%s: %s%s", name, a.out, a.errs)
		assert.Contains(t, a.out+a.errs+expectedOf(t, row.token, args), row.want, name)
	}
}

// expectedOf returns the report as JSON, which shows what was expected of checks that
// held, too.
func expectedOf(t *testing.T, token string, args []string) string {
	t.Helper()
	return command(t, token, append(args, "-json")...).out
}

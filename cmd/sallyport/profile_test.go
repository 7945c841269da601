package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/mtls"
)

// Not parallel: it changes the environment.
func TestExplainJudgesByAProfile(t *testing.T) {
	const server = "https://api.example/mcp"
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"))
	rsa := jwkstest.New(t, jwkstest.WithAlgorithm("RS256"))
	bound := jwkstest.Claims{"cnf": map[string]any{"jkt": "x"}}
	flags := func(of *jwkstest.Issuer, audience string, more ...string) []string {
		return append([]string{"-issuer", of.Issuer(), "-audience", audience}, more...)
	}
	client, cert := iss.NewProver("ES256"), iss.NewCertificate()
	certFile := pemFile(t, cert)
	const orders = "https://api.example/orders"
	proved := func(token string, more ...string) []string {
		return flags(iss, iss.Audience(), append([]string{"-profile", "fapi2", "-dpop", client.Proof("GET", orders, token), "-url", orders}, more...)...)
	}
	byKey, byCert, byBoth := iss.Token(client.Bound()), iss.Token(cert.Bound()), iss.Token(jwkstest.Claims{"cnf": map[string]any{"jkt": client.Thumbprint(), "x5t#S256": mtls.Thumbprint(cert.X509())}})
	for name, row := range map[string]struct {
		env   map[string]string
		args  []string
		token string
		code  int
		want  string
	}{
		"no profile takes JWT":                  {nil, flags(iss, iss.Audience()), iss.Token(jwkstest.Header{"typ": "JWT"}), accepted, ""},
		"RFC 9068 takes at+jwt":                 {nil, flags(iss, iss.Audience(), "-profile", "rfc9068"), iss.Token(jwkstest.Header{"typ": "at+jwt"}), accepted, ""},
		"and not JWT":                           {nil, flags(iss, iss.Audience(), "-profile", "rfc9068"), iss.Token(jwkstest.Header{"typ": "JWT"}), refused, "unsupported_type"},
		"FAPI takes no RS256":                   {nil, flags(rsa, rsa.Audience(), "-profile", "fapi2"), rsa.Token(bound), refused, "unsupported_alg"},
		"and none that is not bound":            {nil, flags(iss, iss.Audience(), "-profile", "fapi2"), iss.Token(), refused, "missing_claim"},
		"and of one that is says so at the end": {nil, flags(iss, iss.Audience(), "-profile", "fapi2"), iss.Token(bound), refused, "unsupported_binding"},
		"and takes one with its proof":          {nil, proved(byKey), byKey, accepted, "✓ dpop jkt"},
		"and one with its certificate":          {nil, flags(iss, iss.Audience(), "-profile", "fapi2", "-certificate", certFile), byCert, accepted, "✓ certificate"},
		"and one with both":                     {nil, proved(byBoth, "-certificate", certFile), byBoth, accepted, "✓ binding      jkt, x5t#S256"},
		"and not with one of the two":           {nil, proved(byBoth), byBoth, refused, "refused: unsupported_binding\nThe token is bound to more than was shown"},
		"nor an unbound one with a proof":       {nil, proved(iss.Token()), iss.Token(), refused, "missing_claim"},
		"nor an unbound one with a certificate": {nil, flags(iss, iss.Audience(), "-profile", "fapi2", "-certificate", certFile), iss.Token(), refused, "missing_claim"},
		"MCP takes a token for the server":      {nil, flags(iss, server, "-profile", "mcp"), iss.Token(jwkstest.WithAudience(server)), accepted, ""},
		"and wants its address":                 {nil, flags(iss, "api://orders", "-profile", "mcp"), iss.Token(), wrongUse, "-profile mcp wants the address of the server, which begins with https://, as the audience: give -audience"},
		"a profile that there is not":           {nil, flags(iss, iss.Audience(), "-profile", "fapi3"), iss.Token(), wrongUse, `-profile is "fapi3": use rfc9068, fapi2 or mcp`},
		"that of the environment": {
			map[string]string{"SALLYPORT_ISSUER": iss.Issuer(), "SALLYPORT_AUDIENCE": iss.Audience(), "SALLYPORT_PROFILE": "fapi2"},
			nil, iss.Token(), refused, "missing_claim",
		},
		"that of the environment beside flags": {map[string]string{"SALLYPORT_PROFILE": "rfc9068"}, flags(iss, iss.Audience()), iss.Token(jwkstest.Header{"typ": "JWT"}), refused, "unsupported_type"},
		"a flag replaces it": {
			map[string]string{"SALLYPORT_ISSUER": iss.Issuer(), "SALLYPORT_AUDIENCE": iss.Audience(), "SALLYPORT_PROFILE": "fapi2"},
			[]string{"-profile", "rfc9068"},
			iss.Token(jwkstest.Header{"typ": "at+jwt"}), accepted, "",
		},
		"one of the environment that there is not": {map[string]string{"SALLYPORT_PROFILE": "x"}, flags(iss, iss.Audience()), iss.Token(), wrongUse, `SALLYPORT_PROFILE is "x": use rfc9068`},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			a := command(t, row.token, append([]string{"explain"}, row.args...)...)
			assert.Equal(t, row.code, a.code, a.out+a.errs)
			assert.Contains(t, a.out+a.errs, row.want)
		})
	}
}

package forgeries_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

var (
	collected sync.Once
	all       map[string][]string
)

// everything returns the names of all forgeries, by kind.
func everything(t *testing.T) map[string][]string {
	t.Helper()
	collected.Do(func() { all = collect(t) })
	return all
}

func collect(t *testing.T) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	seen := map[string]bool{}
	add := func(kind, name string) {
		if !seen[kind+" "+name] {
			seen[kind+" "+name] = true
			names[kind] = append(names[kind], name)
		}
	}
	for _, alg := range []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm(alg), jwkstest.WithAudience("api://orders"))
		for name := range iss.Forgeries() {
			add("token", name)
		}
		prover, nonce := iss.NewProver(alg), jwkstest.Claims{"nonce": "abcdefghijklmnopqrst"}
		for name := range prover.ForgedProofs(http.MethodGet, "https://api.example/orders", iss.Token(prover.Bound()), nonce) {
			add("proof", name)
		}
	}
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	for name := range iss.ForgedAnswers() {
		add("answer", name)
	}
	cert, request := iss.NewCertificate(), httptest.NewRequest(http.MethodGet, "/orders", nil)
	for name := range iss.CertificateForgeries(cert.On(request), cert.Bound()) {
		add("certificate", name)
	}
	for header, value := range map[string]string{"Client-Cert": cert.ClientCert(), "X-Cert": cert.EscapedPEM()} {
		forwarded := request.Clone(t.Context())
		forwarded.Header.Set(header, value)
		for name := range iss.CertificateForgeries(forwarded, cert.Bound()) {
			add("certificate", name)
		}
	}
	return names
}

package mtls_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/providers"
)

// A proxy at 10.0.0.7 ends TLS and forwards the certificates of clients in the
// header Client-Cert.
func ExampleNew() {
	iss := jwkstest.Start(jwkstest.WithAlgorithm("ES256"))
	defer iss.Close()
	binding, err := mtls.New(mtls.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}})
	if err != nil {
		panic(err)
	}
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(iss.Issuer(), iss.Audience())},
		Guard:     middleware.Config{Bindings: []middleware.Binding{binding}},
	})
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	api := gate.Require(claims.AnyToken())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))

	cert := iss.NewCertificate() // of the client
	call := func(peer, certificate string) {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.RemoteAddr = peer
		r.Header.Set("Authorization", "Bearer "+iss.Token(cert.Bound()))
		r.Header.Set("Client-Cert", certificate)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code, http.StatusText(w.Code))
	}
	call("10.0.0.7:4711", cert.ClientCert())
	call("10.0.0.7:4711", iss.NewCertificate().ClientCert()) // another client's
	call("203.0.113.66:4711", cert.ClientCert())             // not from the proxy
	// Output:
	// 200 OK
	// 401 Unauthorized
	// 401 Unauthorized
}

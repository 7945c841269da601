package introspection_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// An opaque token is asked about, and its claims are those of any token.
func ExampleNew() {
	issuer := jwkstest.Start(jwkstest.WithAudience("api://orders")) // your authorization server
	defer issuer.Close()
	jwts, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name:      issuer.Issuer(),
		Audiences: []string{"api://orders"},
		Keys:      issuer.KeySet(),
	}}})
	if err != nil {
		panic(err)
	}

	v, err := introspection.New(jwts, introspection.Config{
		Issuer:      issuer.Issuer(),
		Endpoint:    issuer.IntrospectionURL(),
		Credentials: introspection.Basic(jwkstest.IntrospectionClient, introspection.Fixed(jwkstest.IntrospectionSecret)),
	})
	if err != nil {
		panic(err)
	}
	defer v.Close()

	token := issuer.OpaqueToken(jwkstest.Claims{"scope": "orders.read"})
	c, err := v.Verify(context.Background(), token)
	fmt.Println(c.ClientID(), c.HasScope("orders.read"), err)
	_, err = v.Verify(context.Background(), "made-up")
	fmt.Println(errors.Is(err, reason.Inactive))
	// Output:
	// test-client true <nil>
	// true
}

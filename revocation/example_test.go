package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/revocation"
)

// An employee leaves at a time: what was issued for them before opens nothing.
func Example() {
	server := jwkstest.Start(jwkstest.WithAudience("api://orders"))
	defer server.Close()

	list, err := revocation.New(revocation.Config{})
	if err != nil {
		panic(err)
	}
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(server.Issuer(), "api://orders")}}
	cfg.Verifier.Revoked = list.Revoked
	gate, err := sallyport.Open(cfg)
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	token := server.Token(jwkstest.Claims{"sub": "alice"})
	_, err = gate.Verify(context.Background(), token)
	fmt.Println("before:", err)

	entry := revocation.Subject(server.Issuer(), "alice", time.Now().Add(time.Second))
	entry.Until = time.Now().Add(24 * time.Hour) // no token lives longer
	if err := list.Deny(context.Background(), entry); err != nil {
		panic(err)
	}
	_, err = gate.Verify(context.Background(), token)
	fmt.Println("after:", errors.Is(err, reason.Revoked))
	// Output:
	// before: <nil>
	// after: true
}

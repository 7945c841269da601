package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/revocation"
)

// A file that is edited by hand, or by whatever knows who must go.
func ExampleOpenFile() {
	server := jwkstest.Start(jwkstest.WithAudience("api://orders"))
	defer server.Close()
	path := filepath.Join(os.TempDir(), fmt.Sprint("denied-", os.Getpid()))
	if err := os.WriteFile(path, []byte("# stolen laptop\nid-4711\n"), 0o600); err != nil {
		panic(err)
	}
	defer os.Remove(path)

	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(server.Issuer(), "api://orders")}}
	denied, err := revocation.OpenFile(revocation.FileConfig{Path: path})
	if err != nil {
		panic(err) // it is missing or damaged
	}
	defer denied.Close()
	cfg.Verifier.Revoked = denied.Revoked
	gate, err := sallyport.Open(cfg)
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	_, err = gate.Verify(context.Background(), server.Token(jwkstest.Claims{"jti": "id-4711"}))
	fmt.Println(errors.Is(err, reason.Revoked))
	// Output: true
}

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

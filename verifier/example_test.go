package verifier_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// One issuer, whose keys are fetched and kept fresh in the background.
func ExampleNew() {
	issuer := jwkstest.Start(jwkstest.WithAudience("api://orders")) // your authorization server
	defer issuer.Close()

	keys, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: issuer.Issuer()})
	if err != nil {
		panic(err)
	}
	defer keys.Close()
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name:      issuer.Issuer(),
		Audiences: []string{"api://orders"},
		Keys:      keys,
	}}})
	if err != nil {
		panic(err)
	}

	c, err := v.Verify(context.Background(), issuer.Token(jwkstest.Claims{"scope": "orders.read"}))
	fmt.Println(c.ClientID(), c.HasScope("orders.read"), err)
	// Output: test-client true <nil>
}

// All mistakes are reported at once.
func ExampleNew_mistakes() {
	_, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{Name: "https://issuer.example/", Algorithms: []string{"none"}}}})
	fmt.Println(err)
	// Output:
	// verifier: Issuers[0] "https://issuer.example/": Audiences is empty: give the aud values that mean this API; without one, tokens for any other API would open this one
	// algorithm "none" is not implemented (names are case-sensitive)
	// verifier: Issuers[0] "https://issuer.example/": Keys is nil: give a jwks.Fetcher or jwks.Static
}

// orders trusts the issuer for api://orders.
func orders(issuer *jwkstest.Issuer) *verifier.Verifier {
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name: issuer.Issuer(), Audiences: []string{"api://orders"}, Keys: issuer.KeySet(),
	}}})
	if err != nil {
		panic(err)
	}
	return v
}

// An error has a stable reason to branch on, and is safe to log.
func ExampleVerifier_Verify() {
	issuer := jwkstest.Start(jwkstest.WithName("https://issuer.example/"), jwkstest.WithoutServer(), jwkstest.WithAudience("api://billing"))
	defer issuer.Close()

	_, err := orders(issuer).Verify(context.Background(), issuer.Token())
	fmt.Println(errors.Is(err, reason.WrongAudience))
	fmt.Println(err)
	// Output:
	// true
	// verifier: wrong_audience, issuer "https://issuer.example/": the token is meant for another API: see Audiences
}

// Explain shows what Verify keeps to itself.
func ExampleVerifier_Explain() {
	issuer := jwkstest.Start(jwkstest.WithName("https://issuer.example/"), jwkstest.WithoutServer(), jwkstest.WithAudience("api://orders"))
	defer issuer.Close()

	report := orders(issuer).Explain(context.Background(), issuer.Token(jwkstest.Header{"alg": "none"}))
	for _, c := range report.Checks[6:9] {
		fmt.Printf("%s %t: found %s, expected %s\n", c.Name, c.OK, c.Found, c.Expected)
	}
	fmt.Println(report.Reason, "-", report.Hint)
	// Output:
	// type true: found "at+jwt", expected "at+jwt" or "JWT" or no typ
	// algorithm false: found "none", expected "RS256" or "PS256" or "ES256" or "EdDSA"
	// key false: found kid "key-1", expected "key-1" RSA RS256
	// unsupported_alg - The token is unsigned: no setting accepts it.
}

// A validator adds a check of one's own, and may name its reason.
func ExampleConfig_validators() {
	issuer := jwkstest.Start(jwkstest.WithoutServer(), jwkstest.WithAudience("api://orders"))
	defer issuer.Close()
	v, err := verifier.New(verifier.Config{
		Issuers: []verifier.Issuer{{Name: issuer.Issuer(), Audiences: []string{"api://orders"}, Keys: issuer.KeySet()}},
		Validators: []verifier.Validator{func(_ context.Context, c *claims.Claims) error {
			if !c.Has("contract") {
				return fmt.Errorf("no contract: %w", reason.WrongClient)
			}
			return nil
		}},
	})
	if err != nil {
		panic(err)
	}

	_, err = v.Verify(context.Background(), issuer.Token())
	fmt.Println(errors.Is(err, reason.WrongClient))
	_, err = v.Verify(context.Background(), issuer.Token(jwkstest.Claims{"contract": "4711"}))
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// The strict profile: typ is at+jwt, and every claim of RFC 9068 is there.
func ExampleIssuer_RFC9068() {
	issuer := jwkstest.Start(jwkstest.WithoutServer(), jwkstest.WithAudience("api://orders"))
	defer issuer.Close()
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{
		verifier.Issuer{Name: issuer.Issuer(), Audiences: []string{"api://orders"}, Keys: issuer.KeySet()}.RFC9068(),
	}})
	if err != nil {
		panic(err)
	}

	_, err = v.Verify(context.Background(), issuer.Token())
	fmt.Println(err)
	_, err = v.Verify(context.Background(), issuer.Token(jwkstest.Header{"typ": "JWT"}))
	fmt.Println(errors.Is(err, reason.UnsupportedType))
	// Output:
	// <nil>
	// true
}

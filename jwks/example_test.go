package jwks_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// exampleIssuer serves metadata and one key on loopback.
func exampleIssuer() *jwkstest.Issuer {
	return jwkstest.Start(jwkstest.WithAlgorithm("EdDSA"), jwkstest.JWK{"kid": "2026-01", "alg": nil})
}

// A Fetcher finds the keys of an issuer and keeps them fresh until it is closed.
func ExampleNewFetcher() {
	issuer := exampleIssuer()
	defer issuer.Close()

	fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: issuer.Issuer()})
	if err != nil {
		panic(err) // all mistakes at once
	}
	defer fetcher.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := fetcher.Ready(ctx); err != nil {
		panic(err)
	}
	for key := range fetcher.Snapshot().Keys() {
		fmt.Println(key.ID(), key.Type())
	}
	// Output: 2026-01 OKP
}

// A look-up that misses is worth one Refresh, and then another look.
func ExampleFetcher_Refresh() {
	issuer := exampleIssuer()
	defer issuer.Close()
	fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: issuer.Issuer()})
	if err != nil {
		panic(err)
	}
	defer fetcher.Close()

	key, err := fetcher.Snapshot().Key("2026-01", "EdDSA")
	if errors.Is(err, jwks.ErrNoKey) {
		var trouble *jwks.UnavailableError
		if err := fetcher.Refresh(context.Background(), "2026-01"); errors.As(err, &trouble) {
			fmt.Println("503, Retry-After:", trouble.RetryAfter) // the keys, not the token, are the trouble
			return
		}
		key, err = fetcher.Snapshot().Key("2026-01", "EdDSA")
	}
	fmt.Println(key, err)
	// Output: jwks.Key(OKP kid="2026-01" alg="") <nil>
}

// Keeping a Snapshot, or a Key of one, keeps keys that the issuer withdraws.
// Take a new Snapshot for every token: it is one atomic load.
func ExampleFetcher_Snapshot_incorrect() {
	issuer := exampleIssuer()
	defer issuer.Close()
	fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: issuer.Issuer(), MaxStaleness: time.Second})
	if err != nil {
		panic(err)
	}
	if err := fetcher.Ready(context.Background()); err != nil {
		panic(err)
	}
	kept := fetcher.Snapshot()
	fetcher.Close()
	time.Sleep(1100 * time.Millisecond)

	key, err := kept.Key("2026-01", "EdDSA") // Key says which, not whether it can still be trusted
	fmt.Println(key.ID(), err, kept.Usable())
	// Output: 2026-01 <nil> false
}

// Events can be logged, or counted.
func ExampleFetcherConfig_onEvent() {
	issuer := exampleIssuer()
	defer issuer.Close()
	fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{
		Issuer: issuer.Issuer(),
		OnEvent: func(e jwks.Event) {
			fmt.Println(e.Kind, e.Added, len(e.Status.Keys), e.Status.LastError)
		},
	})
	if err != nil {
		panic(err)
	}
	defer fetcher.Close()
	if err := fetcher.Ready(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: fetched [2026-01] 1 <nil>
}

// Status is for a page that a person reads.
func ExampleFetcher_Status() {
	fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: "https://issuer.example/"})
	if err != nil {
		panic(err)
	}
	defer fetcher.Close()
	s := fetcher.Status() // nothing was fetched: it dials when it is first asked
	fmt.Println(s.Issuer, s.Usable, s.Fetches)
	// Output: https://issuer.example/ false 0
}

func ExampleNewStatic() {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	key, err := jwks.NewKey("2026-01", "EdDSA", public)
	if err != nil {
		panic(err)
	}
	static, err := jwks.NewStatic(key)
	if err != nil {
		panic(err)
	}
	_, err = static.Snapshot().Key("2025-12", "EdDSA")
	fmt.Println(err)
	// Output: jwks: no key of that kid
}

func ExampleParseJWKS() {
	keys, err := jwks.ParseJWKS([]byte(`{"keys":[
		{"kty":"OKP","crv":"Ed25519","kid":"2026-01","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kty":"OKP","crv":"X25519","kid":"for-encryption","use":"enc","x":"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"}
	]}`))
	if err != nil {
		panic(err)
	}
	for _, key := range keys {
		fmt.Println(key)
	}
	// Output: jwks.Key(OKP kid="2026-01" alg="")
}

// Keys in PEM have no kid: give them the one that tokens name.
func ExampleParsePEM() {
	keys, err := jwks.ParsePEM([]byte(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----`))
	if err != nil {
		panic(err)
	}
	fmt.Println(keys[0].WithID("2026-01"))
	// Output: jwks.Key(OKP kid="2026-01" alg="")
}

func ExampleNewSecret() {
	_, err := jwks.NewSecret("s", "HS256", []byte("too short"))
	fmt.Println(err)
	// Output: jwks: jose: a secret of 9 bytes is too short for HS256: at least 32
}

func ExampleNewSnapshot() {
	key, err := jwks.NewSecret("s", "HS256", make([]byte, 32))
	if err != nil {
		panic(err)
	}
	s := jwks.NewSnapshot(jwks.SnapshotConfig{Keys: []*jwks.Key{key}, Expires: time.Now().Add(time.Hour)})
	_, err = s.Key("s", "RS256")
	fmt.Println(s.Usable(), err)
	// Output: true jwks: the key of that kid does not fit the algorithm
}

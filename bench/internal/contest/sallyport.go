package contest

import (
	"context"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/verifier"
)

// Sallyport with its cache off: every check is a first sight.
var Sallyport = Contestant{
	Name: "sallyport",
	New: func(f *fixture.Fixture) (Check, error) {
		v, err := NewVerifier(f, -1)
		if err != nil {
			return nil, err
		}
		return CheckWith(v), nil
	},
}

// NewVerifier is a Verifier as a user would configure it, with a cache of so
// many bytes: 0 for the default, negative for none.
func NewVerifier(f *fixture.Fixture, cacheBytes int64) (*verifier.Verifier, error) {
	keys, err := KeySet(f)
	if err != nil {
		return nil, err
	}
	return verifier.New(verifier.Config{Issuers: []verifier.Issuer{Trust(keys)}, CacheBytes: cacheBytes})
}

// KeySet is the fixture's key, and nothing that could be fetched.
func KeySet(f *fixture.Fixture) (jwks.KeySet, error) {
	keys, err := jwks.ParseJWKS(f.JWKS)
	if err != nil {
		return nil, err
	}
	return jwks.NewStatic(keys...)
}

// Trust is the fixtures' issuer, by whatever keys.
func Trust(keys jwks.KeySet) verifier.Issuer {
	return verifier.Issuer{Name: fixture.Issuer, Audiences: []string{fixture.Audience}, Keys: keys}
}

// CheckWith asks a Verifier.
func CheckWith(v *verifier.Verifier) Check {
	return func(ctx context.Context, token string) (bool, error) {
		c, err := v.Verify(ctx, token)
		if err != nil {
			return false, err
		}
		return c.HasRole(fixture.Role), nil
	}
}

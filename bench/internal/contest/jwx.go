package contest

import (
	"context"

	jwk2 "github.com/lestrrat-go/jwx/v2/jwk"
	jwt2 "github.com/lestrrat-go/jwx/v2/jwt"
	jwk3 "github.com/lestrrat-go/jwx/v3/jwk"
	jwt3 "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
)

// JWXv2 is jwt.Parse of jwx v2 with a key set.
var JWXv2 = Contestant{
	Name:   "jwx-v2",
	Module: "github.com/lestrrat-go/jwx/v2",
	New: func(f *fixture.Fixture) (Check, error) {
		keys, err := jwk2.Parse(f.JWKS)
		if err != nil {
			return nil, err
		}
		options := []jwt2.ParseOption{
			jwt2.WithKeySet(keys), jwt2.WithIssuer(fixture.Issuer),
			jwt2.WithAudience(fixture.Audience), jwt2.WithRequiredClaim(jwt2.ExpirationKey),
		}
		return func(_ context.Context, token string) (bool, error) {
			verified, err := jwt2.ParseString(token, options...)
			if err != nil {
				return false, err
			}
			roles, _ := verified.Get("roles")
			return has(roles)
		}, nil
	},
	Lacks: []string{"a member that is there twice"},
}

// JWXv3 is jwt.Parse of jwx v3 with a key set.
var JWXv3 = Contestant{
	Name:   "jwx-v3",
	Module: "github.com/lestrrat-go/jwx/v3",
	New: func(f *fixture.Fixture) (Check, error) {
		keys, err := jwk3.Parse(f.JWKS)
		if err != nil {
			return nil, err
		}
		options := []jwt3.ParseOption{
			jwt3.WithKeySet(keys), jwt3.WithIssuer(fixture.Issuer),
			jwt3.WithAudience(fixture.Audience), jwt3.WithRequiredClaim(jwt3.ExpirationKey),
		}
		return func(_ context.Context, token string) (bool, error) {
			verified, err := jwt3.ParseString(token, options...)
			if err != nil {
				return false, err
			}
			var roles any
			if err := verified.Get("roles", &roles); err != nil {
				return false, err
			}
			return has(roles)
		}, nil
	},
	Lacks: []string{"a member that is there twice"},
}

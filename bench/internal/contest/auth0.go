package contest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	validator2 "github.com/auth0/go-jwt-middleware/v2/validator"
	validator3 "github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"gopkg.in/go-jose/go-jose.v2"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
)

// own are the claims that an application has auth0's validators decode.
type own struct {
	Roles []string `json:"roles"`
}

// Validate finds nothing to say against them.
func (*own) Validate(context.Context) error { return nil }

var errNoClaims = errors.New("contest: no custom claims")

// Auth0v2 is the validator of auth0's middleware, version 2, over a key set as
// its own provider caches it.
var Auth0v2 = Contestant{
	Name:   "auth0-v2",
	Module: "github.com/auth0/go-jwt-middleware/v2",
	New: func(f *fixture.Fixture) (Check, error) {
		var keys jose.JSONWebKeySet
		if err := json.Unmarshal(f.JWKS, &keys); err != nil {
			return nil, err
		}
		v, err := validator2.New(func(context.Context) (any, error) { return &keys, nil },
			validator2.SignatureAlgorithm(f.Algorithm), fixture.Issuer, []string{fixture.Audience},
			validator2.WithCustomClaims(func() validator2.CustomClaims { return new(own) }))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, token string) (bool, error) {
			verified, err := v.ValidateToken(ctx, token)
			if err != nil {
				return false, err
			}
			c, ok := verified.(*validator2.ValidatedClaims)
			if !ok {
				return false, errNoClaims
			}
			return hasOwn(c.CustomClaims)
		}, nil
	},
}

// Auth0v3 is the same of version 3, which stands on jwx v3.
var Auth0v3 = Contestant{
	Name:   "auth0-v3",
	Module: "github.com/auth0/go-jwt-middleware/v3",
	New: func(f *fixture.Fixture) (Check, error) {
		keys, err := jwk.Parse(f.JWKS)
		if err != nil {
			return nil, err
		}
		v, err := validator3.New(
			validator3.WithKeyFunc(func(context.Context) (any, error) { return keys, nil }),
			validator3.WithAlgorithm(validator3.SignatureAlgorithm(f.Algorithm)),
			validator3.WithIssuer(fixture.Issuer), validator3.WithAudience(fixture.Audience),
			validator3.WithCustomClaims(func() *own { return new(own) }))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, token string) (bool, error) {
			verified, err := v.ValidateToken(ctx, token)
			if err != nil {
				return false, err
			}
			c, ok := verified.(*validator3.ValidatedClaims)
			if !ok {
				return false, errNoClaims
			}
			return hasOwn(c.CustomClaims)
		}, nil
	},
	Lacks: []string{"a member that is there twice"},
}

func hasOwn(claims any) (bool, error) {
	c, ok := claims.(*own)
	if !ok {
		return false, errNoClaims
	}
	return slices.Contains(c.Roles, fixture.Role), nil
}

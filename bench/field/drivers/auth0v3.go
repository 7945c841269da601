package drivers

import (
	"context"

	"github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// auth0V3 is the validator of auth0's middleware, over a key set as its own provider fetches it. It has no clock of its
// own to set.
var auth0V3 = Driver{
	Library: Library{
		Name:   "auth0 go-jwt-middleware v3",
		Page:   "https://github.com/auth0/go-jwt-middleware/blob/master/README.md",
		Note:   "A token without kid, and a key without alg, are refused by design.",
		Caller: kinds,
	},
	Module: "github.com/auth0/go-jwt-middleware/v3",
	New: func(keys []byte, p *Policy) (Check, error) {
		set, err := jwk.Parse(keys)
		if err != nil {
			return nil, err
		}
		algorithms := make([]validator.SignatureAlgorithm, len(p.Algorithms))
		for i, alg := range p.Algorithms {
			algorithms[i] = validator.SignatureAlgorithm(alg)
		}
		v, err := validator.New(
			validator.WithKeyFunc(func(context.Context) (any, error) { return set, nil }), validator.WithAlgorithms(algorithms),
			validator.WithIssuer(p.Issuer), validator.WithAudience(p.Audience), validator.WithAllowedClockSkew(p.leeway()))
		if err != nil {
			return nil, err
		}
		return func(token string) error {
			_, err := v.ValidateToken(context.Background(), token)
			return err
		}, nil
	},
}

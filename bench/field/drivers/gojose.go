package drivers

import (
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// goJOSE is go-jose with its package jwt. That exp is required is the caller's to say: an absent one is not checked.
var goJOSE = Driver{
	Library: Library{
		Name:   "go-jose v4",
		Page:   "https://pkg.go.dev/github.com/go-jose/go-jose/v4/jwt",
		Note:   "A token without kid is refused where the set has several keys.",
		Caller: kinds,
	},
	Module: "github.com/go-jose/go-jose/v4",
	New: func(keys []byte, p *Policy) (Check, error) {
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(keys, &set); err != nil {
			return nil, err
		}
		algorithms := make([]jose.SignatureAlgorithm, len(p.Algorithms))
		for i, alg := range p.Algorithms {
			algorithms[i] = jose.SignatureAlgorithm(alg)
		}
		expected := jwt.Expected{Issuer: p.Issuer, AnyAudience: jwt.Audience{p.Audience}, Time: p.now()}
		return func(text string) error {
			token, err := jwt.ParseSigned(text, algorithms)
			if err != nil {
				return err
			}
			var c jwt.Claims
			if err := token.Claims(set, &c); err != nil {
				return err
			}
			if c.Expiry == nil {
				return errors.New("no exp")
			}
			return c.ValidateWithLeeway(expected, p.leeway())
		}, nil
	},
}

package drivers

import (
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// jwxV2 is jwx, which uses a key with the alg that its JWK names and no other. Which of them an API expects is left to
// whoever makes the set, and so are typ and cnf.
var jwxV2 = Driver{
	Library: Library{
		Name:   "jwx v2",
		Page:   "https://pkg.go.dev/github.com/lestrrat-go/jwx/v2/jwt",
		Note:   "A token without kid, and a key without alg, are refused unless an option says otherwise. Which algorithms an API expects is left to whoever makes the key set.",
		Caller: append(kinds[:2:2], "HS256: keyed with a symmetric key out", "jwks: a secret that", "alg: PS256, where", "alg: ES256, where", "alg: EdDSA, where", "alg: RS512, where"),
	},
	Module: "github.com/lestrrat-go/jwx/v2",
	New: func(keys []byte, p *Policy) (Check, error) {
		set, err := jwk.Parse(keys)
		if err != nil {
			return nil, err
		}
		options := []jwt.ParseOption{
			jwt.WithKeySet(set), jwt.WithIssuer(p.Issuer), jwt.WithAudience(p.Audience), jwt.WithRequiredClaim(jwt.ExpirationKey),
			jwt.WithAcceptableSkew(p.leeway()), jwt.WithClock(jwt.ClockFunc(p.now)),
		}
		return func(token string) error {
			_, err := jwt.ParseString(token, options...)
			return err
		}, nil
	},
}

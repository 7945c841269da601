package drivers

import (
	"encoding/json"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// golangJWT is golang-jwt with the key set of keyfunc. typ and cnf are not spoken of in its documentation.
var golangJWT = Driver{
	Library: Library{
		Name:   "golang-jwt with keyfunc",
		Page:   "https://golang-jwt.github.io/jwt/usage/parse/",
		Caller: kinds,
	},
	Module: "github.com/golang-jwt/jwt/v5",
	New: func(keys []byte, p *Policy) (Check, error) {
		set, err := keyfunc.NewJWKSetJSON(json.RawMessage(keys))
		if err != nil {
			return nil, err
		}
		parser := jwt.NewParser(
			jwt.WithValidMethods(p.Algorithms), jwt.WithIssuer(p.Issuer), jwt.WithAudience(p.Audience), jwt.WithExpirationRequired(),
			jwt.WithLeeway(p.leeway()), jwt.WithTimeFunc(p.now), jwt.WithStrictDecoding(),
		)
		return func(token string) error {
			_, err := parser.Parse(token, set.Keyfunc)
			return err
		}, nil
	},
}

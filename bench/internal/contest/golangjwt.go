package contest

import (
	"context"
	"encoding/json"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
)

// GolangJWT is golang-jwt with the key set of keyfunc.
var GolangJWT = Contestant{
	Name:   "golang-jwt+keyfunc",
	Module: "github.com/golang-jwt/jwt/v5",
	New: func(f *fixture.Fixture) (Check, error) {
		keys, err := keyfunc.NewJWKSetJSON(json.RawMessage(f.JWKS))
		if err != nil {
			return nil, err
		}
		parser := jwt.NewParser(jwt.WithValidMethods([]string{f.Algorithm}), jwt.WithIssuer(fixture.Issuer),
			jwt.WithAudience(fixture.Audience), jwt.WithExpirationRequired())
		return func(_ context.Context, token string) (bool, error) {
			claims := jwt.MapClaims{}
			if _, err := parser.ParseWithClaims(token, claims, keys.Keyfunc); err != nil {
				return false, err
			}
			return has(claims["roles"])
		}, nil
	},
	Lacks: []string{"a member that is there twice"},
}

package contest

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"slices"

	"github.com/MicahParks/keyfunc/v3"
	validator2 "github.com/auth0/go-jwt-middleware/v2/validator"
	validator3 "github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	jwk2 "github.com/lestrrat-go/jwx/v2/jwk"
	jwt2 "github.com/lestrrat-go/jwx/v2/jwt"
	jwk3 "github.com/lestrrat-go/jwx/v3/jwk"
	jwt3 "github.com/lestrrat-go/jwx/v3/jwt"
	"gopkg.in/go-jose/go-jose.v2"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
)

// Peers are the libraries that Sallyport is compared with.
var Peers = []Contestant{
	{Name: "golang-jwt+keyfunc", Module: "github.com/golang-jwt/jwt/v5", New: golangJWT, Lacks: duplicates},
	{Name: "auth0-v2", Module: "github.com/auth0/go-jwt-middleware/v2", New: auth0v2},
	{Name: "go-oidc", Module: "github.com/coreos/go-oidc/v3", New: goOIDC, Lacks: duplicates},
	{Name: "jwx-v2", Module: "github.com/lestrrat-go/jwx/v2", New: jwxv2, Lacks: duplicates},
	{Name: "jwx-v3", Module: "github.com/lestrrat-go/jwx/v3", New: jwxv3, Lacks: duplicates},
	{Name: "auth0-v3", Module: "github.com/auth0/go-jwt-middleware/v3", New: auth0v3, Lacks: duplicates},
}

var duplicates = []string{"a member that is there twice"}

var (
	errNoRoles  = errors.New("contest: the token's roles are no list of strings")
	errNoClaims = errors.New("contest: no custom claims")
)

// own are the claims that an application decodes for itself.
type own struct {
	Roles []string `json:"roles"`
}

// Validate implements the CustomClaims of both auth0 validators.
func (*own) Validate(context.Context) error { return nil }

// has looks for the role in the list that encoding/json decodes.
func has(roles any) (bool, error) {
	list, ok := roles.([]any)
	if !ok {
		return false, errNoRoles
	}
	return slices.Contains(list, any(fixture.Role)), nil
}

// golangJWT is golang-jwt with the key set of keyfunc.
func golangJWT(f *fixture.Fixture) Check {
	keys := fixture.Must(keyfunc.NewJWKSetJSON(json.RawMessage(f.JWKS)))
	parser := jwt.NewParser(jwt.WithValidMethods([]string{f.Algorithm}), jwt.WithIssuer(fixture.Issuer),
		jwt.WithAudience(fixture.Audience), jwt.WithExpirationRequired())
	return func(_ context.Context, token string) (bool, error) {
		claims := jwt.MapClaims{}
		if _, err := parser.ParseWithClaims(token, claims, keys.Keyfunc); err != nil {
			return false, err
		}
		return has(claims["roles"])
	}
}

// auth0v2 is the validator of auth0's middleware, version 2, over a key set as its own provider caches it.
func auth0v2(f *fixture.Fixture) Check {
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(f.JWKS, &keys); err != nil {
		panic(err)
	}
	v := fixture.Must(validator2.New(func(context.Context) (any, error) { return &keys, nil },
		validator2.SignatureAlgorithm(f.Algorithm), fixture.Issuer, []string{fixture.Audience},
		validator2.WithCustomClaims(func() validator2.CustomClaims { return new(own) })))
	return auth0(v.ValidateToken, func(c *validator2.ValidatedClaims) any { return c.CustomClaims })
}

// auth0v3 is the same of version 3, which is built on jwx v3.
func auth0v3(f *fixture.Fixture) Check {
	keys := fixture.Must(jwk3.Parse(f.JWKS))
	v := fixture.Must(validator3.New(
		validator3.WithKeyFunc(func(context.Context) (any, error) { return keys, nil }),
		validator3.WithAlgorithm(validator3.SignatureAlgorithm(f.Algorithm)),
		validator3.WithIssuer(fixture.Issuer), validator3.WithAudience(fixture.Audience),
		validator3.WithCustomClaims(func() *own { return new(own) })))
	return auth0(v.ValidateToken, func(c *validator3.ValidatedClaims) any { return c.CustomClaims })
}

// auth0 is what both versions have in common. T is their type of verified claims.
func auth0[T any](validate func(context.Context, string) (any, error), custom func(T) any) Check {
	return func(ctx context.Context, token string) (bool, error) {
		verified, err := validate(ctx, token)
		if err != nil {
			return false, err
		}
		if all, ok := verified.(T); ok {
			if c, ok := custom(all).(*own); ok {
				return slices.Contains(c.Roles, fixture.Role), nil
			}
		}
		return false, errNoClaims
	}
}

// goOIDC is go-oidc's ID token verifier, which many APIs use for access tokens.
func goOIDC(f *fixture.Fixture) Check {
	keys := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{f.Public}}
	v := oidc.NewVerifier(fixture.Issuer, keys, &oidc.Config{ClientID: fixture.Audience, SupportedSigningAlgs: []string{f.Algorithm}})
	return func(ctx context.Context, token string) (bool, error) {
		verified, err := v.Verify(ctx, token)
		if err != nil {
			return false, err
		}
		var c own
		if err := verified.Claims(&c); err != nil {
			return false, err
		}
		return slices.Contains(c.Roles, fixture.Role), nil
	}
}

// jwxv2 is jwt.Parse of jwx v2 with a key set.
func jwxv2(f *fixture.Fixture) Check {
	keys := fixture.Must(jwk2.Parse(f.JWKS))
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
	}
}

// jwxv3 is jwt.Parse of jwx v3 with a key set.
func jwxv3(f *fixture.Fixture) Check {
	keys := fixture.Must(jwk3.Parse(f.JWKS))
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
	}
}

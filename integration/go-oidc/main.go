// Command go-oidc is an authorization server around github.com/luikyv/go-oidc,
// for the tests in integration/servers.
package main

import (
	"context"
	"net/http"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
	"golang.org/x/crypto/bcrypt"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
)

func main() { daemon.Main(build) }

func build(issuer string, keys *daemon.Keys) (http.Handler, error) {
	secret, err := bcrypt.GenerateFromPassword([]byte(daemon.ReaderSecret), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
	client := &goidc.Client{ID: daemon.Reader, HashedSecret: string(secret), ClientMeta: goidc.ClientMeta{
		GrantTypes: []goidc.GrantType{goidc.GrantClientCredentials}, ScopeIDs: "get post", TokenAuthnMethod: goidc.ClientAuthnSecretBasic,
	}}
	var scopes []goidc.Scope
	for _, name := range daemon.Scopes() {
		scopes = append(scopes, goidc.NewScope(name))
	}
	server, err := provider.New(goidc.ProfileOpenID, issuer, published(keys),
		provider.WithStaticClient(client),
		provider.WithScopes(scopes...),
		provider.WithClientCredentialsGrant(),
		provider.WithTokenAuthnMethods(goidc.ClientAuthnSecretBasic),
		provider.WithResourceIndicators(daemon.Audience),
		provider.WithDPoP(goidc.ES256),
		provider.WithIDTokenSignatureAlgs(goidc.RS256, goidc.ES256),
		provider.WithTokenOptions(func(goidc.GrantInfo, *goidc.Client) goidc.TokenOptions {
			return goidc.NewJWTTokenOptions(goidc.SignatureAlgorithm(keys.All()[0].Alg), 3600)
		}),
	)
	if err != nil {
		return nil, err
	}
	return server.Handler(), nil
}

// published returns the keys with their private parts: the library publishes
// the public ones, and signs with the first that fits.
func published(keys *daemon.Keys) goidc.JWKSFunc {
	return func(context.Context) (goidc.JSONWebKeySet, error) {
		var set goidc.JSONWebKeySet
		for _, k := range keys.All() {
			set.Keys = append(set.Keys, goidc.JSONWebKey{Key: k.Private, KeyID: k.ID, Algorithm: k.Alg, Use: "sig"})
		}
		return set, nil
	}
}

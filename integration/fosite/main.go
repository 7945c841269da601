// Command fosite is an authorization server around github.com/ory/fosite, for
// the tests in integration/servers.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
	"golang.org/x/crypto/bcrypt"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
)

func main() { daemon.Main(build) }

func build(issuer string, keys *daemon.Keys) (http.Handler, error) {
	secret, err := bcrypt.GenerateFromPassword([]byte(daemon.ReaderSecret), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
	store := storage.NewMemoryStore()
	store.Clients[daemon.Reader] = &fosite.DefaultClient{
		ID: daemon.Reader, Secret: secret, GrantTypes: []string{"client_credentials"}, Scopes: daemon.Scopes(), Audience: []string{daemon.Audience},
	}
	config := &fosite.Config{
		AccessTokenLifespan: time.Hour, AccessTokenIssuer: issuer, JWTScopeClaimKey: jwt.JWTScopeFieldString,
		GlobalSecret: []byte(rand.Text() + rand.Text()),
	}
	signing := func(context.Context) (any, error) {
		k := keys.All()[0]
		return &jose.JSONWebKey{Key: k.Private, KeyID: k.ID, Algorithm: k.Alg, Use: "sig"}, nil
	}
	strategy := compose.NewOAuth2JWTStrategy(signing, compose.NewOAuth2HMACStrategy(config), config)
	provider := compose.Compose(config, store, strategy, compose.OAuth2ClientCredentialsGrantFactory)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) { token(w, r, provider, issuer) })
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, published(keys)) })
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]string{"issuer": issuer, "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/jwks"})
	})
	return mux, nil
}

// token answers a token request. What the library leaves to its user is the
// header's typ: the parameter typ of the request sets it, for the tests.
func token(w http.ResponseWriter, r *http.Request, provider fosite.OAuth2Provider, issuer string) {
	ctx := r.Context()
	session := &oauth2.JWTSession{
		JWTClaims: &jwt.JWTClaims{Issuer: issuer, Subject: daemon.Reader, Extra: map[string]any{"client_id": daemon.Reader}},
		JWTHeader: &jwt.Headers{Extra: map[string]any{}},
	}
	request, err := provider.NewAccessRequest(ctx, r, session)
	if err != nil {
		provider.WriteAccessError(ctx, w, request, err)
		return
	}
	if typ := r.PostForm.Get("typ"); typ != "" {
		session.JWTHeader.Extra["typ"] = typ
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	for _, audience := range request.GetRequestedAudience() {
		request.GrantAudience(audience)
	}
	response, err := provider.NewAccessResponse(ctx, request)
	if err != nil {
		provider.WriteAccessError(ctx, w, request, err)
		return
	}
	provider.WriteAccessResponse(ctx, w, request, response)
}

func published(keys *daemon.Keys) jose.JSONWebKeySet {
	var set jose.JSONWebKeySet
	for _, k := range keys.All() {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.ID, Algorithm: k.Alg, Use: "sig"})
	}
	return set
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client went away
}

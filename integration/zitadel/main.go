// Command zitadel is an authorization server around github.com/zitadel/oidc and
// the storage of its example server, for the tests in integration/servers.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
)

func main() { daemon.Main(build) }

// build returns the server. Its issuer is that of the library's example:
// localhost, with a slash at the end.
func build(issuer string, keys *daemon.Keys) (http.Handler, error) {
	address, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	issuer = "http://" + net.JoinHostPort("localhost", address.Port()) + "/"
	var secret [32]byte
	copy(secret[:], rand.Text()+rand.Text())
	example := storage.NewStorage(storage.NewUserStore(issuer))
	return op.NewProvider(&op.Config{CryptoKey: secret, AuthMethodPost: true}, &store{example, keys}, op.StaticIssuer(issuer),
		op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
}

// store is the storage of the example, with keys that change, a client whose
// tokens are JWTs, and one, called opaque, which does not say so.
type store struct {
	*storage.Storage
	keys *daemon.Keys
}

func (s *store) SigningKey(context.Context) (op.SigningKey, error) {
	return private{s.keys.All()[0]}, nil
}

func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256}, nil
}

func (s *store) KeySet(context.Context) ([]op.Key, error) {
	var set []op.Key
	for _, k := range s.keys.All() {
		set = append(set, public{private{k}})
	}
	return set, nil
}

func (s *store) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	service, err := s.Storage.ClientCredentials(ctx, "sid1", "verysecret") // the service user that the example brings
	switch {
	case err != nil:
		return nil, err
	case secret != daemon.ReaderSecret:
		return nil, errors.New("wrong secret")
	case id == daemon.Reader:
		return jwtClient{service}, nil
	case id == "opaque":
		return service, nil
	}
	return nil, errors.New("wrong client")
}

// ClientCredentialsTokenRequest is of op.ClientCredentialsStorage.
func (*store) ClientCredentialsTokenRequest(_ context.Context, client string, scopes []string) (op.TokenRequest, error) { //nolint:unparam // the library's interface
	return &oidc.JWTTokenRequest{Subject: client, Audience: oidc.Audience{daemon.Audience}, Scopes: scopes}, nil
}

type jwtClient struct{ op.Client }

func (jwtClient) GetID() string                       { return daemon.Reader }
func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

type private struct{ key daemon.Key }

func (k private) ID() string { return k.key.ID }
func (k private) Key() any   { return k.key.Private }
func (k private) SignatureAlgorithm() jose.SignatureAlgorithm {
	return jose.SignatureAlgorithm(k.key.Alg)
}

type public struct{ private }

func (k public) Algorithm() jose.SignatureAlgorithm { return k.SignatureAlgorithm() }
func (public) Use() string                          { return "sig" }
func (k public) Key() any                           { return k.key.Private.Public() }

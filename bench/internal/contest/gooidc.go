package contest

import (
	"context"
	"crypto"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
)

// GoOIDC is go-oidc's ID token verifier, which many APIs use for access tokens.
var GoOIDC = Contestant{
	Name:   "go-oidc",
	Module: "github.com/coreos/go-oidc/v3",
	New: func(f *fixture.Fixture) (Check, error) {
		keys := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{f.Public}}
		v := oidc.NewVerifier(fixture.Issuer, keys, &oidc.Config{ClientID: fixture.Audience, SupportedSigningAlgs: []string{f.Algorithm}})
		return func(ctx context.Context, token string) (bool, error) {
			verified, err := v.Verify(ctx, token)
			if err != nil {
				return false, err
			}
			var own struct {
				Roles []string `json:"roles"`
			}
			if err := verified.Claims(&own); err != nil {
				return false, err
			}
			return slices.Contains(own.Roles, fixture.Role), nil
		}, nil
	},
	Lacks: []string{"a member that is there twice"},
}

package drivers

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
)

// goOIDC is go-oidc's verifier of ID tokens, which many APIs use for access tokens. What tells one from the other is
// the caller's, then.
var goOIDC = Driver{
	Library: Library{
		Name:   "go-oidc",
		Page:   "https://pkg.go.dev/github.com/coreos/go-oidc/v3/oidc",
		Caller: kinds,
	},
	Module: "github.com/coreos/go-oidc/v3",
	New: func(keys []byte, p *Policy) (Check, error) {
		ctx := oidc.ClientContext(context.Background(), &http.Client{Transport: served(keys)})
		set := oidc.NewRemoteKeySet(ctx, "https://issuer.example/jwks")
		v := oidc.NewVerifier(p.Issuer, set, &oidc.Config{ClientID: p.Audience, SupportedSigningAlgs: p.Algorithms, Now: p.now})
		return func(token string) error {
			_, err := v.Verify(ctx, token)
			return err
		}, nil
	},
}

// served answers every request with a key set.
type served []byte

// RoundTrip implements http.RoundTripper.
func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(bytes.NewReader(s)), Request: r}, nil
}

package migrate_test

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

func behindGoOIDC(ctx context.Context, issuer string, list http.HandlerFunc) (http.Handler, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	v := provider.Verifier(&oidc.Config{ClientID: "api://orders"}) // made for ID tokens
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		token, err := v.Verify(r.Context(), raw)
		if err != nil {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		var c struct {
			Scope string `json:"scope"`
		}
		if err := token.Claims(&c); err != nil || !slices.Contains(strings.Fields(c.Scope), "orders.read") {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		list(w, r)
	}), nil
}

package migrate_test

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// orderClaims are claims as an application of golang-jwt declares them.
type orderClaims struct {
	Scope string `json:"scope"`
	jwt.RegisteredClaims
}

func behindGolangJWT(ctx context.Context, issuer, jwksURL string, list http.HandlerFunc) (http.Handler, error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{jwksURL})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		var c orderClaims
		_, err := jwt.ParseWithClaims(raw, &c, keys.Keyfunc,
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithAudience("api://orders"), jwt.WithExpirationRequired())
		if err != nil {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		if !slices.Contains(strings.Fields(c.Scope), "orders.read") {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		list(w, r)
	}), nil
}

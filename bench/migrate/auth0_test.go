package migrate_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/auth0/go-jwt-middleware/v2/jwks"
	"github.com/auth0/go-jwt-middleware/v2/validator"
)

// customClaims are claims as an application of go-jwt-middleware declares them.
type customClaims struct {
	Scope string `json:"scope"`
}

func (customClaims) Validate(context.Context) error { return nil }

func behindAuth0(issuer *url.URL, list http.HandlerFunc) (http.Handler, error) {
	keys := jwks.NewCachingProvider(issuer, 5*time.Minute)
	v, err := validator.New(keys.KeyFunc, validator.RS256, issuer.String(), []string{"api://orders"},
		validator.WithCustomClaims(func() validator.CustomClaims { return &customClaims{} }))
	if err != nil {
		return nil, err
	}
	return jwtmiddleware.New(v.ValidateToken).CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := r.Context().Value(jwtmiddleware.ContextKey{}).(*validator.ValidatedClaims)
		if !slices.Contains(strings.Fields(c.CustomClaims.(*customClaims).Scope), "orders.read") {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		list(w, r)
	})), nil
}

package guide_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// tenantRow is a row of the table of tenants.
type tenantRow struct{ Issuer, JWKSURL string }

// table stands for the database of a program.
type table map[string]tenantRow

func (db table) tenantByIssuer(_ context.Context, iss string) (tenantRow, error) {
	row, ok := db[iss]
	if !ok {
		return tenantRow{}, sql.ErrNoRows
	}
	return row, nil
}

func TestTenantsThatSignUp(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"scope": "orders.read"})
	db := table{}
	cfg := sallyport.Config{
		Resolve: func(ctx context.Context, iss string) (providers.Provider, error) {
			row, err := db.tenantByIssuer(ctx, iss) // SELECT ... WHERE issuer = $1
			if errors.Is(err, sql.ErrNoRows) {
				return providers.Provider{}, reason.UnknownIssuer // 401
			}
			if err != nil {
				return providers.Provider{}, err // 503, for this issuer alone
			}
			return providers.Generic(row.Issuer, "api://orders").WithJWKS(row.JWKSURL), nil
		},
	}
	cfg.Resolving.DangerouslyPrivateNetworks = true // the issuer of this test is on this machine
	gate := closed(t)(sallyport.Open(cfg))
	h := gate.Require(claims.AllScopes("orders.read"))(ok)

	assert.Equal(t, 401, call(h, "GET", "/", iss.Token()).Code)
	db[iss.Issuer()] = tenantRow{Issuer: iss.Issuer(), JWKSURL: iss.JWKSURL()}
	gate.Forget(iss.Issuer()) // after the row was written
	assert.Equal(t, 200, call(h, "GET", "/", iss.Token()).Code)

	shouted := strings.ToUpper(iss.Issuer())
	db[shouted] = db[iss.Issuer()] // as a collation that ignores case finds it
	assert.Equal(t, 503, call(h, "GET", "/", iss.Token(jwkstest.Claims{"iss": shouted})).Code)
}

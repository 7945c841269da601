package guide_test

import (
	"net/http"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
)

const (
	tenant    = "a53d724c-15ea-4469-a987-82a5b30ec167"
	ordersApp = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
	warehouse = "b1f0a3de-7c92-4b7f-8a11-3c5d0e9f2a64"
)

// entraRoutes are the three kinds of rules that Entra's tokens are good for.
func entraRoutes(gate *sallyport.Gate, orders http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllOf(claims.AppOnly(), claims.AnyRole("Orders.Read")))(orders))      // a service, by its app role
	mux.Handle("GET /mine", gate.Require(claims.AllOf(claims.UserOnly(), claims.AllScopes("orders.read")))(orders))     // a user, by what the app asked for
	mux.Handle("DELETE /orders", gate.Require(claims.AllOf(claims.UserOnly(), claims.AnyRole("Orders.Admin")))(orders)) // a user, by what an administrator assigned
	mux.Handle("/stock", gate.RequireAccess(claims.AccessLevels{
		Resources:      []string{"api://orders"},
		Default:        []claims.Level{claims.LevelGet}, // for apps that were given no role
		DefaultClients: []string{warehouse},
	})(orders))
	return mux
}

func TestEntra(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://login.microsoftonline.com/"+tenant+"/v2.0", ordersApp, jwkstest.Claims{"tid": tenant})
	gate := closed(t)(sallyport.NewFrom(withKeys(providers.Entra(tenant, "api://orders", ordersApp), iss)))
	mux := entraRoutes(gate, ok)

	v1 := jwkstest.Claims{"iss": "https://sts.windows.net/" + tenant + "/", "aud": "api://orders", "appid": warehouse, "ver": "1.0"}
	v2 := jwkstest.Claims{"azp": warehouse, "ver": "2.0"}
	roles := func(names ...string) jwkstest.Claims { return jwkstest.Claims{"roles": names} }
	user := jwkstest.Claims{"scp": "orders.read", "azp": "e5d3c1b0-4f6e-4d2c-9b8a-7f6e5d4c3b2a"}
	for _, row := range []struct {
		name, method, path string
		token              []jwkstest.TokenOption
		status             int
	}{
		{"an app with the role, v1.0", "GET", "/orders", []jwkstest.TokenOption{v1, roles("Orders.Read")}, 200},
		{"an app with the role, v2.0", "GET", "/orders", []jwkstest.TokenOption{v2, roles("Orders.Read")}, 200},
		{"an app without it", "GET", "/orders", []jwkstest.TokenOption{v2}, 403},
		{"a user with a role of that name", "GET", "/orders", []jwkstest.TokenOption{user, roles("Orders.Read")}, 403},
		{"a user", "GET", "/mine", []jwkstest.TokenOption{user}, 200},
		{"an app at a user's route", "GET", "/mine", []jwkstest.TokenOption{v2, roles("orders.read")}, 403},
		{"a user who is an administrator", "DELETE", "/orders", []jwkstest.TokenOption{user, roles("Orders.Admin")}, 200},
		{"an app with the role put", "PUT", "/stock", []jwkstest.TokenOption{v1, roles("put")}, 200},
		{"a listed app without a role gets the default", "GET", "/stock", []jwkstest.TokenOption{v1}, 200},
		{"and no more", "POST", "/stock", []jwkstest.TokenOption{v1}, 403},
		{"another app without a role", "GET", "/stock", []jwkstest.TokenOption{v1, jwkstest.Claims{"appid": "another"}}, 403},
		{"another tenant", "GET", "/orders", []jwkstest.TokenOption{jwkstest.Claims{"iss": "https://sts.windows.net/b53d724c-15ea-4469-a987-82a5b30ec167/"}}, 401},
		{"an ID token, which names no client", "GET", "/orders", []jwkstest.TokenOption{roles("Orders.Read")}, 401},
	} {
		assert.Equal(t, row.status, call(mux, row.method, row.path, iss.Token(row.token...)).Code, row.name)
	}
}

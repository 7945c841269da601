package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestExplainEndsWithWhatTheTokenLacks(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	token := iss.Token(jwkstest.Claims{
		"scope": "orders.read get", "roles": []string{"Reader"}, "permissions": []string{"p", "api://billing/put"}, "idtyp": "app",
	})
	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a scope that it has":             {[]string{"-scope", "orders.read"}, accepted, "accepted"},
		"a scope that it lacks":           {[]string{"-scope", "orders.write"}, refused, "refused: insufficient_scope\nThe token is good, but lacks the scope \"orders.write\"."},
		"all of several scopes":           {[]string{"-scope", "orders.read", "-scope", "orders.write"}, refused, `lacks the scope "orders.write"`},
		"scopes in one":                   {[]string{"-scope", "orders.read orders.write"}, refused, `lacks the scope "orders.write"`},
		"a role that it lacks":            {[]string{"-role", "Admin"}, refused, "refused: insufficient_role\nThe token is good, but lacks the role \"Admin\"."},
		"a role that it has":              {[]string{"-role", "Reader"}, accepted, ""},
		"a permission that it lacks":      {[]string{"-permission", "q"}, refused, `lacks the permission "q"`},
		"a permission that it has":        {[]string{"-permission", "p"}, accepted, ""},
		"all of several kinds":            {[]string{"-scope", "orders.read", "-role", "Admin", "-permission", "p"}, refused, `lacks the role "Admin"`},
		"a level that it has":             {[]string{"-access", "get"}, accepted, ""},
		"a level that it lacks":           {[]string{"-access", "delete"}, refused, `lacks the access level "delete"`},
		"a level of another resource":     {[]string{"-access", "put", "-resource", "api://billing"}, accepted, ""},
		"a level of several":              {[]string{"-access", "put", "-resource", "api://x", "-resource", "api://billing"}, accepted, ""},
		"a level that there is not":       {[]string{"-access", "read"}, wrongUse, `-access "read": use get, post, put or delete`},
		"a resource without a level":      {[]string{"-resource", "api://x"}, wrongUse, "-resource goes with -access"},
		"a resource that can be none":     {[]string{"-access", "get", "-resource", "a b"}, wrongUse, `"a b" cannot be part of a scope`},
		"a scope that can be none":        {[]string{"-scope", `a"b`}, wrongUse, "is not one scope"},
		"a scope that is empty":           {[]string{"-scope", " "}, wrongUse, "it is empty"},
		"an acr that it lacks":            {[]string{"-acr", "mfa"}, refused, "refused: insufficient_user_authentication\nThe token is good, but the rule denies it: acr of mfa. The token has no acr, no auth_time"},
		"an age that it does not tell":    {[]string{"-max-age", "5m"}, refused, "authentication within 5m0s"},
		"an age that can be none":         {[]string{"-max-age", "1ms"}, wrongUse, "1ms is no age in whole seconds"},
		"a role beside a token that ends": {[]string{"-role", "Admin", "-at", "2040-01-01T00:00:00Z"}, refused, "refused: expired"},
	} {
		a := command(t, token, append([]string{"explain", "-issuer", iss.Issuer(), "-audience", "api://orders"}, row.args...)...)
		assert.Equal(t, row.code, a.code, "%s: %s%s", name, a.out, a.errs)
		assert.Contains(t, a.out+a.errs, row.want, name)
	}
}

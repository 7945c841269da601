package connectauth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestEveryMistakeOfAPolicyIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{}, newIssuer(t))
	form := "write /package.Service/Method, or /package.Service/* for all procedures of a service"
	var want []string
	rules := map[string]claims.Rule{listProcedure: claims.AllScopes(), createProcedure: claims.AllScopes("orders.write")}
	for _, key := range []string{
		"", "/", "//", "/List", "/orders.v1.Orders", "orders.v1.Orders/List", "POST /orders.v1.Orders/List", "/orders.v1.Orders/", "/orders.v1.*/List", "/*/*", "/orders.v1.Orders/L*", "/orders.v1.Orders/{any}",
		"/orders.v1.Orders/List/", "/orders.v1.Orders//List", "/.orders/List", "/orders./List", "/orders..v1/List", "/orders.v1.Orders/Li%73t", "/orders.v1.Orders/Liſt",
		"/orders.v1.Orders/List\n", "/1orders/List",
	} {
		rules[key] = claims.AnyToken()
		want = append(want, form)
	}
	_, err := connectauth.Enforce(gate, connectauth.Policy{Rules: rules, Exempt: []string{createProcedure, healthProcedure, healthProcedure, "*"}})
	require.Error(t, err)
	assert.Equal(t, len(want)+1, strings.Count(err.Error(), form), "%v", err)
	for _, mistake := range []string{
		`connectauth: Policy: "/orders.v1.Orders/List": claims: AllScopes`,
		`connectauth: Policy: "/orders.v1.Orders/Create": stands there twice`,
		`connectauth: Policy: "/grpc.health.v1.Health/Check": stands there twice`,
		`connectauth: Policy: "*": ` + form,
	} {
		assert.ErrorContains(t, err, mistake)
	}
	assert.Len(t, strings.Split(err.Error(), "\n"), len(want)+5-1, "and nothing else, but for the newline in one key that is quoted")

	_, err = connectauth.Enforce(gate, connectauth.Policy{})
	assert.EqualError(t, err, "connectauth: Policy: no procedure at all; name the procedures and their rules")
}

func TestAPolicyMayBeChangedAfterwards(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	p := table()
	h := enforced(t, open(t, middleware.Config{}, iss), p, service())
	p.Rules["/orders.v1.Orders/*"] = claims.AnyToken()
	p.Exempt[0] = listProcedure
	_, err := protocols[0].dial(t, serve(t, h)+listProcedure).CallUnary(t.Context(), request())
	assert.EqualError(t, err, "unauthenticated: a bearer access token is required")
}

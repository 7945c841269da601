package claims_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
)

// A token of an app, as an Entra tenant issues it.
const appToken = `{"aud":"api://orders","appid":"billing-job","idtyp":"app","roles":["Orders.Read","get"],"tier":{"name":"gold"}}`

// A token of a person who was given a role of the same name.
const userToken = `{"aud":"api://orders","appid":"web","idtyp":"user","scp":"access_as_user","roles":["Orders.Read","get"]}`

// must is for examples: a handler gets its claims from a verified token.
func must(payload string) *claims.Claims {
	c, err := claims.Parse([]byte(payload), claims.DefaultMapping())
	if err != nil {
		panic(err)
	}
	return c
}

func ExampleParse() {
	c, err := claims.Parse([]byte(`{"iss":"https://issuer.example/","scope":"orders.read orders.write"}`), claims.DefaultMapping())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Issuer())
	for scope := range c.Scopes() {
		fmt.Println(scope)
	}
	fmt.Println(c) // printed by mistake, it shows nothing
	// Output:
	// https://issuer.example/
	// orders.read
	// orders.write
	// claims.Claims{redacted}
}

func ExampleParse_malformed() {
	_, err := claims.Parse([]byte(`{"exp":1700003600000}`), claims.DefaultMapping())
	fmt.Println(err)
	// Output:
	// claims: claim "exp" is malformed: want seconds since 1970, before the year 10000; are these milliseconds?
}

func ExampleFromContext() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		c, ok := claims.FromContext(r.Context())
		if !ok {
			fmt.Println("nobody") // the route is not protected
			return
		}
		fmt.Println("hello", c.ClientID())
	}
	request, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
	handler(nil, request)
	handler(nil, request.WithContext(claims.NewContext(request.Context(), must(appToken))))
	// Output:
	// nobody
	// hello billing-job
}

func ExampleClaims_Decode() {
	var own struct {
		Tier struct {
			Name string `json:"name"`
		} `json:"tier"`
	}
	err := must(appToken).Decode(&own)
	fmt.Println(own.Tier.Name, err)
	// Output: gold <nil>
}

func ExampleClaims_Text() {
	c := must(`{"https://api.example/metadata":{"publisher":"p-1"}}`)
	publisher, ok := c.Text("https://api.example/metadata", "publisher")
	fmt.Println(publisher, ok)
	// Output: p-1 true
}

func ExampleMapping() {
	m := claims.DefaultMapping()
	m.Roles = []claims.Source{
		{Path: claims.Path{"resource_access", "orders", "roles"}},            // Keycloak
		{Path: claims.Path{"urn:zitadel:iam:org:project:roles"}, Keys: true}, // Zitadel
	}
	for _, payload := range []string{
		`{"resource_access":{"orders":{"roles":["editor"]}}}`,
		`{"urn:zitadel:iam:org:project:roles":{"editor":{"1782":"acme.example"}}}`,
	} {
		c, err := claims.Parse([]byte(payload), m)
		fmt.Println(c.HasRole("editor"), err)
	}
	// Output:
	// true <nil>
	// true <nil>
}

// The roles of a Keycloak realm beside those of one of its clients.
func ExampleMapping_union() {
	m := claims.Mapping{UnionOfRoles: true, Roles: []claims.Source{
		{Path: claims.Path{"realm_access", "roles"}, Prefix: "realm:"},
		{Path: claims.Path{"resource_access", "orders", "roles"}, Prefix: "orders:"},
	}}
	c, err := claims.Parse([]byte(`{"realm_access":{"roles":["staff"]},
		"resource_access":{"orders":{"roles":["editor"]},"account":{"roles":["manage-account"]}}}`), m)
	fmt.Println(slices.Collect(c.Roles()), err)
	// Output: [realm:staff orders:editor] <nil>
}

// params is a call in a test, by the parameters of its route.
type params map[string]string

func (p params) Param(name string) string { return p[name] }

func ExampleEqualsParam() {
	// For the route "GET /tenants/{tenant}/orders", by gate.Require.
	rule := claims.AllOf(claims.AllScopes("orders.read"), claims.EqualsParam("tenant", "tenant_id"))
	c := must(`{"scope":"orders.read","tenant_id":"acme"}`)
	fmt.Println(rule.CheckCall(c, params{"tenant": "acme"}).Allowed)
	d := rule.CheckCall(c, params{"tenant": "globex"})
	fmt.Println(d.Allowed, d.Reason, d.Missing)
	// Output:
	// true
	// false denied [claim tenant_id equal to parameter tenant of the route]
}

func ExampleFuncCall() {
	rule := claims.FuncCall("an order of the caller's region", func(c *claims.Claims, call claims.Call) bool {
		region, ok := c.Text("region")
		return ok && strings.HasPrefix(call.Param("id"), region+"-")
	})
	fmt.Println(rule)
	fmt.Println(rule.CheckCall(must(`{"region":"eu"}`), params{"id": "eu-17"}).Allowed)
	fmt.Println(rule.Check(must(`{"region":"eu"}`)).Allowed) // there is no call
	// Output:
	// an order of the caller's region
	// true
	// false
}

func ExampleAllScopes() {
	rule := claims.AllScopes("orders.read", "orders.write")
	decision := rule.Check(must(`{"scope":"orders.read profile"}`))
	fmt.Println(rule)
	fmt.Println(decision.Allowed, decision.Reason)
	fmt.Println("challenge:", decision.Scope)
	fmt.Println("log:", decision.Missing)
	// Output:
	// all scopes orders.read, orders.write
	// false insufficient_scope
	// challenge: orders.read orders.write
	// log: [orders.write]
}

func ExampleAnyOf() {
	// People by scope, apps by role: either will do.
	rule := claims.AnyOf(claims.AllScopes("access_as_user"), claims.AllOf(claims.AppOnly(), claims.AnyRole("Orders.Read")))
	fmt.Println(rule.Check(must(appToken)).Allowed, rule.Check(must(userToken)).Allowed)
	fmt.Println(rule)
	// Output:
	// true true
	// (all scopes access_as_user) or ((an app as the caller) and (any role Orders.Read))
}

func ExampleRule_Err() {
	rule := claims.AllScopes("orders.read orders.write") // one string for two scopes
	fmt.Println(rule.Err())
	fmt.Println(rule.Check(must(`{"scope":"orders.read orders.write"}`)).Allowed)
	// Output:
	// claims: AllScopes: "orders.read orders.write" is not one scope: pass several as several arguments, without quotes, backslashes or control characters
	// false
}

// A role alone does not say who has it. Issuers put roles into the tokens of
// people too, so a permission that was meant for apps opens to every user who
// was given a role of that name, through any app that the user runs.
func ExampleAnyRole_incorrect() {
	forApps := claims.AnyRole("Orders.Read") // WRONG: for people as well
	fmt.Println("app:", forApps.Check(must(appToken)).Allowed)
	fmt.Println("user:", forApps.Check(must(userToken)).Allowed)

	forApps = claims.AllOf(claims.AppOnly(), claims.AnyRole("Orders.Read")) // right
	fmt.Println("app:", forApps.Check(must(appToken)).Allowed)
	fmt.Println("user:", forApps.Check(must(userToken)).Allowed)
	// Output:
	// app: true
	// user: true
	// app: true
	// user: false
}

func ExampleAccessLevels() {
	access, err := claims.AccessLevels{Resources: []string{"api://orders"}}.Compile()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		d := access.Rule(method).Check(must(appToken))
		fmt.Printf("%s %t %q\n", method, d.Allowed, d.Scope)
	}
	d := access.Rule(http.MethodGet).Check(must(userToken)) // a user's role is no access level
	fmt.Println("user GET", d.Allowed)
	// Output:
	// GET true ""
	// DELETE false "delete"
	// user GET false
}

func ExampleAccessLevels_Require() {
	rule := claims.AccessLevels{Resources: []string{"api://orders"}}.Require(claims.LevelPost)
	fmt.Println(rule.Check(must(`{"aud":"api://orders","scope":"post"}`)).Allowed)
	fmt.Println(rule.Check(must(`{"aud":"api://billing","scope":"post"}`)).Allowed) // another service's token
	fmt.Println(rule.Check(must(`{"aud":"6e74172b","scope":"api://orders/post"}`)).Allowed)
	// Output:
	// true
	// false
	// true
}

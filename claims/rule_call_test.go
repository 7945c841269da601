package claims_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

// route is a call by the parameters of its route.
type route map[string]string

func (r route) Param(name string) string { return r[name] }

func TestRulesOverTheCall(t *testing.T) {
	t.Parallel()
	const (
		equal    = "claim tenant equal to parameter t of the route"
		contains = "claim tenants containing parameter t of the route"
	)
	tenant, tenants := claims.EqualsParam("t", "tenant"), claims.ContainsParam("t", "tenants")
	denied := func(text string) denial { return denial{reason.Denied, "", []string{text}} }
	for name, row := range map[string]struct {
		rule    claims.Rule
		payload string
		call    claims.Call
		want    denial
	}{
		"the claim equals the parameter":              {rule: tenant, payload: `{"tenant":"acme"}`, call: route{"t": "acme"}},
		"another value does not":                      {tenant, `{"tenant":"acme"}`, route{"t": "globex"}, denied(equal)},
		"in another case it does not":                 {tenant, `{"tenant":"acme"}`, route{"t": "Acme"}, denied(equal)},
		"its beginning does not":                      {tenant, `{"tenant":"acme"}`, route{"t": "acm"}, denied(equal)},
		"another parameter does not":                  {tenant, `{"tenant":"acme"}`, route{"u": "acme"}, denied(equal)},
		"an escape is no other spelling":              {tenant, `{"tenant":"a/b"}`, route{"t": "a%2Fb"}, denied(equal)},
		"an escape in JSON is":                        {rule: tenant, payload: `{"tenant":"a\/b"}`, call: route{"t": "a/b"}},
		"an empty claim equals no empty parameter":    {tenant, `{"tenant":""}`, route{"t": ""}, denied(equal)},
		"nor one that is not there":                   {tenant, `{"tenant":""}`, route{}, denied(equal)},
		"a claim that is not there equals nothing":    {tenant, `{}`, route{"t": "acme"}, denied(equal)},
		"null is not the text null":                   {tenant, `{"tenant":null}`, route{"t": "null"}, denied(equal)},
		"true is not the text true":                   {tenant, `{"tenant":true}`, route{"t": "true"}, denied(equal)},
		"an object is not its text":                   {tenant, `{"tenant":{}}`, route{"t": "{}"}, denied(equal)},
		"a list of one does not equal":                {tenant, `{"tenant":["acme"]}`, route{"t": "acme"}, denied(equal)},
		"a number equals its digits":                  {rule: tenant, payload: `{"tenant":42}`, call: route{"t": "42"}},
		"and no other form of them":                   {tenant, `{"tenant":42}`, route{"t": "042"}, denied(equal)},
		"a nested claim equals":                       {rule: claims.EqualsParam("id", "org", "id"), payload: `{"org":{"id":"o-1"}}`, call: route{"id": "o-1"}},
		"a dot leads into no claim":                   {claims.EqualsParam("id", "org.id"), `{"org":{"id":"o-1"}}`, route{"id": "o-1"}, denied("claim org.id equal to parameter id of the route")},
		"a list contains the parameter":               {rule: tenants, payload: `{"tenants":["globex","acme"]}`, call: route{"t": "acme"}},
		"and not another value":                       {tenants, `{"tenants":["globex","acme"]}`, route{"t": "umbrella"}, denied(contains)},
		"a single value is a list of one":             {rule: tenants, payload: `{"tenants":"acme"}`, call: route{"t": "acme"}},
		"a number in a list counts by its digits":     {rule: tenants, payload: `{"tenants":[7,42]}`, call: route{"t": "42"}},
		"a list with an empty name contains no empty": {tenants, `{"tenants":["",null]}`, route{}, denied(contains)},
		"a member name is not contained":              {tenants, `{"tenants":{"acme":1}}`, route{"t": "acme"}, denied(contains)},
		"a function of one's own says yes":            {rule: ownTenant, payload: `{"tenant":"acme"}`, call: route{"t": "acme.example"}},
		"a function of one's own says no":             {ownTenant, `{"tenant":"acme"}`, route{"t": "globex.example"}, denied("the tenant's host")},
		"without a call nothing equals":               {tenant, `{"tenant":"acme"}`, nil, denied(equal)},
		"nor is contained":                            {tenants, `{"tenants":["acme"]}`, nil, denied(contains)},
		"nor is a function asked":                     {claims.FuncCall("never", func(*claims.Claims, claims.Call) bool { panic("asked without a call") }), `{}`, nil, denied("never")},

		"all of, the claim and a scope":                {rule: claims.AllOf(claims.AllScopes("a"), tenant), payload: `{"scope":"a","tenant":"acme"}`, call: route{"t": "acme"}},
		"all of, another tenant":                       {claims.AllOf(claims.AllScopes("a"), tenant), `{"scope":"a","tenant":"acme"}`, route{"t": "globex"}, denied(equal)},
		"all of, without the scope":                    {claims.AllOf(tenant, claims.AllScopes("a")), `{"tenant":"acme"}`, route{"t": "acme"}, denial{reason.InsufficientScope, "a", []string{"a"}}},
		"any of, the tenant's own":                     {rule: claims.AnyOf(tenant, claims.AnyRole("operator")), payload: `{"tenant":"acme"}`, call: route{"t": "acme"}},
		"any of, an operator of any":                   {rule: claims.AnyOf(tenant, claims.AnyRole("operator")), payload: `{"tenant":"acme","roles":["operator"]}`, call: route{"t": "globex"}},
		"any of, neither":                              {claims.AnyOf(tenant, claims.AnyRole("operator")), `{"tenant":"acme"}`, route{"t": "globex"}, denied(equal)},
		"any of, without a call the others are judged": {rule: claims.AnyOf(tenant, claims.AnyRole("operator")), payload: `{"roles":["operator"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, row.rule.Err())
			assert.True(t, row.rule.NeedsCall())
			d := row.rule.CheckCall(parse(t, row.payload), row.call)
			assert.Equal(t, claims.Decision{Allowed: row.want.reason == "", Reason: row.want.reason, Scope: row.want.scope, Missing: row.want.missing}, d)
			if row.call == nil {
				assert.Equal(t, d, row.rule.Check(parse(t, row.payload)))
			}
		})
	}
}

var ownTenant = claims.FuncCall("the tenant's host", func(c *claims.Claims, call claims.Call) bool {
	tenant, ok := c.Text("tenant")
	return ok && call.Param("t") == tenant+".example"
})

func TestCheckCallWithoutClaimsDenies(t *testing.T) {
	t.Parallel()
	always := claims.FuncCall("always", func(*claims.Claims, claims.Call) bool { return true })
	assert.Equal(t, claims.Decision{Reason: reason.Denied}, always.CheckCall(nil, route{}))
	assert.Equal(t, claims.Decision{Reason: reason.Denied}, claims.Rule{}.CheckCall(parse(t, `{}`), route{}))
}

func TestNeedsCall(t *testing.T) {
	t.Parallel()
	tenant := claims.EqualsParam("t", "tenant")
	for _, rule := range []claims.Rule{
		{},
		claims.AnyToken(), claims.AllScopes("a"), claims.AppOnly(), claims.AllOf(claims.AllScopes("a"), claims.AnyRole("b")),
		claims.AccessLevels{Resources: []string{"api://x"}}.Require(claims.LevelGet), claims.AllScopes(),
	} {
		assert.False(t, rule.NeedsCall(), rule)
	}
	for _, rule := range []claims.Rule{tenant, claims.AnyOf(claims.AllScopes("a"), claims.AllOf(claims.AnyRole("b"), tenant))} {
		assert.True(t, rule.NeedsCall(), rule)
	}
}

func TestMistakesInRulesOverTheCall(t *testing.T) {
	t.Parallel()
	const path = "a path needs at least one segment, and none may be empty"
	for want, rule := range map[string]claims.Rule{
		"claims: EqualsParam: the parameter has no name":                                  claims.EqualsParam("", "tenant"),
		"claims: EqualsParam: " + path:                                                    claims.EqualsParam("t"),
		"claims: ContainsParam: the parameter has no name\n" + path:                       claims.ContainsParam("", "a", ""),
		"claims: FuncCall: give the rule a name and a function":                           claims.FuncCall("", func(*claims.Claims, claims.Call) bool { return true }),
		"claims: AllOf: no rules given: name at least one, or use AnyToken for everybody": claims.AllOf(),
	} {
		assert.EqualError(t, rule.Err(), want)
		assert.False(t, rule.CheckCall(parse(t, `{"a":"x"}`), route{"": "x", "t": "x"}).Allowed)
	}
	assert.Error(t, claims.FuncCall("nil", nil).Err())
}

func TestARuleOverTheCallKeepsItsPath(t *testing.T) {
	t.Parallel()
	path := []string{"tenant"}
	rule := claims.EqualsParam("t", path...)
	path[0] = "other"
	assert.True(t, rule.CheckCall(parse(t, `{"tenant":"acme"}`), route{"t": "acme"}).Allowed)
}

// Not parallel: it counts allocations.
func TestARuleOverTheCallAllocatesNothing(t *testing.T) {
	var (
		c                = parse(t, `{"scope":"a","tenant":"acme","tenants":["globex","acme"]}`)
		rule             = claims.AllOf(claims.AllScopes("a"), claims.EqualsParam("t", "tenant"), claims.ContainsParam("t", "tenants"))
		call claims.Call = route{"t": "acme"}
	)
	assert.Zero(t, testing.AllocsPerRun(100, func() { rule.CheckCall(c, call) }))
	assert.Equal(t, "(all scopes a) and (claim tenant equal to parameter t of the route) and (claim tenants containing parameter t of the route)", rule.String())
}

package verifier_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	pattern  = "https://login.example/{tenantid}/v2.0"
	contoso  = "a53d724c-15ea-4469-a987-82a5b30ec167"
	fabrikam = "72f988bf-86f1-41af-91ab-2d7cd011db47"
)

func issuerOf(tenant string) string {
	return strings.Replace(pattern, "{tenantid}", tenant, 1)
}

// tenants makes the one issuer a template for these.
func tenants(list ...string) func(*world) {
	return func(w *world) { w.issuer().Name, w.issuer().Tenants = pattern, list }
}

func anyTenant(w *world) { w.issuer().Name, w.issuer().DangerouslyAnyTenant = pattern, true }

// of mints a token of a tenant.
func of(tenant string, more ...jwkstest.TokenOption) func(*world) string {
	return with(append([]jwkstest.TokenOption{jwkstest.Claims{"iss": issuerOf(tenant), "tid": tenant}}, more...)...)
}

// keyIssuer marks the issuer's keys; nil leaves the mark out.
func keyIssuer(name any) []jwkstest.Option { return []jwkstest.Option{jwkstest.JWK{"issuer": name}} }

func TestTenants(t *testing.T) {
	t.Parallel()
	const other = "tid is not the tenant that iss names"
	rows := table{
		"a tenant on the list":             good(of(fabrikam)).under(tenants(contoso, fabrikam)),
		"any tenant":                       good(of(fabrikam)).under(anyTenant),
		"a tenant that is not on the list": {setup: tenants(contoso), token: of(fabrikam), want: reason.UnknownTenant, check: "issuer", detail: notConfigured},
		"a tid of another tenant": {
			setup: tenants(contoso, fabrikam), token: of(contoso, jwkstest.Claims{"tid": fabrikam}),
			want: reason.UnknownTenant, check: "tenant", detail: other,
		},
		"no tid":                          missing("tenant", "tid").as(of(contoso, jwkstest.Claims{"tid": nil})).under(tenants(contoso)),
		"a tid that is no string":         missing("tenant", "tid").as(of(contoso, jwkstest.Claims{"tid": []string{contoso}})).under(tenants(contoso)),
		"an exact issuer asks for no tid": good(having(jwkstest.Claims{"iss": issuerOf(contoso)})).under(func(w *world) { w.issuer().Name = issuerOf(contoso) }),
	}
	for name, iss := range map[string]string{
		"a tenant by its domain":       issuerOf("contoso.example"),
		"a GUID in capital letters":    issuerOf(strings.ToUpper(contoso)),
		"a GUID with a digit missing":  issuerOf(contoso[:35]),
		"a GUID with dashes elsewhere": issuerOf("a53d724c15-ea-4469-a987-82a5b30ec167"),
		"a GUID with a letter too far": issuerOf("g53d724c-15ea-4469-a987-82a5b30ec167"),
		"a letter for a dash":          issuerOf("a53d724cx15ea-4469-a987-82a5b30ec167"),
		"a dot for a digit":            issuerOf("a53d724.-15ea-4469-a987-82a5b30ec167"),
		"no host before the tenant":    contoso + "/v2.0",
		"no path after the tenant":     "https://login.example/" + contoso,
		"the template itself":          pattern,
		"a path more at the end":       issuerOf(contoso) + "/",
		"another host before it":       "https://evil.example/?" + issuerOf(contoso),
	} {
		rows[name] = unknownIssuer(iss).under(anyTenant)
	}
	for name, r := range rows {
		r.options = keyIssuer(pattern)
		rows[name] = r
	}
	rows.run(t)
}

func TestTheKeyOfATenantsTokenSignsForIt(t *testing.T) {
	t.Parallel()
	const detail = "the key's own issuer member does not fit: see KeyIssuer"
	refused := func(mark any) row {
		return row{options: keyIssuer(mark), setup: tenants(contoso, fabrikam), token: of(contoso), want: reason.UnknownKey, check: "tenant", kid: `"key-1"`, detail: detail}
	}
	another := func(w *world) {
		tenants(contoso)(w)
		w.issuer().KeyIssuer = "https://keys.example/{tenantid}/"
	}
	table{
		"a key for all tenants":            {options: keyIssuer(pattern), setup: tenants(contoso), token: of(contoso)},
		"a key for this tenant":            {options: keyIssuer(issuerOf(contoso)), setup: tenants(contoso), token: of(contoso)},
		"a key for another tenant":         refused(issuerOf(fabrikam)),
		"a key that does not say":          refused(nil),
		"a key of another issuer":          refused("https://other.example/{tenantid}/v2.0"),
		"a key with more at the end":       refused(pattern + "/"),
		"a key with more at the start":     refused("x" + pattern),
		"a key with nothing at the start":  refused("{tenantid}/v2.0"),
		"a key with nothing at the end":    refused("https://login.example/{tenantid}"),
		"a key of another template":        {options: keyIssuer("https://keys.example/{tenantid}/"), setup: another, token: of(contoso)},
		"a key of a tenant of it":          {options: keyIssuer("https://keys.example/" + contoso + "/"), setup: another, token: of(contoso)},
		"then the name's own does not fit": {options: keyIssuer(pattern), setup: another, token: of(contoso), want: reason.UnknownKey, check: "tenant", kid: `"key-1"`, detail: detail},
	}.run(t)
}

func TestTemplatesAndNamesSideBySide(t *testing.T) {
	t.Parallel()
	exact := newWorld(t, jwkstest.WithName(issuerOf(fabrikam)))
	template := newWorld(t, jwkstest.JWK{"issuer": pattern})
	v1 := newWorld(t, jwkstest.JWK{"issuer": pattern})
	tenants(contoso)(template)
	tenants(contoso)(v1)
	v1.issuer().Name, v1.issuer().KeyIssuer = "https://sts.example/{tenantid}/", pattern
	template.cfg.Issuers = append(template.cfg.Issuers, *exact.issuer(), *v1.issuer())
	v := template.verifier(t)

	expect(t, v, template.Token(jwkstest.Claims{"iss": issuerOf(contoso), "tid": contoso}), "")
	expect(t, v, v1.Token(jwkstest.Claims{"iss": "https://sts.example/" + contoso + "/", "tid": contoso}), "", "two templates share a tenant")
	expect(t, v, exact.Token(), "", "an exact name comes before templates that would refuse it")
	expect(t, v, template.Token(jwkstest.Claims{"iss": issuerOf(fabrikam), "tid": fabrikam}), reason.BadSignature, "and its tokens are signed with its own keys")
}

func TestAnUnknownTenantNeverReachesTheKeySet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tenants(contoso)(w)
	expect(t, w.verifier(t), w.Token(jwkstest.Claims{"iss": issuerOf(fabrikam), "tid": fabrikam}, jwkstest.Header{"kid": "new"}), reason.UnknownTenant)
	assert.Zero(t, w.keys.asked())
}

package verifier_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestRequired(t *testing.T) {
	t.Parallel()
	having := func(name string, value any) row {
		return row{setup: required("tid", "sub"), token: having(jwkstest.Claims{"tid": "t", name: value})}
	}
	without := func(name string) row {
		return missing("required", name).as(having(name, nil).token).under(required("tid", "sub"))
	}
	null := func(name string) row {
		return missing("required", name).as(having(name, null).token).under(required("tid", "sub"))
	}
	table{
		"exp is asked for first":                  without("exp"),
		"the first required claim":                without("tid"),
		"the second required claim":               without("sub"),
		"all there":                               good(having("x", "y").token).under(required("tid", "sub")),
		"empty is there":                          having("tid", ""),
		"false is there":                          having("tid", false),
		"null is not there":                       null("tid"),
		"nor for a registered claim":              null("sub"),
		"nbf, iat, jti and sub need not be there": {token: with(jwkstest.Claims{"nbf": nil, "iat": nil, "jti": nil, "sub": nil, "client_id": nil})},
	}.run(t)
}

func required(list ...string) func(*world) { return func(w *world) { w.issuer().Required = list } }

func TestAudience(t *testing.T) {
	t.Parallel()
	table{
		"the other accepted value":         good(with(jwkstest.WithAudience("guid"))).under(audiences(audience, "guid")),
		"several others":                   wrongAudience([]string{"api://billing", "api://orders-archive"}),
		"the audience within a longer one": wrongAudience("xapi://ordersx"),
		"an empty string":                  wrongAudience(""),
		"an array of one":                  wrongAudience([]string{""}),
		"an empty array":                   emptyAudience,
		"none":                             missing("audience", "aud"),
		"null":                             missing("audience", "aud").as(having(jwkstest.Claims{"aud": null})),
	}.run(t)
}

// emptyAudience is a token that is meant for no API.
var emptyAudience = row{
	token: having(jwkstest.Claims{"aud": []string{}}), want: reason.WrongAudience, check: "audience",
	detail: "aud is empty: the token is meant for no API",
}

func TestNoAudienceByClientAndScope(t *testing.T) {
	t.Parallel()
	both := func(w *world) {
		w.issuer().NoAudience = verifier.AudienceBinding{Clients: []string{"partner"}, ScopePrefix: "orders/"}
	}
	only := func(w *world) { both(w); w.issuer().Audiences = nil }
	token := func(client, scope, aud any) func(*world) string {
		return having(jwkstest.Claims{"aud": aud, "client_id": client, "scope": scope})
	}
	noClient := row{want: reason.WrongClient, check: "audience", detail: "the client is not among NoAudience.Clients"}
	noScope := row{want: reason.WrongAudience, check: "audience", detail: "no aud, and no scope that begins with NoAudience.ScopePrefix"}
	held := wrongAudience(nil)
	table{
		"both":                                     good(token("partner", "profile orders/read", nil)).under(both),
		"the client alone":                         noScope.as(token("partner", "profile xorders/read", nil)).under(both),
		"no scope at all":                          noScope.as(token("partner", nil, nil)).under(both),
		"the scope alone":                          noClient.as(token("stranger", "orders/read", nil)).under(both),
		"no client":                                noClient.as(token(nil, "orders/read", nil)).under(both),
		"a token with an aud is held to it":        held.as(token("partner", "orders/read", "api://billing")).under(both),
		"an empty aud is none":                     good(token("partner", "orders/read", []string{})).under(both),
		"a null aud is none":                       good(token("partner", "orders/read", null)).under(both),
		"an empty aud opens nothing":               noScope.as(token("partner", "profile", []string{})).under(both),
		"a null aud opens nothing":                 noClient.as(token("stranger", "orders/read", null)).under(both),
		"an empty string is an aud":                held.as(token("partner", "orders/read", "")).under(both),
		"and so it is in an array":                 held.as(token("partner", "orders/read", []string{""})).under(both),
		"no audience need be configured beside it": good(token("partner", "orders/read", nil)).under(only),
		"and then a token with an aud is refused":  held.as(token("partner", "orders/read", audience)).under(only),
	}.run(t)
}

// Amazon Cognito's access tokens have no aud: its guide has an API look at the
// client and at token_use.
func TestNoAudienceByClientAlone(t *testing.T) {
	t.Parallel()
	cognito := func(w *world) {
		w.issuer().Audiences = nil
		w.issuer().NoAudience = verifier.AudienceBinding{Clients: []string{"1h57kf5cpq17m0eml12EXAMPLE"}}
		w.issuer().Markers = []verifier.Marker{{Claim: "token_use", Is: []string{"access"}}}
	}
	token := func(client, use, aud any) func(*world) string {
		return having(jwkstest.Claims{"aud": aud, "client_id": client, "token_use": use, "scope": nil})
	}
	const client = "1h57kf5cpq17m0eml12EXAMPLE"
	noClient := row{setup: cognito, want: reason.WrongClient, check: "audience", detail: "the client is not among NoAudience.Clients"}
	table{
		"the client":                        good(token(client, "access", nil)).under(cognito),
		"another client":                    noClient.as(token("stranger", "access", nil)),
		"the client in another case":        noClient.as(token("1H57KF5CPQ17M0EML12EXAMPLE", "access", nil)),
		"no client":                         noClient.as(token(nil, "access", nil)),
		"a null client":                     noClient.as(token(null, "access", nil)),
		"an ID token of the client":         marked("token_use", "id").as(token(client, "id", nil)).under(cognito),
		"a token with an aud is held to it": wrongAudience(nil).as(token(client, "access", client)).under(cognito),
	}.run(t)
}

func TestClients(t *testing.T) {
	t.Parallel()
	list := clients("partner", "other")
	client := func(id any) func(*world) string { return having(jwkstest.Claims{"client_id": id}) }
	refused := row{setup: list, want: reason.WrongClient, check: "client", detail: otherClient}
	table{
		"any client by default":         good(client("stranger")),
		"no client by default":          good(client(nil)),
		"on the list":                   good(client("other")).under(list),
		"by azp":                        good(having(jwkstest.Claims{"client_id": nil, "azp": "partner"})).under(list),
		"by azp beside a null client":   good(having(jwkstest.Claims{"client_id": null, "azp": "partner"})).under(list),
		"not on the list":               refused.as(client("stranger")),
		"in another case":               refused.as(client("Partner")),
		"no client":                     refused.as(client(nil)),
		"the first client claim counts": refused.as(having(jwkstest.Claims{"client_id": "stranger", "azp": "partner"})),
		"where the client is can be said": good(having(jwkstest.Claims{"client_id": "stranger", "ext": map[string]any{"client": "partner"}})).
			under(func(w *world) { list(w); w.issuer().Claims.ClientID = []claims.Path{{"ext", "client"}} }),
	}.run(t)
}

func TestMarkers(t *testing.T) {
	t.Parallel()
	mark := func(list ...verifier.Marker) func(*world) { return func(w *world) { w.issuer().Markers = list } }
	is := mark(verifier.Marker{Claim: "purpose", Is: []string{"access_token", "at"}})
	table{
		"no markers at all":          good(having(jwkstest.Claims{"typ": "ID"})).under(func(w *world) { w.issuer().Markers = []verifier.Marker{} }),
		"what it must be, and is":    good(having(jwkstest.Claims{"purpose": "at"})).under(is),
		"what it must be, and isn't": marked("purpose", "id_token").under(is),
		"what must be there":         marked("purpose", nil).under(is),
		"of the wrong type":          marked("purpose", []string{"at"}).under(is),
		"what must not be, in a list, is something else": good(having(jwkstest.Claims{"use": []string{"id"}})).
			under(mark(verifier.Marker{Claim: "use", Not: []string{"id"}})),
	}.run(t)
}

func TestScopesRolesAndPermissionsAreWhereTheIssuerHasThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.issuer().Claims.Roles = []claims.Source{{Path: claims.Path{"realm_access", "roles"}}}
	c := expect(t, w.verifier(t), w.Token(jwkstest.Claims{
		"roles": []string{"elsewhere"}, "realm_access": map[string]any{"roles": []string{"admin"}}, "permissions": []string{"p"},
	}), "")
	assert.True(t, c.HasRole("admin"))
	assert.False(t, c.HasRole("elsewhere"))
	assert.True(t, c.HasPermission("p"), "what is not said is as by default")
}

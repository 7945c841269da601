package claims_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
)

// read is what a test expects of claims.
type read struct {
	issuer, subject, client               string
	caller                                claims.CallerType
	audiences, scopes, roles, permissions []string
}

func readOf(c *claims.Claims) read {
	return read{
		c.Issuer(), c.Subject(), c.ClientID(), c.Caller(), slices.Collect(c.Audiences()),
		slices.Collect(c.Scopes()), slices.Collect(c.Roles()), slices.Collect(c.Permissions()),
	}
}

func TestRealTokensThroughTheirMapping(t *testing.T) {
	t.Parallel()
	rolesAt := func(keys bool, path ...string) func(*claims.Mapping) {
		return func(m *claims.Mapping) { m.Roles = []claims.Source{{Path: path, Keys: keys}} }
	}
	const (
		entraV1 = "https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/"
		entraV2 = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"
		ones    = "11111111-1111-1111-1111-111111111111"
		twos    = "22222222-2222-2222-2222-222222222222"
		user    = "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ"
		web     = "75dbe77f-10a3-4e59-85fd-8c127544f17c"
		api     = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
	)
	for name, row := range map[string]struct {
		payload string // "" is the row's name
		change  func(*claims.Mapping)
		want    read
	}{
		"entra v1.0, app": {want: read{
			issuer: entraV1, subject: twos, client: ones, caller: claims.CallerApp,
			audiences: []string{"api://apim-orders"}, roles: []string{"get", "post"},
		}},
		"entra v1.0, app, without idtyp": {want: read{
			issuer: entraV1, subject: twos, client: ones, caller: claims.CallerApp,
			audiences: []string{"api://apim-orders"}, roles: []string{"get"},
		}},
		"entra v1.0, app, without any role": {want: read{
			issuer: entraV1, subject: twos, client: ones, caller: claims.CallerApp,
			audiences: []string{"api://apim-orders"},
		}},
		"entra v2.0, app": {want: read{
			issuer: entraV2, subject: "690222be-ff1a-4d56-abd1-7e4f7d38e474", client: web,
			caller: claims.CallerApp, audiences: []string{api}, roles: []string{"get", "post"},
		}},
		"entra v2.0, user": {want: read{
			issuer: entraV2, subject: user, client: web, audiences: []string{api},
			scopes: []string{"access_as_user"},
		}},
		"entra v2.0, user with a role": {want: read{
			issuer: entraV2, subject: user, client: web, audiences: []string{api},
			scopes: []string{"access_as_user"}, roles: []string{"get", "delete"},
		}},
		"entra, a scope claim as evidence of a user": {
			payload: "entra v2.0, user with a role",
			change: func(m *claims.Mapping) {
				m.Caller = append(m.Caller, claims.Evidence{Is: claims.CallerUser, Present: []string{"scp"}})
			},
			want: read{
				issuer: entraV2, subject: user, client: web, caller: claims.CallerUser, audiences: []string{api},
				scopes: []string{"access_as_user"}, roles: []string{"get", "delete"},
			},
		},
		"entra b2c": {want: read{
			issuer: "https://contoso.b2clogin.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/",
			client: "web-app", audiences: []string{"api-app"}, scopes: []string{"read", "write"},
		}},
		"auth0, app": {want: read{
			issuer: "https://login.dev.bokbasen.io/", subject: "bWQyMHlBjLb9MQBhelPZ6zhmaj3tetRb@clients",
			client: "bWQyMHlBjLb9MQBhelPZ6zhmaj3tetRb", caller: claims.CallerApp,
			audiences: []string{"https://api.dev.bokbasen.io/article/"},
		}},
		"auth0, user, RFC 9068": {want: read{
			issuer: "https://my-domain.auth0.com/", subject: "auth0|123456", client: "my_client_id",
			audiences: []string{"https://example.com/health-api", "https://my-domain.auth0.com/userinfo"},
			scopes:    []string{"openid", "profile", "read:patients", "read:admin"},
		}},
		"okta": {want: read{
			issuer: "https://acme.okta.com/oauth2/default", subject: "user@acme.com", client: "0oa1",
			audiences: []string{"api://default"}, scopes: []string{"read", "write"},
		}},
		"keycloak, roles of the realm": {
			payload: "keycloak", change: rolesAt(false, "realm_access", "roles"),
			want: read{
				issuer: "https://kc.example/realms/r", subject: "0d5b", client: "client",
				audiences: []string{"my-api", "account"}, scopes: []string{"profile", "email"}, roles: []string{"user"},
			},
		},
		"keycloak, roles of the client": {
			payload: "keycloak", change: rolesAt(false, "resource_access", "my-api", "roles"),
			want: read{
				issuer: "https://kc.example/realms/r", subject: "0d5b", client: "client",
				audiences: []string{"my-api", "account"}, scopes: []string{"profile", "email"}, roles: []string{"read"},
			},
		},
		"keycloak, clients as roles": {
			payload: "keycloak", change: rolesAt(true, "resource_access"),
			want: read{
				issuer: "https://kc.example/realms/r", subject: "0d5b", client: "client",
				audiences: []string{"my-api", "account"}, scopes: []string{"profile", "email"}, roles: []string{"my-api", "account"},
			},
		},
		"cognito": {want: read{
			issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", subject: "clientid",
			client: "clientid", scopes: []string{"orders/read", "orders/write"},
		}},
		"pingfederate": {want: read{
			issuer: "https://pf", subject: "perf-user-042", client: "perf-agent-3",
			audiences: []string{"https://mcp.example/mcp"}, scopes: []string{"mcp:tools:invoke"},
		}},
		"hydra": {want: read{issuer: "https://hydra/", subject: "c", client: "c", scopes: []string{"read"}}},
		"hydra, both scope claims, the string empty": {want: read{issuer: "https://hydra/", subject: "c", client: "c"}},
		"hydra, scp first": {
			payload: "hydra, both scope claims, the string empty",
			change:  func(m *claims.Mapping) { slices.Reverse(m.Scopes) },
			want:    read{issuer: "https://hydra/", subject: "c", client: "c", scopes: []string{"read"}},
		},
		"zitadel": {
			change: rolesAt(true, "urn:zitadel:iam:org:project:roles"),
			want: read{
				issuer: "https://z.example", subject: "user-1", audiences: []string{"project-1", "client-1"},
				roles: []string{"admin", "read,er"},
			},
		},
		"dex": {change: rolesAt(false, "groups"), want: read{
			issuer: "https://dex", subject: "Cg", audiences: []string{"client"},
			roles: []string{"g"},
		}},
		"curity": {want: read{
			issuer: "https://id/oauth/v2/oauth-anonymous", subject: "demouser", audiences: []string{"api.example.com"},
			scopes: []string{"openid", "profile", "orders"},
		}},
		"forgerock": {change: func(m *claims.Mapping) {
			m.Caller = []claims.Evidence{{Is: claims.CallerApp, Claim: "grant_type", Equals: "client_credentials"}}
			m.ClientID = []claims.Path{{"sub"}}
		}, want: read{
			issuer: "https://x.forgeblocks.com:443/am/oauth2/alpha", subject: "a2b3", client: "a2b3", caller: claims.CallerApp,
			audiences: []string{"svc"}, scopes: []string{"mail"},
		}},
		"kubernetes": {change: func(m *claims.Mapping) {
			m.ClientID = []claims.Path{{"kubernetes.io", "serviceaccount", "name"}}
		}, want: read{
			issuer: "https://kubernetes.default.svc.cluster.local", subject: "system:serviceaccount:ns:sa", client: "sa",
			audiences: []string{"https://api.example.com"},
		}},
		"github actions": {want: read{
			issuer:  "https://token.actions.githubusercontent.com",
			subject: "repo:octo@123/api@456:ref:refs/heads/main", audiences: []string{"https://api.example.com"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row.payload == "" {
				row.payload = name
			}
			m := claims.DefaultMapping()
			if row.change != nil {
				row.change(&m)
			}
			c, err := claims.Parse(payload(t, row.payload), m)
			require.NoError(t, err)
			if row.want.caller == "" {
				row.want.caller = claims.CallerUnknown
			}
			assert.Equal(t, row.want, readOf(c))
		})
	}
}

func TestTheDefaultMappingIsValidAndTheCallersOwn(t *testing.T) {
	t.Parallel()
	m := claims.DefaultMapping()
	require.NoError(t, m.Validate())
	m.Scopes[0].Path[0], m.Caller[0].Equals, m.ClientID[0][0] = "x", "x", "x"
	again := claims.DefaultMapping()
	assert.Equal(t, "scope", again.Scopes[0].Path[0])
	assert.Equal(t, "app", again.Caller[0].Equals)
	assert.Equal(t, "client_id", again.ClientID[0][0])
}

// nothing maps nothing: its lists are empty, but not nil.
func nothing() claims.Mapping {
	return claims.Mapping{
		Scopes: []claims.Source{}, Roles: []claims.Source{}, Permissions: []claims.Source{}, ClientID: []claims.Path{}, Caller: []claims.Evidence{},
	}
}

func TestAListThatIsNilIsTheDefaultOne(t *testing.T) {
	t.Parallel()
	const payload = `{"iss":"i","scope":"a","roles":["r"],"permissions":["p"],"client_id":"c","idtyp":"app"}`
	for name, row := range map[string]struct {
		set  func(m *claims.Mapping)
		want read
	}{
		"none is nil":     {func(*claims.Mapping) {}, read{issuer: "i", caller: claims.CallerUnknown}},
		"every one":       {func(m *claims.Mapping) { *m = claims.Mapping{} }, read{"i", "", "c", claims.CallerApp, nil, []string{"a"}, []string{"r"}, []string{"p"}}},
		"the scopes":      {func(m *claims.Mapping) { m.Scopes = nil }, read{issuer: "i", caller: claims.CallerUnknown, scopes: []string{"a"}}},
		"the roles":       {func(m *claims.Mapping) { m.Roles = nil }, read{issuer: "i", caller: claims.CallerUnknown, roles: []string{"r"}}},
		"the permissions": {func(m *claims.Mapping) { m.Permissions = nil }, read{issuer: "i", caller: claims.CallerUnknown, permissions: []string{"p"}}},
		"the client":      {func(m *claims.Mapping) { m.ClientID = nil }, read{issuer: "i", caller: claims.CallerUnknown, client: "c"}},
		"the caller":      {func(m *claims.Mapping) { m.Caller = nil }, read{issuer: "i", caller: claims.CallerApp}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := nothing()
			row.set(&m)
			require.NoError(t, m.Validate())
			c, err := claims.Parse([]byte(payload), m)
			require.NoError(t, err)
			assert.Equal(t, row.want, readOf(c))
		})
	}
}

func TestValidateReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	err := claims.Mapping{
		Scopes:      []claims.Source{{Path: claims.Path{"scope"}}, {}},
		Roles:       []claims.Source{{Path: claims.Path{"realm_access", ""}}},
		Permissions: []claims.Source{{Path: claims.Path{""}, Keys: true}},
		ClientID:    []claims.Path{{}, {"azp"}},
		Caller: []claims.Evidence{
			{Claim: "idtyp", Equals: "app"},
			{Is: claims.CallerApp, Claim: "idtyp"},
			{Is: claims.CallerApp, Equals: "app"},
			{Is: claims.CallerUser},
			{Is: claims.CallerUser, Present: []string{""}},
			{Is: claims.CallerUser, Absent: []string{"a", ""}},
			{Is: claims.CallerUser, Absent: []string{"a"}},
			{Is: claims.CallerUnknown, Absent: []string{"a"}},
		},
	}.Validate()
	require.Error(t, err)
	const path, pair, empty, is = "needs at least one segment", "set both or neither", "empty claim", "Is must be CallerApp or CallerUser"
	want := [][2]string{
		{"Scopes[1].Path", path},
		{"Roles[0].Path", path},
		{"Permissions[0].Path", path},
		{"ClientID[0]", path},
		{"Caller[0]", is},
		{"Caller[1]", pair},
		{"Caller[2]", pair},
		{"Caller[3]", "at least one condition"},
		{"Caller[4]", empty},
		{"Caller[5]", empty},
		{"Caller[7]", is},
	}
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, len(want))
	for i, line := range lines {
		assert.Contains(t, line, "claims: Mapping."+want[i][0]+": ")
		assert.Contains(t, line, want[i][1])
	}
}

func TestTheFirstClientClaimThatIsPresentCounts(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]string{
		`{"cid":"d","appid":"c","azp":"b","client_id":"a"}`: "a",
		`{"cid":"d","appid":"c","azp":"b"}`:                 "b",
		`{"cid":"d","appid":"c"}`:                           "c",
		`{"cid":"d"}`:                                       "d",
		`{"client_id":"","azp":"b"}`:                        "",
		`{"Client_ID":"x"}`:                                 "",
	} {
		assert.Equal(t, want, parse(t, payload).ClientID(), payload)
	}
}

func TestCallerEvidence(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]claims.CallerType{
		`{"idtyp":"app"}`:                                     claims.CallerApp,
		`{"idtyp":"app","scp":"x"}`:                           claims.CallerApp,
		`{"idtyp":"user"}`:                                    claims.CallerUser,
		`{"idtyp":"user","roles":["get"]}`:                    claims.CallerUser,
		`{"idtyp":"App"}`:                                     claims.CallerUnknown,
		`{"idtyp":["app"]}`:                                   claims.CallerUnknown,
		`{"idtyp":"device","roles":["get"]}`:                  claims.CallerUnknown,
		`{"gty":"client-credentials"}`:                        claims.CallerApp,
		`{"gty":"client-credentials","scope":"read"}`:         claims.CallerApp,
		`{"gty":"password","roles":["get"]}`:                  claims.CallerUnknown,
		`{"gty":["client-credentials"],"roles":["get"]}`:      claims.CallerUnknown,
		`{"roles":["get"]}`:                                   claims.CallerApp,
		`{"roles":[]}`:                                        claims.CallerApp,
		`{"roles":["get"],"scp":"x"}`:                         claims.CallerUnknown,
		`{"roles":["get"],"scope":""}`:                        claims.CallerUnknown,
		`{"scope":"read"}`:                                    claims.CallerUnknown,
		`{"sub":"x"}`:                                         claims.CallerUnknown,
		`{"idtyp":"user","gty":"client-credentials","x":"y"}`: claims.CallerUser,
	} {
		assert.Equal(t, want, parse(t, payload).Caller(), payload)
	}
}

func TestEvidenceHoldsOnlyIfEveryConditionDoes(t *testing.T) {
	t.Parallel()
	every := func(m *claims.Mapping) {
		m.Caller = []claims.Evidence{{
			Is: claims.CallerUser, Claim: "token_use", Equals: "access",
			Present: []string{"username", "auth_time"}, Absent: []string{"client_only", "bot"},
		}}
	}
	assert.Equal(t, claims.CallerUser, parse(t, `{"token_use":"access","username":"u","auth_time":1}`, every).Caller())
	for _, payload := range []string{
		`{"token_use":"id","username":"u","auth_time":1}`, `{"username":"u","auth_time":1}`,
		`{"token_use":"access","auth_time":1}`, `{"token_use":"access","username":"u"}`,
		`{"token_use":"access","username":"u","auth_time":1,"bot":null}`,
	} {
		assert.Equal(t, claims.CallerUnknown, parse(t, payload, every).Caller(), payload)
	}
}

package claims_test

import (
	"encoding/json"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
)

// payloads are what real issuers put in their tokens, by testdata's names.
var payloads = sync.OnceValues(func() (map[string]json.RawMessage, error) {
	data, err := os.ReadFile("testdata/payloads.json")
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	return all, json.Unmarshal(data, &all)
})

func payload(tb testing.TB, name string) []byte {
	tb.Helper()
	all, err := payloads()
	require.NoError(tb, err)
	require.Contains(tb, all, name)
	return all[name]
}

// parse reads a payload with the default mapping, changed if wanted.
func parse(tb testing.TB, payload string, change ...func(*claims.Mapping)) *claims.Claims {
	tb.Helper()
	m := claims.DefaultMapping()
	for _, f := range change {
		f(&m)
	}
	c, err := claims.Parse([]byte(payload), m)
	require.NoError(tb, err)
	return c
}

// read is what a test expects of claims.
type read struct {
	issuer, subject, client               string
	caller                                claims.CallerType
	audiences, scopes, roles, permissions []string
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
			got := read{
				c.Issuer(), c.Subject(), c.ClientID(), c.Caller(), slices.Collect(c.Audiences()),
				slices.Collect(c.Scopes()), slices.Collect(c.Roles()), slices.Collect(c.Permissions()),
			}
			assert.Equal(t, row.want, got)
		})
	}
}

func TestRegisteredClaimsAreDecodedOnce(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"iss":"https:\/\/issuer.example\/","sub":"s","jti":"id-1","aud":["a","b"],
		"exp":1700003600.5,"nbf":0,"iat":1.7e9,"permissions":"p:1 p:2","roles":["r"]}`)
	assert.Equal(t, "https://issuer.example/", c.Issuer(), "escapes are decoded")
	assert.Equal(t, "id-1", c.ID())
	assert.Equal(t, time.Date(2023, 11, 14, 23, 13, 20, 500_000_000, time.UTC), c.ExpiresAt(), "33 a fraction")
	assert.Equal(t, time.Unix(0, 0).UTC(), c.NotBefore())
	assert.False(t, c.NotBefore().IsZero(), "the year 1970 is not an absent claim")
	assert.Equal(t, time.Unix(1_700_000_000, 0).UTC(), c.IssuedAt())
	assert.True(t, c.HasAudience("b"))
	assert.True(t, c.HasPermission("p:2"))
	assert.True(t, c.HasRole("r"))
	assert.False(t, c.HasPermission("r"), "a role is no permission")
	assert.False(t, c.HasRole("p:2"), "a permission is no role")
	assert.False(t, c.HasScope("p:2"), "a permission is no scope")
}

func TestAudiencesAreComparedByteForByte(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"aud":"https://api.example/orders~x"}`)
	assert.True(t, c.HasAudience("https://api.example/orders~x"))
	for name, other := range map[string]string{
		"34 a slash more":      "https://api.example/orders~x/",
		"34 an escape":         "https://api.example/orders%7Ex",
		"34 another case":      "https://API.example/orders~x",
		"34 the default port":  "https://api.example:443/orders~x",
		"35 a prefix":          "https://api.example/orders",
		"35 a part":            "api.example",
		"35 no audience given": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.False(t, c.HasAudience(other))
		})
	}
	for name, payload := range map[string]string{
		"35 an empty array": `{"aud":[]}`, "35 an empty string": `{"aud":""}`, "35 an array of an empty string": `{"aud":[""]}`, "no aud": `{}`,
	} {
		t.Run(name+" is nobody", func(t *testing.T) {
			t.Parallel()
			c := parse(t, payload)
			assert.False(t, c.HasAudience(""))
			assert.Empty(t, slices.Collect(c.Audiences()))
		})
	}
}

func TestAnAudienceWithASpaceIsOneAudience(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"aud":"a b"}`)
	assert.True(t, c.HasAudience("a b"))
	assert.False(t, c.HasAudience("a"))
}

func TestSizeCountsPayloadIndexAndNames(t *testing.T) {
	t.Parallel()
	const one, two = `{"scope":"a"}`, `{"scope":"a b"}`
	assert.Equal(t, len(one)+16+16, parse(t, one).Size())
	assert.Equal(t, len(two)+16+2*16, parse(t, two).Size())
	assert.Zero(t, (*claims.Claims)(nil).Size())
}

func TestNilClaimsSayNothing(t *testing.T) {
	t.Parallel()
	var c *claims.Claims
	assert.Empty(t, c.Issuer()+c.Subject()+c.ID()+c.ClientID())
	assert.True(t, c.ExpiresAt().IsZero() && c.NotBefore().IsZero() && c.IssuedAt().IsZero())
	assert.Equal(t, claims.CallerUnknown, c.Caller())
	assert.False(t, c.HasAudience("") || c.HasScope("") || c.HasRole("") || c.HasPermission(""))
	assert.Empty(t, slices.Collect(c.Audiences()))
	assert.Empty(t, slices.Collect(c.Scopes()))
	assert.Empty(t, slices.Collect(c.Roles()))
	assert.Empty(t, slices.Collect(c.Permissions()))
	assert.False(t, c.Has("iss"))
	_, ok := c.Value("iss")
	assert.False(t, ok)
	assert.ErrorContains(t, c.Decode(&struct{}{}), "authenticated")
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		payload string
		want    []string
	}{
		"words between single spaces":          {`{"scope":"a b c"}`, []string{"a", "b", "c"}},
		"more spaces hold no empty scope":      {`{"scope":"  a   b "}`, []string{"a", "b"}},
		"a repeated word stays repeated":       {`{"scope":"a b a"}`, []string{"a", "b", "a"}},
		"only the space separates":             {"{\"scope\":\"a\\tb\\nc,d\u00a0e\"}", []string{"a\tb\nc,d\u00a0e"}},
		"an array":                             {`{"scope":["a","b"]}`, []string{"a", "b"}},
		"an element of an array is not split":  {`{"scope":["a b",""]}`, []string{"a b"}},
		"the first source that is present":     {`{"scp":"b","scope":"a"}`, []string{"a"}},
		"the second if the first is absent":    {`{"scp":"b"}`, []string{"b"}},
		"an empty string is present: no union": {`{"scope":"","scp":["b"]}`, nil},
		"an empty array is present: no union":  {`{"scope":[],"scp":["b"]}`, nil},
		"none":                                 {`{"Scope":"a","SCOPE":"b"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, slices.Collect(parse(t, row.payload).Scopes()))
		})
	}
}

func TestScopesAreCaseSensitiveAndHaveNoOrder(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"scope":"orders.read Orders.Write"}`)
	rule := claims.AllScopes("Orders.Write", "orders.read")
	t.Run("15 the order does not matter", func(t *testing.T) {
		t.Parallel()
		assert.True(t, rule.Check(c).Allowed)
		repeated := parse(t, `{"scope":"orders.read x Orders.Write orders.read Orders.Write"}`)
		assert.True(t, rule.Check(repeated).Allowed, "nor does repetition")
	})
	t.Run("15 the case does, and the whole word", func(t *testing.T) {
		t.Parallel()
		assert.True(t, c.HasScope("Orders.Write"))
		assert.False(t, claims.AllScopes("orders.write").Check(c).Allowed)
		for _, other := range []string{"orders.write", "ORDERS.READ", "orders", "orders.read Orders.Write", "orders.read ", ""} {
			assert.False(t, c.HasScope(other), "%q", other)
		}
	})
}

func TestARoleInAStringIsOneRole(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"roles":"get post","permissions":"get post","gty":"client-credentials"}`)
	assert.Equal(t, []string{"get post"}, slices.Collect(c.Roles()))
	assert.False(t, c.HasRole("get"))
	assert.True(t, claims.AnyRole("get post").Check(c).Allowed, "a role may have a space in it")
	assert.Equal(t, []string{"get", "post"}, slices.Collect(c.Permissions()))
	assert.Empty(t, slices.Collect(parse(t, `{"roles":""}`).Roles()))
}

func TestClaimsServeManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	c := parse(t, string(payload(t, "entra v1.0, app")))
	rule := claims.AllOf(claims.AppOnly(), claims.AnyRole("get"), claims.Equals("1.0", "ver"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				assert.True(t, rule.Check(c).Allowed)
				var own map[string]any
				assert.NoError(t, c.Decode(&own))
				own["iss"] = "changed"
				roles, _ := c.Strings("roles")
				roles[0] = "changed"
			}
		})
	}
	wg.Wait()
	assert.Equal(t, "https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/", c.Issuer())
}

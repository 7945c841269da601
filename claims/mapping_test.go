package claims_test

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

// read is what a test expects of claims.
type read struct {
	Issuer, Subject, Client               string
	Caller                                claims.CallerType
	Audiences, Scopes, Roles, Permissions []string
}

func readOf(c *claims.Claims) read {
	return read{
		c.Issuer(), c.Subject(), c.ClientID(), c.Caller(), slices.Collect(c.Audiences()),
		slices.Collect(c.Scopes()), slices.Collect(c.Roles()), slices.Collect(c.Permissions()),
	}
}

// What is read of real tokens is in testdata/claims.json. Here is what their
// issuers need beside the default mapping.
func TestRealTokensThroughTheirMapping(t *testing.T) {
	t.Parallel()
	rolesAt := func(keys bool, path ...string) func(*claims.Mapping) {
		return func(m *claims.Mapping) { m.Roles = []claims.Source{{Path: path, Keys: keys}} }
	}
	changes := map[string]func(*claims.Mapping){
		"entra, a scope claim as evidence of a user": func(m *claims.Mapping) {
			m.Caller = append(m.Caller, claims.Evidence{Is: claims.CallerUser, Present: []string{"scp"}})
		},
		"keycloak, roles of the realm":  rolesAt(false, "realm_access", "roles"),
		"keycloak, roles of the client": rolesAt(false, "resource_access", "my-api", "roles"),
		"keycloak, clients as roles":    rolesAt(true, "resource_access"),
		"hydra, scp first":              func(m *claims.Mapping) { slices.Reverse(m.Scopes) },
		"zitadel":                       rolesAt(true, "urn:zitadel:iam:org:project:roles"),
		"dex":                           rolesAt(false, "groups"),
		"forgerock": func(m *claims.Mapping) {
			m.Caller = []claims.Evidence{{Is: claims.CallerApp, Claim: "grant_type", Equals: "client_credentials"}}
			m.ClientID = []claims.Path{{"sub"}}
		},
		"kubernetes": func(m *claims.Mapping) { m.ClientID = []claims.Path{{"kubernetes.io", "serviceaccount", "name"}} },
	}
	data, err := os.ReadFile("testdata/claims.json")
	require.NoError(t, err)
	var rows map[string]struct {
		Payload string // "" is the row's name
		read
	}
	require.NoError(t, json.Unmarshal(data, &rows))
	require.Greater(t, len(rows), 24)
	for name := range changes {
		require.Contains(t, rows, name)
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := changes[name]
			if change == nil {
				change = func(*claims.Mapping) {}
			}
			assert.Equal(t, row.read, readOf(parse(t, string(payload(t, cmp.Or(row.Payload, name))), change)))
		})
	}
}

func TestTheDefaultMappingIsValidAndTheCallersOwn(t *testing.T) {
	t.Parallel()
	m := claims.DefaultMapping()
	require.NoError(t, m.Validate())
	m.Scopes[0].Path[0], m.Caller[0].Equals, m.ClientID[0][0], m.ID[0][0] = "x", "x", "x", "x"
	again := claims.DefaultMapping()
	assert.Equal(t, "scope", again.Scopes[0].Path[0])
	assert.Equal(t, "app", again.Caller[0].Equals)
	assert.Equal(t, "client_id", again.ClientID[0][0])
	assert.Equal(t, "jti", again.ID[0][0])
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
		"none is nil":     {func(*claims.Mapping) {}, read{Issuer: "i"}},
		"every one":       {func(m *claims.Mapping) { *m = claims.Mapping{} }, read{"i", "", "c", claims.CallerApp, nil, []string{"a"}, []string{"r"}, []string{"p"}}},
		"the scopes":      {func(m *claims.Mapping) { m.Scopes = nil }, read{Issuer: "i", Scopes: []string{"a"}}},
		"the roles":       {func(m *claims.Mapping) { m.Roles = nil }, read{Issuer: "i", Roles: []string{"r"}}},
		"the permissions": {func(m *claims.Mapping) { m.Permissions = nil }, read{Issuer: "i", Permissions: []string{"p"}}},
		"the client":      {func(m *claims.Mapping) { m.ClientID = nil }, read{Issuer: "i", Client: "c"}},
		"the caller":      {func(m *claims.Mapping) { m.Caller = nil }, read{Issuer: "i", Caller: claims.CallerApp}},
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

func TestTheIdentifierIsTheFirstOfItsClaimsThatIsPresent(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		ids     []claims.Path
		payload string
		want    string
	}{
		"jti by default":                     {nil, `{"jti":"j","uti":"u"}`, "j"},
		"the first that is mapped":           {[]claims.Path{{"uti"}, {"jti"}}, `{"jti":"j","uti":"u"}`, "u"},
		"the second where the first is not":  {[]claims.Path{{"uti"}, {"jti"}}, `{"jti":"j"}`, "j"},
		"null is absent":                     {[]claims.Path{{"uti"}, {"jti"}}, `{"jti":"j","uti":null}`, "j"},
		"none where the mapping names none":  {[]claims.Path{}, `{"jti":"j"}`, ""},
		"none where none of them is present": {[]claims.Path{{"uti"}}, `{"jti":"j"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := claims.Parse([]byte(row.payload), claims.Mapping{ID: row.ids})
			require.NoError(t, err)
			assert.Equal(t, row.want, c.ID())
		})
	}
	_, err := claims.Parse([]byte(`{"uti":7}`), claims.Mapping{ID: []claims.Path{{"uti"}}})
	assert.ErrorIs(t, err, reason.MalformedClaims)
}

func TestValidateReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	err := claims.Mapping{
		Scopes:      []claims.Source{{Path: claims.Path{"scope"}}, {}},
		Roles:       []claims.Source{{Path: claims.Path{"realm_access", ""}, Prefix: "a:"}},
		Permissions: []claims.Source{{Path: claims.Path{""}, Keys: true}},
		ClientID:    []claims.Path{{}, {"azp"}},
		ID:          []claims.Path{{"jti"}, {""}},
		Caller: []claims.Evidence{
			{Claim: "idtyp", Equals: "app"},
			{Is: claims.CallerApp, Claim: "idtyp"},
			{Is: claims.CallerApp, Equals: "app"},
			{Is: claims.CallerUser},
			{Is: claims.CallerUser, Present: []string{""}},
			{Is: claims.CallerUser, Absent: []string{"a", ""}},
			{Is: claims.CallerUser, Absent: []string{"a"}},
			{Is: "robot", Absent: []string{"a"}},
		},
	}.Validate()
	require.Error(t, err)
	const path, pair, empty, is = "needs at least one segment", "set both or neither", "empty claim", "Is must be CallerApp or CallerUser"
	want := [][2]string{
		{"Scopes[1].Path", path},
		{"Roles[0].Path", path},
		{"Permissions[0].Path", path},
		{"ClientID[0]", path},
		{"ID[1]", path},
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

// keycloak is the realm's roles beside those of two clients.
func keycloak(m *claims.Mapping) {
	m.UnionOfRoles = true
	m.Roles = []claims.Source{
		{Path: claims.Path{"realm_access", "roles"}, Prefix: "realm:"},
		{Path: claims.Path{"resource_access", "orders", "roles"}},
		{Path: claims.Path{"resource_access", "my.billing", "roles"}, Prefix: "billing:"},
	}
}

func TestAUnionOfRolesHasThoseOfEverySourceThatIsPresent(t *testing.T) {
	t.Parallel()
	const other = `"account":{"roles":["manage-account","admin"]}`
	for name, row := range map[string]struct {
		payload string
		want    []string
	}{
		"all of them":                           {`{"realm_access":{"roles":["admin"]},"resource_access":{"orders":{"roles":["read","write"]},"my.billing":{"roles":["read"]},` + other + `}}`, []string{"realm:admin", "read", "write", "billing:read"}},
		"a client that is not named has none":   {`{"resource_access":{` + other + `}}`, nil},
		"the first alone":                       {`{"realm_access":{"roles":["admin"]}}`, []string{"realm:admin"}},
		"the last alone":                        {`{"resource_access":{"my.billing":{"roles":["read"]}}}`, []string{"billing:read"}},
		"one that is empty hides no other":      {`{"realm_access":{"roles":[]},"resource_access":{"orders":{"roles":["read"]}}}`, []string{"read"}},
		"and neither does one that is null":     {`{"realm_access":null,"resource_access":{"orders":null,"my.billing":{"roles":["read"]}}}`, []string{"billing:read"}},
		"a string is one role, and has it too":  {`{"realm_access":{"roles":"a b"}}`, []string{"realm:a b"}},
		"an empty role gets none":               {`{"realm_access":{"roles":["","x"]}}`, []string{"realm:x"}},
		"a dot is no path":                      {`{"resource_access":{"my":{"billing":{"roles":["read"]}}},"resource_access.orders.roles":["read"]}`, nil},
		"roles at the top are none of it":       {`{"roles":["admin"]}`, nil},
		"scopes are first present all the same": {`{"scope":"a","scp":"b","realm_access":{"roles":["x"]}}`, []string{"realm:x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, row.payload, keycloak)
			assert.Equal(t, row.want, slices.Collect(c.Roles()))
			assert.False(t, c.HasScope("b"))
			assert.False(t, c.HasRole("admin"))
		})
	}
	c := parse(t, `{"realm_access":{"roles":["admin"]}}`, keycloak)
	assert.True(t, claims.AnyRole("realm:admin").Check(c).Allowed)
	assert.False(t, claims.AnyRole("admin").Check(c).Allowed)
}

func TestAMalformedSourceOfAUnionIsMalformed(t *testing.T) {
	t.Parallel()
	m := claims.DefaultMapping()
	keycloak(&m)
	_, err := claims.Parse([]byte(`{"realm_access":{"roles":["admin"]},"resource_access":{"my.billing":{"roles":{"read":1}}}}`), m)
	require.ErrorIs(t, err, reason.MalformedClaims)
	assert.ErrorContains(t, err, `"resource_access.my.billing.roles"`)
}

func TestWithoutTheWordRolesAreThoseOfTheFirstSource(t *testing.T) {
	t.Parallel()
	first := func(m *claims.Mapping) { keycloak(m); m.UnionOfRoles = false }
	const both = `{"realm_access":{"roles":["admin"]},"resource_access":{"orders":{"roles":["read"]}}}`
	assert.Equal(t, []string{"realm:admin"}, slices.Collect(parse(t, both, first).Roles()), "a prefix goes without a union")
	assert.Empty(t, slices.Collect(parse(t, `{"realm_access":{"roles":[]},"resource_access":{"orders":{"roles":["read"]}}}`, first).Roles()))
}

func TestMistakesInAUnion(t *testing.T) {
	t.Parallel()
	at := func(prefix string, path ...string) claims.Source {
		return claims.Source{Path: path, Prefix: prefix}
	}
	for name, row := range map[string]struct {
		mapping claims.Mapping
		want    string
	}{
		"of nothing":                  {claims.Mapping{UnionOfRoles: true}, "claims: Mapping.UnionOfRoles: name at least two sources in Roles"},
		"of one":                      {claims.Mapping{UnionOfRoles: true, Roles: []claims.Source{at("", "roles")}}, "claims: Mapping.UnionOfRoles: name at least two sources in Roles"},
		"of the same twice":           {claims.Mapping{UnionOfRoles: true, Roles: []claims.Source{at("", "roles"), at("a:", "roles")}}, "claims: Mapping.Roles[1].Path: the same as that of Roles[0]"},
		"with a prefix of a prefix":   {claims.Mapping{UnionOfRoles: true, Roles: []claims.Source{at("a:b:", "x"), at("a:", "y")}}, "claims: Mapping.Roles[0].Prefix: begins with that of Roles[1], so that a role could be read as one of either"},
		"scopes with a prefix":        {claims.Mapping{Scopes: []claims.Source{at("", "scope"), at("a:", "scp")}}, "claims: Mapping.Scopes[1].Prefix: only roles have a prefix"},
		"permissions with a prefix":   {claims.Mapping{Scopes: []claims.Source{}, Permissions: []claims.Source{at("a:", "permissions")}}, "claims: Mapping.Permissions[0].Prefix: only roles have a prefix"},
		"with one prefix for several": {claims.Mapping{UnionOfRoles: true, Roles: []claims.Source{at("a:", "x"), at("a:", "y"), at("", "z")}}, ""},
	} {
		err := row.mapping.Validate()
		if row.want == "" {
			assert.NoError(t, err, name)
		} else {
			assert.EqualError(t, err, row.want, name)
		}
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
	assert.Equal(t, claims.CallerUser, parse(t, `{"token_use":"access","username":"u","auth_time":1,"bot":null}`, every).Caller())
	for _, payload := range []string{
		`{"token_use":"id","username":"u","auth_time":1}`, `{"username":"u","auth_time":1}`,
		`{"token_use":"access","auth_time":1}`, `{"token_use":"access","username":"u"}`,
		`{"token_use":"access","username":"u","auth_time":1,"bot":false}`, `{"token_use":"access","username":null,"auth_time":1}`,
	} {
		assert.Equal(t, claims.CallerUnknown, parse(t, payload, every).Caller(), payload)
	}
}

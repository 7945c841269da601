package claims_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
)

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

func TestWithDefaultsFillsWhatIsNilAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	filled, want := claims.Mapping{OpenToAnyClient: true}.WithDefaults(), claims.DefaultMapping()
	want.OpenToAnyClient = true
	assert.Equal(t, want, filled)

	own := claims.Mapping{
		Scopes: []claims.Source{}, Roles: []claims.Source{{Path: claims.Path{"groups"}}}, Permissions: []claims.Source{},
		ClientID: []claims.Path{}, Caller: []claims.Evidence{},
	}
	assert.Equal(t, own, own.WithDefaults(), "an empty list is a choice")
}

func TestTheZeroMappingMapsNothing(t *testing.T) {
	t.Parallel()
	require.NoError(t, claims.Mapping{}.Validate())
	c, err := claims.Parse([]byte(`{"iss":"i","scope":"a","roles":["r"],"permissions":["p"],"client_id":"c","idtyp":"app"}`), claims.Mapping{})
	require.NoError(t, err)
	assert.Equal(t, "i", c.Issuer())
	assert.False(t, c.HasScope("a") || c.HasRole("r") || c.HasPermission("p"))
	assert.Empty(t, c.ClientID())
	assert.Equal(t, claims.CallerUnknown, c.Caller())
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
			{Is: claims.CallerUser + 1, Absent: []string{"a"}},
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

func TestCallerTypesHaveNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "app", claims.CallerApp.String())
	assert.Equal(t, "user", claims.CallerUser.String())
	assert.Equal(t, "unknown", claims.CallerUnknown.String())
	assert.Equal(t, "unknown", claims.CallerType(9).String())
}

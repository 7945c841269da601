package claims_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/reason"
)

func TestClaimsOfTheWrongTypeAreMalformed(t *testing.T) {
	t.Parallel()
	nested := func(m *claims.Mapping) {
		m.Roles = []claims.Source{{Path: claims.Path{"realm_access", "roles"}}}
		m.ClientID = []claims.Path{{"client", "id"}}
	}
	keys := func(m *claims.Mapping) { m.Roles = []claims.Source{{Path: claims.Path{"urn:roles"}, Keys: true}} }
	for name, row := range map[string]struct {
		payload string
		change  func(*claims.Mapping)
		claim   string
		want    string
	}{
		"33 exp is a string":                 {`{"exp":"secret"}`, nil, "exp", "a number of seconds"},
		"33 exp is a number in a string":     {`{"exp":"1700000000"}`, nil, "exp", "a number of seconds"},
		"33 exp is null":                     {`{"exp":null}`, nil, "exp", "a number of seconds"},
		"33 exp is true":                     {`{"exp":true}`, nil, "exp", "a number of seconds"},
		"33 exp is an array":                 {`{"exp":[1700000000]}`, nil, "exp", "a number of seconds"},
		"33 exp overflows":                   {`{"exp":1e400}`, nil, "exp", "a number of seconds"},
		"33 exp is huge":                     {`{"exp":1e300}`, nil, "exp", "before the year 10000"},
		"33 exp is 2^63":                     {`{"exp":9223372036854775808}`, nil, "exp", "before the year 10000"},
		"33 exp is in milliseconds":          {`{"exp":1700003600000}`, nil, "exp", "milliseconds"},
		"33 exp is the year 10000":           {`{"exp":253402300800}`, nil, "exp", "before the year 10000"},
		"33 exp lies before 1970":            {`{"exp":-1}`, nil, "exp", "since 1970"},
		"33 exp lies just before 1970":       {`{"exp":-1e-9}`, nil, "exp", "since 1970"},
		"33 nbf is a string":                 {`{"nbf":"0"}`, nil, "nbf", "a number of seconds"},
		"33 nbf is in milliseconds":          {`{"nbf":1700003600000}`, nil, "nbf", "milliseconds"},
		"33 iat is an object":                {`{"iat":{}}`, nil, "iat", "a number of seconds"},
		"33 iat is minus a lot":              {`{"iat":-1e308}`, nil, "iat", "since 1970"},
		"35 aud holds a number":              {`{"aud":[1]}`, nil, "aud", "a string or an array of strings"},
		"35 aud holds a number beside names": {`{"aud":["a",1]}`, nil, "aud", "a string or an array of strings"},
		"35 aud holds an array":              {`{"aud":[["a"]]}`, nil, "aud", "a string or an array of strings"},
		"33 nbf is null":                     {`{"nbf":null}`, nil, "nbf", "a number of seconds"},
		"33 iat is null":                     {`{"iat":null}`, nil, "iat", "a number of seconds"},
		"35 aud holds null":                  {`{"aud":[null]}`, nil, "aud", "a string or an array of strings"},
		"35 aud is an object":                {`{"aud":{"a":"b"}}`, nil, "aud", "a string or an array of strings"},
		"35 aud is a number":                 {`{"aud":1}`, nil, "aud", "a string or an array of strings"},
		"iss is a number":                    {`{"iss":1}`, nil, "iss", "want a string"},
		"iss is an array":                    {`{"iss":["secret"]}`, nil, "iss", "want a string"},
		"jti is an object":                   {`{"jti":{}}`, nil, "jti", "want a string"},
		"the client is a number":             {`{"client_id":1,"azp":"a"}`, nil, "client_id", "want a string"},
		"the client, nested, is a number":    {`{"client":{"id":7}}`, nested, "client.id", "want a string"},
		"scope is a number":                  {`{"scope":1}`, nil, "scope", "a string or an array of strings"},
		"scope is an object":                 {`{"scope":{"secret":1}}`, nil, "scope", "a string or an array of strings"},
		"scp holds null":                     {`{"scp":["a",null]}`, nil, "scp", "a string or an array of strings"},
		"roles is true":                      {`{"roles":true}`, nil, "roles", "a string or an array of strings"},
		"permissions holds an object":        {`{"permissions":[{}]}`, nil, "permissions", "a string or an array of strings"},
		"nested roles are an object":         {`{"realm_access":{"roles":{"a":1}}}`, nested, "realm_access.roles", "a string or an array"},
		"roles by key are an array":          {`{"urn:roles":["secret"]}`, keys, "urn:roles", "an object"},
		"roles by key are a string":          {`{"urn:roles":"secret"}`, keys, "urn:roles", "an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := claims.DefaultMapping()
			if row.change != nil {
				row.change(&m)
			}
			c, err := claims.Parse([]byte(row.payload), m)
			require.ErrorIs(t, err, reason.MalformedClaims)
			assert.Nil(t, c)
			require.NotErrorIs(t, err, reason.Malformed)
			assert.ErrorContains(t, errors.Unwrap(err), row.want, "the cause alone")
			assert.Equal(t, `claims: claim "`+row.claim+`" is malformed: `+errors.Unwrap(err).Error(), err.Error())
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestClaimsThatNobodyMappedMayBeAnything(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"iss":"i","foo":null,"scopes":7,"EXP":"never","realm_access":[],"x":{"iss":1}}`)
	assert.Equal(t, "i", c.Issuer())
	assert.True(t, c.Has("x"), "38 unknown claims are ignored")
	assert.True(t, c.ExpiresAt().IsZero(), "19 EXP is not exp")
}

// Issuers write null for a caller who has none.
func TestAClaimThatIsNullIsAbsent(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"iss":null,"sub":null,"jti":null,"aud":null,"scope":null,"scp":null,"roles":null,"permissions":null,
		"client_id":null,"azp":null,"idtyp":null,"own":null,"deep":{"a":null,"b":[null]}}`)
	assert.Equal(t, read{}, readOf(c))
	assert.Empty(t, c.ID())
	for _, path := range [][]string{{"sub"}, {"own"}, {"deep", "a"}, {"own", "a"}} {
		assert.False(t, c.Has(path...), "%q", path)
		_, ok := c.Value(path...)
		assert.False(t, ok, "%q", path)
		_, ok = c.Text(path...)
		assert.False(t, ok, "%q", path)
		_, ok = c.Strings(path...)
		assert.False(t, ok, "%q", path)
	}
	deep, ok := c.Value("deep")
	assert.True(t, ok)
	assert.Equal(t, map[string]any{"a": nil, "b": []any{nil}}, deep, "within a value it is nil")

	nested := func(m *claims.Mapping) {
		m.Roles = []claims.Source{{Path: claims.Path{"realm_access", "roles"}}, {Path: claims.Path{"urn:roles"}, Keys: true}}
	}
	for name, row := range map[string]struct {
		payload string
		want    read
	}{
		"the next scope claim counts":           {`{"scope":null,"scp":["a"]}`, read{Scopes: []string{"a"}}},
		"the next client claim counts":          {`{"client_id":null,"azp":null,"appid":"c"}`, read{Client: "c"}},
		"the next source of roles counts":       {`{"realm_access":{"roles":null},"urn:roles":{"r":{}}}`, read{Roles: []string{"r"}}},
		"and so it does where an object is":     {`{"realm_access":null,"urn:roles":{"r":{}}}`, read{Roles: []string{"r"}}},
		"a key whose value is null names none":  {`{"urn:roles":{"r":null,"s":false}}`, read{Roles: []string{"s"}}},
		"an empty string is not null":           {`{"scope":"","scp":"a"}`, read{}},
		"evidence of presence does not hold":    {`{"roles":null}`, read{}},
		"evidence of absence does":              {`{"roles":["r"],"scope":null,"scp":null,"idtyp":null}`, read{Caller: claims.CallerApp}},
		"a list that is null names no audience": {`{"aud":null}`, read{}},
		"and neither does one that is empty":    {`{"aud":[]}`, read{}},
	} {
		assert.Equal(t, row.want, readOf(parse(t, row.payload, nested)), name)
	}
}

func TestTheLatestDateIsTheEndOfTheYear9999(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"exp":253402300799.5,"iat":-0}`)
	assert.Equal(t, 9999, c.ExpiresAt().Year())
	assert.Equal(t, int64(0), c.IssuedAt().Unix())
}

func TestParseRefusesPayloadsThatAreNoStrictObject(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{``, `null`, `[]`, `{"secret":1,"secret":2}`, `{"a":"secret`, "{\"a\":\"\xff\"}"} {
		c, err := claims.Parse([]byte(payload), claims.DefaultMapping())
		require.ErrorIs(t, err, reason.Malformed, payload)
		require.NotErrorIs(t, err, reason.MalformedClaims, payload)
		assert.Nil(t, c)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestParseRefusesAWrongMapping(t *testing.T) {
	t.Parallel()
	_, err := claims.Parse([]byte(`{}`), claims.Mapping{Roles: []claims.Source{{}}})
	require.ErrorContains(t, err, "claims: Mapping.Roles[0].Path")
	assert.NotErrorIs(t, err, reason.Malformed, "the token is not to blame")
}

func TestParseCopiesThePayload(t *testing.T) {
	t.Parallel()
	data := []byte(`{"iss":"issuer","scope":"read"}`)
	c, err := claims.Parse(data, claims.DefaultMapping())
	require.NoError(t, err)
	for i := range data {
		data[i] = 'x'
	}
	assert.Equal(t, "issuer", c.Issuer())
	assert.True(t, c.HasScope("read"))
	text, _ := c.Text("iss")
	assert.Equal(t, "issuer", text)
}

func TestManyNamesAreAllKept(t *testing.T) {
	t.Parallel()
	roles := `"r0"` + strings.Repeat(`,"again"`, 500) + `,"last"`
	c := parse(t, `{"aud":["a"],"scope":"s","roles":[`+roles+`],"permissions":["p"]}`)
	assert.True(t, c.HasRole("r0") && c.HasRole("last") && c.HasScope("s") && c.HasPermission("p") && c.HasAudience("a"))
	assert.Len(t, slices.Collect(c.Roles()), 502)
	assert.Equal(t, []string{"s"}, slices.Collect(c.Scopes()))
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

func TestARoleInAStringIsOneRole(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"aud":"a b","roles":"get post","permissions":"get post","gty":"client-credentials"}`)
	assert.Equal(t, []string{"a b"}, slices.Collect(c.Audiences()))
	assert.Equal(t, []string{"get post"}, slices.Collect(c.Roles()))
	assert.False(t, c.HasRole("get"))
	assert.True(t, claims.AnyRole("get post").Check(c).Allowed, "a role may have a space in it")
	assert.Equal(t, []string{"get", "post"}, slices.Collect(c.Permissions()))
	assert.Empty(t, slices.Collect(parse(t, `{"roles":""}`).Roles()))
}

// Not parallel: it counts allocations.
func TestReadingAnAppTokenAllocatesTwice(t *testing.T) {
	obj, err := strictjson.Parse(payload(t, "entra v1.0, app"))
	require.NoError(t, err)
	for _, m := range []*claims.Mapping{new(claims.Mapping), new(claims.DefaultMapping())} {
		allocs := testing.AllocsPerRun(100, func() { _, _ = vetted.Claims(obj, m) })
		assert.LessOrEqual(t, allocs, 2.0, "the Claims, and one slice for all names")
	}
}

func TestVerifiersGetTheSameClaims(t *testing.T) {
	t.Parallel()
	obj, err := strictjson.Parse([]byte(`{"iss":"i","scope":"a b","exp":"x"}`))
	require.NoError(t, err)
	_, err = vetted.Claims(obj, &claims.Mapping{})
	require.ErrorIs(t, err, reason.MalformedClaims)
	obj, err = strictjson.Parse([]byte(`{"iss":"i","scope":"a b"}`))
	require.NoError(t, err)
	got, err := vetted.Claims(obj, &claims.Mapping{})
	require.NoError(t, err)
	require.IsType(t, (*claims.Claims)(nil), got)
	assert.True(t, got.(*claims.Claims).HasScope("b"))
	_, err = vetted.Claims(obj, claims.Mapping{})
	require.Error(t, err, "not by a pointer")
	_, err = vetted.Claims(obj, nil)
	require.Error(t, err)
}

func TestSizeCountsPayloadIndexAndNames(t *testing.T) {
	t.Parallel()
	const one, two = `{"scope":"a"}`, `{"scope":"a b"}`
	assert.Equal(t, len(one)+16+16, vetted.Size(parse(t, one)))
	assert.Equal(t, len(two)+16+2*16, vetted.Size(parse(t, two)))
	assert.Zero(t, vetted.Size((*claims.Claims)(nil)))
	const roles = `{"realm_access":{"roles":["a","bc"]}}`
	assert.Equal(t, len(roles)+16+2*16+len("realm:a")+8+len("realm:bc")+1+8, vetted.Size(parse(t, roles, keycloak)), "names with a prefix are beside the payload")
}

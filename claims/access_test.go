package claims_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "QUERY", ""}

// allowed are the methods that a token may use.
func allowed(t *testing.T, levels claims.AccessLevels, c *claims.Claims) string {
	t.Helper()
	access, err := levels.Compile()
	require.NoError(t, err)
	var yes []string
	for _, method := range methods {
		if access.Rule(method).Check(c).Allowed {
			yes = append(yes, method)
		}
	}
	return strings.Join(yes, " ")
}

func TestAccessLevels(t *testing.T) {
	t.Parallel()
	const everything = "GET HEAD POST PUT PATCH DELETE"
	var (
		orders = claims.AccessLevels{Resources: []string{"api://orders"}}
		guid   = claims.AccessLevels{Resources: []string{"api://orders"}, Audiences: []string{"6e74172b", "other"}}
		slash  = claims.AccessLevels{Resources: []string{"https://api.example/orders/"}}
		short  = claims.AccessLevels{Audiences: []string{"api://orders"}}
		two    = claims.AccessLevels{Resources: []string{"api://orders", "api://old-orders"}}
		users  = claims.AccessLevels{Resources: []string{"api://orders"}, DangerouslyUserRoles: true}
	)
	for name, row := range map[string]struct {
		levels  claims.AccessLevels
		payload string
		want    string
	}{
		"get allows GET and HEAD":                        {orders, `{"aud":"api://orders","scope":"get"}`, "GET HEAD"},
		"post allows POST":                               {orders, `{"aud":"api://orders","scope":"post"}`, "POST"},
		"put allows PUT and PATCH":                       {orders, `{"aud":"api://orders","scope":"put"}`, "PUT PATCH"},
		"delete allows DELETE":                           {orders, `{"aud":"api://orders","scope":"delete"}`, "DELETE"},
		"all four":                                       {orders, `{"aud":"api://orders","scope":"delete put post get"}`, everything},
		"none":                                           {orders, `{"aud":"api://orders"}`, ""},
		"levels in scp":                                  {orders, `{"aud":"api://orders","scp":["get"]}`, "GET HEAD"},
		"levels in permissions":                          {orders, `{"aud":"api://orders","permissions":["get"]}`, "GET HEAD"},
		"levels from scope and permissions":              {orders, `{"aud":"api://orders","scope":"get","permissions":["post"]}`, "GET HEAD POST"},
		"levels in the roles of an app":                  {orders, `{"aud":"api://orders","roles":["get"],"idtyp":"app"}`, "GET HEAD"},
		"levels in the roles of an app, told by roles":   {orders, `{"aud":"api://orders","roles":["get"]}`, "GET HEAD"},
		"a user's role is no level":                      {orders, `{"aud":"api://orders","roles":["get"],"idtyp":"user"}`, ""},
		"a role of nobody knows whom is no level":        {orders, `{"aud":"api://orders","roles":["get"],"scp":"x"}`, ""},
		"a user's role beside a user's scope":            {orders, `{"aud":"api://orders","roles":["delete"],"scp":"get","idtyp":"user"}`, "GET HEAD"},
		"a user's role, opted in":                        {users, `{"aud":"api://orders","roles":["get"],"idtyp":"user"}`, "GET HEAD"},
		"two levels in one role are none":                {orders, `{"aud":"api://orders","roles":"get post","idtyp":"app"}`, ""},
		"a level in another case":                        {orders, `{"aud":"api://orders","scope":"GET Post"}`, ""},
		"a part of a level":                              {orders, `{"aud":"api://orders","scope":"gets ge target.get"}`, ""},
		"a short name for another audience":              {orders, `{"aud":"api://billing","scope":"get"}`, ""},
		"a short name for no audience":                   {orders, `{"scope":"get"}`, ""},
		"a short name for an empty audience":             {orders, `{"aud":[],"scope":"get"}`, ""},
		"a short name for one audience of several":       {orders, `{"aud":["x","api://orders"],"scope":"get"}`, "GET HEAD"},
		"a short name for an audience with a slash more": {orders, `{"aud":"api://orders/","scope":"get"}`, ""},
		"a qualified name for another audience":          {orders, `{"aud":"6e74172b","scope":"api://orders/get"}`, "GET HEAD"},
		"a qualified name of another resource":           {orders, `{"aud":"api://orders","scope":"api://billing/get"}`, ""},
		"a qualified name with two slashes":              {orders, `{"aud":"api://orders","scope":"api://orders//get"}`, ""},
		"a qualified name without a slash":               {orders, `{"aud":"api://orders","scope":"api://ordersget"}`, ""},
		"a qualified name in another case":               {orders, `{"aud":"api://orders","scope":"API://orders/get"}`, ""},
		"the resource alone":                             {orders, `{"aud":"api://orders","scope":"api://orders/ api://orders"}`, ""},
		"a resource that ends in a slash":                {slash, `{"aud":"x","scope":"https://api.example/orders/get"}`, "GET HEAD"},
		"a resource that ends in a slash, doubled":       {slash, `{"aud":"x","scope":"https://api.example/orders//get"}`, ""},
		"one slash of a resource joins, another stays":   {claims.AccessLevels{Resources: []string{"api://x//"}}, `{"aud":"x","scope":"api://x//get api://x/post"}`, "GET HEAD"},
		"the second resource":                            {two, `{"aud":"x","scope":"api://old-orders/put"}`, "PUT PATCH"},
		"short names for an audience apart":              {guid, `{"aud":"6e74172b","roles":["get"]}`, "GET HEAD"},
		"short names for the second audience":            {guid, `{"aud":"other","roles":["get"]}`, "GET HEAD"},
		"audiences replace the resource for short names": {guid, `{"aud":"api://orders","roles":["get"]}`, ""},
		"audiences leave qualified names":                {guid, `{"aud":"api://orders","roles":["api://orders/get"]}`, "GET HEAD"},
		"no resource: short names":                       {short, `{"aud":"api://orders","scope":"get"}`, "GET HEAD"},
		"no resource: no qualified names":                {short, `{"aud":"api://orders","scope":"api://orders/get /get"}`, ""},
		"a literal default means nothing unless set":     {orders, `{"aud":"api://orders","scope":".default"}`, ""},
		"an app without a level has none unless set":     {orders, `{"aud":"api://orders","idtyp":"app"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, allowed(t, row.levels, parse(t, row.payload)))
		})
	}
}

func TestDefaultLevels(t *testing.T) {
	t.Parallel()
	const app = `{"aud":"api://orders","idtyp":"app","client_id":"c-1"`
	levels := claims.AccessLevels{Resources: []string{"api://orders"}, Default: []claims.Level{"get", "post"}}
	listed, anyone := levels, levels
	listed.DefaultClients = []string{"c-0", "c-1"}
	anyone.DangerouslyDefaultForAnyClient = true
	for name, row := range map[string]struct {
		levels  claims.AccessLevels
		payload string
		open    bool
		want    string
	}{
		"an app that names no level":                    {levels, app + `}`, false, "GET HEAD POST"},
		"an app with empty permissions":                 {levels, app + `,"permissions":[]}`, false, "GET HEAD POST"},
		"an app with other scopes":                      {levels, app + `,"scope":"openid api://orders/read"}`, false, "GET HEAD POST"},
		"an app that names one level has that one":      {levels, app + `,"roles":["put"]}`, false, "PUT PATCH"},
		"an app that names one level qualified":         {levels, app + `,"scope":"api://orders/delete"}`, false, "DELETE"},
		"a level in any source counts as named":         {levels, app + `,"scope":"x","permissions":["put"],"roles":["y"]}`, false, "PUT PATCH"},
		"a level of another resource counts as named":   {levels, app + `,"scope":"api://billing/get"}`, false, ""},
		"a level in the wrong case counts as named":     {levels, app + `,"roles":["Get"]}`, false, ""},
		"another resource's default counts as named":    {levels, app + `,"scope":"api://billing/.default"}`, false, ""},
		"an app for another audience":                   {levels, `{"aud":"api://billing","idtyp":"app","client_id":"c-1"}`, false, ""},
		"an app for no audience":                        {levels, `{"idtyp":"app","client_id":"c-1"}`, false, ""},
		"a user that names no level":                    {levels, `{"aud":"api://orders","idtyp":"user","client_id":"c-1"}`, false, ""},
		"a caller unknown that names no level":          {levels, `{"aud":"api://orders","scope":"x","client_id":"c-1"}`, false, ""},
		"a literal default":                             {levels, `{"aud":"api://orders","scope":".default"}`, false, "GET HEAD POST"},
		"a literal default beside a level":              {levels, `{"aud":"api://orders","scope":".default put"}`, false, "GET HEAD POST PUT PATCH"},
		"a literal default for another audience":        {levels, `{"aud":"api://billing","scope":".default"}`, false, ""},
		"a qualified default for another audience":      {levels, `{"aud":"6e74172b","scope":"api://orders/.default"}`, false, "GET HEAD POST"},
		"a qualified default of another resource":       {levels, `{"aud":"api://orders","scope":"api://billing/.default"}`, false, ""},
		"a default in the wrong case":                   {levels, `{"aud":"api://orders","scope":".Default"}`, false, ""},
		"a user's role named default":                   {levels, `{"aud":"api://orders","roles":[".default"],"idtyp":"user"}`, false, ""},
		"an app's role named default":                   {levels, app + `,"roles":[".default"]}`, false, "GET HEAD POST"},
		"open to any client: nobody by default":         {levels, app + `}`, true, ""},
		"open to any client: no literal default either": {levels, `{"aud":"api://orders","scope":".default","client_id":"c-1"}`, true, ""},
		"open to any client: levels named still count":  {levels, app + `,"roles":["get"]}`, true, "GET HEAD"},
		"open to any client: a listed client":           {listed, app + `}`, true, "GET HEAD POST"},
		"open to any client: a listed client's literal": {listed, `{"aud":"api://orders","scope":".default","client_id":"c-1"}`, true, "GET HEAD POST"},
		"open to any client: a client not listed":       {listed, `{"aud":"api://orders","idtyp":"app","client_id":"c-2"}`, true, ""},
		"open to any client: no client":                 {listed, `{"aud":"api://orders","idtyp":"app"}`, true, ""},
		"open to any client: dangerously":               {anyone, app + `}`, true, "GET HEAD POST"},
		"a list restricts where it need not":            {listed, `{"aud":"api://orders","idtyp":"app","client_id":"c-2"}`, false, ""},
		"a list restricts a literal default too":        {listed, `{"aud":"api://orders","scope":".default","client_id":"c-2"}`, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, row.payload, func(m *claims.Mapping) { m.OpenToAnyClient = row.open })
			assert.Equal(t, row.want, allowed(t, row.levels, c))
		})
	}
}

func TestALevelsDenialNamesTheLevel(t *testing.T) {
	t.Parallel()
	access, err := claims.AccessLevels{Resources: []string{"api://orders", "api://old"}}.Compile()
	require.NoError(t, err)
	for method, level := range map[string]string{"GET": "get", "HEAD": "get", "POST": "post", "PUT": "put", "PATCH": "put", "DELETE": "delete"} {
		check(t, access.Rule(method), `{}`, denial{reason.InsufficientScope, level, []string{level}})
		assert.Equal(t, "access level "+level+" of api://orders, api://old", access.Rule(method).String())
	}
	for _, method := range []string{"OPTIONS", "get", "Get", "QUERY", ""} {
		check(t, access.Rule(method), `{"aud":"api://orders","scope":"get post put delete"}`, denial{reason: reason.Denied})
		assert.Equal(t, "nobody, for the method has no access level", access.Rule(method).String())
	}
	both := claims.AllOf(claims.AllScopes("tenant"), access.Rule("POST"))
	check(t, both, `{"scope":"tenant"}`, denial{reason.InsufficientScope, "tenant post", []string{"post"}})
}

func TestRequireAsksForOneLevel(t *testing.T) {
	t.Parallel()
	levels := claims.AccessLevels{Audiences: []string{"a"}}
	for _, l := range []claims.Level{claims.LevelGet, claims.LevelPost, claims.LevelPut, claims.LevelDelete} {
		rule := levels.Require(l)
		check(t, rule, fmt.Sprintf(`{"aud":"a","scope":%q}`, l), denial{})
		check(t, rule, `{"aud":"a"}`, denial{reason.InsufficientScope, string(l), []string{string(l)}})
		assert.Equal(t, "access level "+string(l)+" of a", rule.String())
	}
	for _, l := range []claims.Level{".default", "", "GET", "read"} {
		rule := levels.Require(l)
		require.ErrorContains(t, rule.Err(), "claims: AccessLevels.Require: there is no access level")
		assert.False(t, rule.Check(parse(t, `{"aud":"a","scope":"get read GET .default"}`)).Allowed)
	}
	err := claims.AccessLevels{}.Require("read").Err()
	require.ErrorContains(t, err, "claims: AccessLevels.Resources: name the resource")
	require.ErrorContains(t, err, `there is no access level "read"`)
	assert.ErrorContains(t, claims.AccessLevels{}.Require("get").Err(), "name the resource")
}

func TestCompileReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	access, err := claims.AccessLevels{
		Resources:                      []string{"api://ok", "", "api://a b", `api://"`},
		Audiences:                      []string{"a", ""},
		Default:                        []claims.Level{"get", "read", ".default"},
		DefaultClients:                 []string{"c", ""},
		DangerouslyDefaultForAnyClient: true,
	}.Compile()
	require.Error(t, err)
	assert.Nil(t, access)
	want := []string{
		`Resources[1]: ""`, `Resources[2]: "api://a b" cannot be part of a scope`, `Resources[3]: "api://\""`,
		"Audiences: an audience is empty", `Default[1]: there is no access level "read"`, `Default[2]: there is no access level ".default"`,
		"DefaultClients: a client is empty", "DefaultClients: already restricts",
	}
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, len(want))
	for i, line := range lines {
		assert.Contains(t, line, "claims: AccessLevels."+want[i])
	}
	for _, idle := range []claims.AccessLevels{
		{Resources: []string{"r"}, DefaultClients: []string{"c"}}, {Resources: []string{"r"}, DangerouslyDefaultForAnyClient: true},
	} {
		_, err := idle.Compile()
		assert.ErrorContains(t, err, "claims: AccessLevels.Default: clients are named for the default levels, but there are none")
	}
}

func TestNoAccessDeniesEverybody(t *testing.T) {
	t.Parallel()
	var none *claims.Access
	c := parse(t, `{"aud":"","scope":"get post put delete .default","idtyp":"app"}`)
	for _, method := range methods {
		assert.False(t, none.Rule(method).Check(c).Allowed, method)
		assert.False(t, new(claims.Access).Rule(method).Check(c).Allowed, method)
	}
}

func TestCompileCopiesItsConfiguration(t *testing.T) {
	t.Parallel()
	levels := claims.AccessLevels{Resources: []string{"r"}, Default: []claims.Level{"get"}, DefaultClients: []string{"c"}}
	apart := claims.AccessLevels{Audiences: []string{"a"}}
	access, err := levels.Compile()
	require.NoError(t, err)
	short, err := apart.Compile()
	require.NoError(t, err)
	levels.Resources[0], levels.Default[0], levels.DefaultClients[0], apart.Audiences[0] = "x", "put", "x", "x"
	assert.True(t, access.Rule("GET").Check(parse(t, `{"aud":"r","idtyp":"app","client_id":"c"}`)).Allowed)
	assert.True(t, short.Rule("GET").Check(parse(t, `{"aud":"a","scope":"get"}`)).Allowed)
}

package claims_test

import (
	"encoding/json"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
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

// caller has a bit of everything.
const caller = `{"scope":"a b","roles":["r","get"],"permissions":["p","q"],"client_id":"c-1","idtyp":"app",
	"tier":"gold","vip":true,"off":false,"n":1,"float":1.5,"one":1.0,"exp1":1e0,"big":9007199254740993,"null":null,
	"groups":["x","y"],"group":"admins","esc":"a\/b","nums":[1,2],"obj":{"x":1},"https://api.example/t":{"id":"t-1"}}`

// A denial in a table: what a rule answers, but for Allowed.
type denial struct {
	reason  reason.Code
	scope   string
	missing []string
}

func check(t *testing.T, rule claims.Rule, payload string, want denial) {
	t.Helper()
	require.NoError(t, rule.Err())
	d := rule.Check(parse(t, payload))
	assert.Equal(t, claims.Decision{Allowed: want.reason == "", Reason: want.reason, Scope: want.scope, Missing: want.missing}, d)
}

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// keyFile is a file of that text.
func keyFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// keysOf is a file of the issuer's keys.
func keysOf(t *testing.T, iss *jwkstest.Issuer) string {
	t.Helper()
	set, err := json.Marshal(map[string]any{"keys": []any{iss.Key().JWK()}})
	require.NoError(t, err)
	return keyFile(t, string(set))
}

// Not parallel: it changes the environment.
func TestExplainReadsTheEnvironmentOfTheAPI(t *testing.T) {
	iss, other := jwkstest.New(t), jwkstest.New(t, jwkstest.WithAudience("api://other"))
	late := iss.Token(jwkstest.Claims{"exp": time.Now().Add(-time.Minute)})
	api := map[string]string{"SALLYPORT_ISSUER": iss.Issuer(), "SALLYPORT_AUDIENCE": "api://x " + iss.Audience()}
	with := func(name, value string) map[string]string {
		env := map[string]string{name: value}
		for name, value := range api {
			if _, ok := env[name]; !ok {
				env[name] = value
			}
		}
		return env
	}
	for name, row := range map[string]struct {
		env   map[string]string
		args  []string
		token string
		code  int
		want  string
	}{
		"all of it":                     {api, nil, iss.Token(), accepted, ""},
		"its clients":                   {with("SALLYPORT_CLIENTS", "partner"), nil, iss.Token(), refused, "wrong_client"},
		"its leeway":                    {with("SALLYPORT_LEEWAY", "2m"), nil, late, accepted, ""},
		"its address of the keys":       {with("SALLYPORT_JWKS_URL", iss.JWKSURL()), nil, iss.Token(), accepted, ""},
		"a flag's leeway wins":          {with("SALLYPORT_LEEWAY", "2m"), []string{"-leeway", "10s"}, late, refused, "expired"},
		"a flag's audience wins":        {api, []string{"-audience", "api://y"}, iss.Token(), refused, "wrong_audience"},
		"a flag's client wins":          {with("SALLYPORT_CLIENTS", "partner"), []string{"-client", "test-client"}, iss.Token(), accepted, ""},
		"a file of keys beside it":      {with("SALLYPORT_JWKS_URL", "https://127.0.0.1:1/"), []string{"-jwks", keysOf(t, iss)}, iss.Token(), accepted, ""},
		"a flag's issuer wins":          {with("SALLYPORT_AUDIENCE", "api://other"), []string{"-issuer", other.Issuer()}, other.Token(), accepted, ""},
		"its clients are its issuer's":  {with("SALLYPORT_CLIENTS", "partner"), []string{"-issuer", other.Issuer(), "-audience", "api://other"}, other.Token(), accepted, ""},
		"leeway beside a flag's issuer": {with("SALLYPORT_LEEWAY", "2m"), []string{"-issuer", iss.Issuer()}, late, accepted, ""},
		"a variable that is misspelt":   {with("SALLYPORT_CLIENT", "partner"), nil, iss.Token(), wrongUse, "SALLYPORT_CLIENTS"},
		"and one beside flags for all else": {
			map[string]string{"SALLYPORT_CLIENT": "partner"},
			[]string{"-issuer", iss.Issuer(), "-audience", iss.Audience(), "-client", "test-client", "-jwks", iss.JWKSURL(), "-leeway", "1s"},
			iss.Token(), wrongUse,
			`explain: the environment variable "SALLYPORT_CLIENT" is unknown: is SALLYPORT_CLIENTS meant?`,
		},
		"and one beside a missing flag": {map[string]string{"SALLYPORT_CLIENT": "partner"}, nil, iss.Token(), wrongUse, "is SALLYPORT_CLIENTS meant?"},
		"a leeway that is no duration":  {with("SALLYPORT_LEEWAY", "soon"), nil, iss.Token(), wrongUse, `explain: SALLYPORT_LEEWAY is "soon": give a duration such as 30s`},
		"and one beside flags":          {with("SALLYPORT_LEEWAY", "soon"), []string{"-issuer", iss.Issuer()}, iss.Token(), wrongUse, `explain: SALLYPORT_LEEWAY is "soon"`},
		"and one beside its own flag":   {with("SALLYPORT_LEEWAY", "soon"), []string{"-leeway", "1s"}, iss.Token(), accepted, ""},
		"a leeway that is too long":     {with("SALLYPORT_LEEWAY", "1h"), []string{"-issuer", iss.Issuer()}, iss.Token(), wrongUse, "explain: SALLYPORT_LEEWAY 1h0m0s must be between"},
		"an audience beside a flag":     {with("SALLYPORT_AUDIENCE", "a,b"), []string{"-leeway", "1s"}, iss.Token(), wrongUse, `explain: SALLYPORT_AUDIENCE: "a,b" holds a comma`},
		"a client beside a flag":        {with("SALLYPORT_CLIENTS", "a,b"), []string{"-leeway", "1s"}, iss.Token(), wrongUse, `explain: SALLYPORT_CLIENTS: "a,b" holds a comma`},
		"an issuer beside a flag": {
			with("SALLYPORT_ISSUER", "http://issuer.example"),
			[]string{"-leeway", "1s"},
			iss.Token(), wrongUse, `explain: SALLYPORT_ISSUER "http://issuer.example": use https: plain http is for loopback addresses, localhost and the hosts in -dangerously-plain-http`,
		},
		"a host beside a flag":   {with("SALLYPORT_DANGEROUSLY_PLAIN_HTTP", "http://x"), []string{"-leeway", "1s"}, iss.Token(), wrongUse, `explain: SALLYPORT_DANGEROUSLY_PLAIN_HTTP: "http://x" holds a scheme`},
		"a tenant beside a flag": {with("SALLYPORT_TENANT", "x"), []string{"-leeway", "1s"}, iss.Token(), wrongUse, "explain: SALLYPORT_TENANT is set, but the preset generic does not read it"},
		"a preset beside a flag": {with("SALLYPORT_PROVIDER", "x"), []string{"-leeway", "1s"}, iss.Token(), wrongUse, `explain: SALLYPORT_PROVIDER: no preset "x"`},
		"a file that is no URL":  {with("SALLYPORT_JWKS_URL", keysOf(t, iss)), []string{"-leeway", "1s"}, iss.Token(), wrongUse, "no absolute URL: start it with https:// and a host"},
		"two addresses": {
			map[string]string{"SALLYPORT_ISSUER": iss.Issuer(), "SALLYPORT_AUDIENCE": "a", "SALLYPORT_JWKS_URL": iss.JWKSURL(), "SALLYPORT_DISCOVERY_URL": iss.DiscoveryURL()},
			[]string{"-leeway", "1s"},
			iss.Token(), wrongUse, "explain: SALLYPORT_DISCOVERY_URL is set beside SALLYPORT_JWKS_URL: leave one out",
		},
		"a value that can match nothing": {with("SALLYPORT_AUDIENCE", "a,b"), nil, iss.Token(), wrongUse, "SALLYPORT_AUDIENCE"},
		"no audience there either":       {with("SALLYPORT_AUDIENCE", ""), nil, iss.Token(), wrongUse, "SALLYPORT_AUDIENCE is not set"},
		"nothing in it":                  {nil, nil, iss.Token(), wrongUse, "-issuer is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			a := command(t, row.token, append([]string{"explain"}, row.args...)...)
			assert.Equal(t, row.code, a.code, a.out+a.errs)
			assert.Contains(t, a.out+a.errs, row.want)
		})
	}
}

// The token of the environment is for the server that is named there.
//
// Not parallel: it changes the environment.
func TestTheBearerOfTheEnvironmentGoesToItsServerAlone(t *testing.T) {
	iss := jwkstest.New(t)
	var asked atomic.Int64
	var sent atomic.Pointer[string]
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		authorization := r.Header.Get("Authorization")
		sent.Store(&authorization)
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{iss.Key().JWK()}})
	}))
	defer keys.Close()
	account := iss.Token(jwkstest.Claims{"sub": "system:serviceaccount:shop:web", "kubernetes.io": map[string]any{"namespace": "shop"}})
	for name, row := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"the server of the environment": {map[string]string{"SALLYPORT_JWKS_URL": keys.URL}, nil, "Bearer of-the-cluster"},
		"keys by a flag":                {nil, []string{"-jwks", keys.URL}, ""},
		"an API server by a flag": {
			map[string]string{"SALLYPORT_PROVIDER": "kubernetes", "SALLYPORT_SERVICE_ACCOUNTS": "shop/web"},
			[]string{"-api-server", keys.URL},
			"",
		},
		"with a token by a flag": {nil, []string{"-jwks", keys.URL, "-bearer-file", keyFile(t, "of-the-flag")}, "Bearer of-the-flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SALLYPORT_ISSUER", iss.Issuer())
			t.Setenv("SALLYPORT_AUDIENCE", iss.Audience())
			t.Setenv("SALLYPORT_BEARER_FILE", keyFile(t, "of-the-cluster"))
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			asked.Store(0)
			a := command(t, account, append([]string{"explain"}, row.args...)...)
			assert.Equal(t, accepted, a.code, a.out+a.errs)
			assert.Equal(t, int64(1), asked.Load())
			assert.Equal(t, row.want, *sent.Load())
		})
	}
}

// A mistake that a fetch finds names the variable or the flag that it came from.
//
// Not parallel: it changes the environment.
func TestMistakesThatAFetchFindsNameTheFlagOrTheVariable(t *testing.T) {
	iss := jwkstest.New(t)
	iss.Serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"issuer":%q}`, iss.Issuer()) })
	explain := func(args ...string) string {
		a := command(t, iss.Token(), append([]string{"explain"}, args...)...)
		assert.Equal(t, unavailable, a.code, a.out+a.errs)
		return a.out
	}
	assert.Contains(t, explain("-issuer", iss.Issuer(), "-audience", iss.Audience()), "names no jwks_uri: set -jwks")
	t.Setenv("SALLYPORT_ISSUER", iss.Issuer())
	t.Setenv("SALLYPORT_AUDIENCE", iss.Audience())
	assert.Contains(t, explain(), "names no jwks_uri: set SALLYPORT_JWKS_URL")
	iss.Serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"issuer":"https://other.example"}`) })
	assert.Contains(t, explain("-leeway", "1s"), "set SALLYPORT_ISSUER to what tokens say in iss")
	assert.Contains(t, explain("-issuer", iss.Issuer()), "set -issuer to what tokens say in iss")
}

// A key of the set that cannot be used is not missing, wherever the set is from.
func TestAKeyThatCannotBeUsedIsNotAKeyThatIsMissing(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	damaged := `{"kty":"RSA","kid":"` + iss.Key().ID() + `","n":"!!","e":"AQAB"}`
	forbidden := `{"kty":"RSA","use":"enc","kid":"` + iss.Key().ID() + `","n":"AQAB","e":"AQAB"}`
	another := jwkstest.New(t, jwkstest.WithoutServer())
	other, err := json.Marshal(another.Rotate().JWK()) // of another kid
	require.NoError(t, err)
	for name, row := range map[string]struct {
		keys string
		code int
		want []string
	}{
		"one that is damaged":           {damaged + "," + string(other), unavailable, []string{"\nnot judged: keys_unavailable\n", iss.Key().ID(), "n is not base64url"}},
		"one for something else":        {forbidden + "," + string(other), refused, []string{"\nrefused: unusable_key\n", iss.Key().ID(), `use is "enc"`}},
		"one that is damaged, alone":    {damaged, unavailable, []string{"\nnot judged: keys_unavailable\n", iss.Key().ID(), "n is not base64url"}},
		"one for something else, alone": {forbidden, unavailable, []string{"\nnot judged: keys_unavailable\n", iss.Key().ID(), `use is "enc"`}},
		"one that is really missing":    {string(other), refused, []string{"\nrefused: unknown_key\n"}},
	} {
		set := `{"keys":[` + row.keys + `]}`
		iss.Serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, set) })
		for where, from := range map[string]string{"in a file": keyFile(t, set), "at an address": iss.JWKSURL()} {
			a := command(t, iss.Token(), "explain", "-issuer", iss.Issuer(), "-audience", iss.Audience(), "-jwks", from)
			assert.Equal(t, row.code, a.code, "%s %s: %s%s", name, where, a.out, a.errs)
			for _, want := range row.want {
				assert.Contains(t, a.out, want, "%s %s", name, where)
			}
		}
	}
}

func TestSeveralIssuers(t *testing.T) {
	t.Parallel()
	one := jwkstest.New(t, jwkstest.WithAudience("api://one"))
	two := jwkstest.New(t, jwkstest.WithAudience("api://two"))
	same := jwkstest.New(t, jwkstest.WithAudience("api://two"))
	args := []string{
		"explain", "-audience", "api://one", "-issuer", one.Issuer(), "-client", "test-client", "-jwks", keysOf(t, one),
		"-issuer", two.Issuer(), "-audience", "api://two", "-issuer", same.Issuer(),
	}
	for name, token := range map[string]string{"the first": one.Token(), "the second": two.Token(), "one with the audiences before it": same.Token()} {
		a := command(t, token, args...)
		assert.Equal(t, accepted, a.code, "%s: %s%s", name, a.out, a.errs)
	}
	assert.Zero(t, one.Fetches(), "a file is of its own issuer")
	assert.NotZero(t, two.Fetches())
	crossed := command(t, one.Token(jwkstest.WithAudience("api://two")), args...)
	assert.Equal(t, refused, crossed.code, "an audience is of its own issuer")
	assert.Contains(t, crossed.out, "wrong_audience")
	assert.Contains(t, command(t, "x.y.z", "explain", "-issuer", one.Issuer(), "-issuer", two.Issuer(), "-audience", "a").errs, "-audience is not set")
	a := command(t, "x.y.z", "explain", "-preset", "entra", "-tenant", "6e74172b-be56-4843-9ff4-e66a39bb12e3", "-audience", "a", "-preset", "generic", "-issuer", two.Issuer())
	assert.Equal(t, refused, a.code, "a second preset is another issuer: %s", a.errs)
}

package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
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
		"all of it":                      {api, nil, iss.Token(), accepted, ""},
		"its clients":                    {with("SALLYPORT_CLIENTS", "partner"), nil, iss.Token(), refused, "wrong_client"},
		"its leeway":                     {with("SALLYPORT_LEEWAY", "2m"), nil, late, accepted, ""},
		"its address of the keys":        {with("SALLYPORT_JWKS_URL", iss.JWKSURL()), nil, iss.Token(), accepted, ""},
		"a flag's leeway wins":           {with("SALLYPORT_LEEWAY", "2m"), []string{"-leeway", "10s"}, late, refused, "expired"},
		"a flag's audience wins":         {api, []string{"-audience", "api://y"}, iss.Token(), refused, "wrong_audience"},
		"a flag's client wins":           {with("SALLYPORT_CLIENTS", "partner"), []string{"-client", "test-client"}, iss.Token(), accepted, ""},
		"a file of keys beside it":       {with("SALLYPORT_JWKS_URL", "https://127.0.0.1:1/"), []string{"-jwks", keysOf(t, iss)}, iss.Token(), accepted, ""},
		"a flag's issuer wins":           {with("SALLYPORT_AUDIENCE", "api://other"), []string{"-issuer", other.Issuer()}, other.Token(), accepted, ""},
		"its clients are its issuer's":   {with("SALLYPORT_CLIENTS", "partner"), []string{"-issuer", other.Issuer(), "-audience", "api://other"}, other.Token(), accepted, ""},
		"leeway beside a flag's issuer":  {with("SALLYPORT_LEEWAY", "2m"), []string{"-issuer", iss.Issuer()}, late, accepted, ""},
		"a variable that is misspelt":    {with("SALLYPORT_CLIENT", "partner"), nil, iss.Token(), wrongUse, "SALLYPORT_CLIENTS"},
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

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"-version"}, {"--version"}} {
		a := command(t, "", args...)
		assert.Equal(t, accepted, a.code)
		assert.Regexp(t, `^sallyport \S+.* go\S+ \w+/\w+\n$`, a.out)
	}
}

package verifier_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestEveryMistakeIsReported(t *testing.T) {
	t.Parallel()
	issuer := func(change func(*verifier.Issuer)) func(*verifier.Config) {
		return func(c *verifier.Config) { change(&c.Issuers[0]) }
	}
	for name, mistake := range map[string]struct {
		change func(*verifier.Config)
		say    string
	}{
		"no issuer":       {func(c *verifier.Config) { c.Issuers = nil }, "no Issuers: name at least one"},
		"too much leeway": {func(c *verifier.Config) { c.Leeway = 5*time.Minute + 1 }, "Leeway 5m0.000000001s is more than 5m0s"},
		"a negative age":  {func(c *verifier.Config) { c.MaxAge = -1 }, "MaxAge -1ns is negative"},
		"a negative size": {func(c *verifier.Config) { c.MaxTokenBytes = -1 }, "MaxTokenBytes -1 is negative"},
		"a nil validator": {func(c *verifier.Config) { c.Validators = []verifier.Validator{nil} }, "Validators[0] is nil"},
		"a name twice":    {func(c *verifier.Config) { c.Issuers = append(c.Issuers, c.Issuers[0]) }, `Issuers[1] "https://issuer.example/": the same Name twice`},
		"a template twice": {func(c *verifier.Config) {
			t := c.Issuers[0]
			t.Name, t.Tenants = "https://i.example/{tenantid}/", []string{"a53d724c-15ea-4469-a987-82a5b30ec167"}
			c.Issuers = []verifier.Issuer{t, t}
		}, `Issuers[1] "https://i.example/{tenantid}/": the same Name twice`},
		"no name":                          {issuer(func(i *verifier.Issuer) { i.Name = "" }), `Issuers[0] "": Name is empty`},
		"no keys":                          {issuer(func(i *verifier.Issuer) { i.Keys = nil }), "Keys is nil"},
		"no audience":                      {issuer(func(i *verifier.Issuer) { i.Audiences = nil }), "Audiences is empty"},
		"an empty audience":                {issuer(func(i *verifier.Issuer) { i.Audiences = []string{"a", ""} }), "Audiences[1] is empty"},
		"NoAudience without clients":       {issuer(func(i *verifier.Issuer) { i.NoAudience.ScopePrefix = "orders/" }), "NoAudience needs both Clients and ScopePrefix"},
		"a hint for nothing":               {issuer(func(i *verifier.Issuer) { i.Hints = map[string]string{"aud:": "x"} }), `Hints["aud:"]: the key must be`},
		"a hint for a claim that has none": {issuer(func(i *verifier.Issuer) { i.Hints = map[string]string{"sub:x": "x"} }), `Hints["sub:x"]`},
		"an empty required claim":          {issuer(func(i *verifier.Issuer) { i.Required = []string{""} }), "Required[0] is empty"},
		"an empty client":                  {issuer(func(i *verifier.Issuer) { i.Clients = []string{""} }), "Clients[0] is empty"},
		"no algorithm":                     {issuer(func(i *verifier.Issuer) { i.Algorithms = []string{} }), "Algorithms is empty"},
		"none as an algorithm":             {issuer(func(i *verifier.Issuer) { i.Algorithms = []string{"none"} }), `algorithm "none" is not implemented`},
		"an algorithm in small letters": {
			issuer(func(i *verifier.Issuer) { i.Algorithms = []string{"RS256", "es256"} }), `algorithm "es256" is not implemented`,
		},
		"white space around a name": {issuer(func(i *verifier.Issuer) { i.Name = " https://issuer.example/" }), `Name " https://issuer.example/" begins or ends with white space: no iss can equal it`},
		"white space in a name":     {issuer(func(i *verifier.Issuer) { i.Name = "https://issuer.example/ x" }), "holds white space"},
		"a quoted name":             {issuer(func(i *verifier.Issuer) { i.Name = `"https://issuer.example/"` }), "holds a quotation mark"},
		"a name with a line end":    {issuer(func(i *verifier.Issuer) { i.Name = "https://issuer.example/\n" }), "white space"},
		"two audiences in one":      {issuer(func(i *verifier.Issuer) { i.Audiences = []string{"a", "b,c"} }), `Audiences: "b,c" holds a comma or semicolon, which separates nothing here`},
		"a quoted audience":         {issuer(func(i *verifier.Issuer) { i.Audiences = []string{"'a'"} }), `Audiences: "'a'" holds a quotation mark`},
		"a space in an audience":    {issuer(func(i *verifier.Issuer) { i.Audiences = []string{"a b"} }), `Audiences: "a b" holds white space`},
		"an unseen character":       {issuer(func(i *verifier.Issuer) { i.Audiences = []string{"a\u200b"} }), `Audiences: "a\u200b" holds a character that cannot be seen`},
		"no text at all":            {issuer(func(i *verifier.Issuer) { i.Audiences = []string{"a\xff"} }), "is no UTF-8"},
		"two clients in one":        {issuer(func(i *verifier.Issuer) { i.Clients = []string{"a;b"} }), `Clients: "a;b" holds a comma or semicolon`},
		"a placeholder as a client": {issuer(func(i *verifier.Issuer) { i.Clients = []string{"${CLIENT}"} }), `Clients: "${CLIENT}" holds a placeholder`},
		"two types in one":          {issuer(func(i *verifier.Issuer) { i.Types = []string{"JWT, at+jwt"} }), `Types: "JWT, at+jwt" holds white space`},
		"no type":                   {issuer(func(i *verifier.Issuer) { i.Types = []string{} }), "Types is empty"},
		"a marker of nothing":       {issuer(func(i *verifier.Issuer) { i.Markers = []verifier.Marker{{}} }), "Markers[0] names no Claim"},
		"a mapping that is wrong":   {issuer(func(i *verifier.Issuer) { i.Claims.ClientID = []claims.Path{{}} }), "Mapping.ClientID[0]"},
		"tenants without a place":   {issuer(func(i *verifier.Issuer) { i.Tenants = []string{contoso} }), "go with a template"},
		"any tenant without one":    {issuer(func(i *verifier.Issuer) { i.DangerouslyAnyTenant = true }), "go with a template"},
		"KeyIssuer without one":     {issuer(func(i *verifier.Issuer) { i.KeyIssuer = pattern }), "go with a template"},
		"a template alone":          {issuer(func(i *verifier.Issuer) { i.Name = pattern }), "a template needs Tenants"},
		"both ways for tenants": {issuer(func(i *verifier.Issuer) {
			i.Name, i.Tenants, i.DangerouslyAnyTenant = pattern, []string{contoso}, true
		}), "and not both"},
		"two places for tenants": {issuer(func(i *verifier.Issuer) {
			i.Name, i.DangerouslyAnyTenant = pattern+"/{tenantid}", true
		}), "must hold {tenantid} once"},
		"nothing but a tenant": {issuer(func(i *verifier.Issuer) { i.Name, i.DangerouslyAnyTenant = "{tenantid}", true }), "inside a URL"},
		"a tenant by its name": {issuer(func(i *verifier.Issuer) { i.Name, i.Tenants = pattern, []string{"contoso.example"} }), `tenant "contoso.example" is no GUID`},
		"a tenant in capitals": {issuer(func(i *verifier.Issuer) { i.Name, i.Tenants = pattern, []string{strings.ToUpper(contoso)} }), "in lower case"},
		"a KeyIssuer of no one": {issuer(func(i *verifier.Issuer) {
			i.Name, i.Tenants, i.KeyIssuer = pattern, []string{contoso}, "https://keys.example"
		}), "KeyIssuer must hold {tenantid} once"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			mistake.change(&w.cfg)
			v, err := verifier.New(w.cfg)
			assert.ErrorContains(t, err, mistake.say)
			assert.Nil(t, v)
		})
	}
}

func TestAllMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := verifier.New(verifier.Config{
		Leeway:        time.Hour,
		MaxAge:        -1,
		MaxTokenBytes: -1,
		Issuers: []verifier.Issuer{
			{Algorithms: []string{"none"}},
			{Name: pattern, Tenants: []string{"contoso"}, Audiences: []string{""}, Required: []string{""}},
		},
	})
	require.Error(t, err)
	for _, part := range []string{
		"Leeway", "MaxAge", "MaxTokenBytes",
		"Name is empty", "Keys is nil", "Audiences is empty", `"none"`,
		`Issuers[1]`, `"contoso"`, "Audiences[0]", "Required[0]",
	} {
		assert.ErrorContains(t, err, part)
	}
	keyless := verifier.Config{Issuers: []verifier.Issuer{{Name: issuerName, Audiences: []string{audience}}}}
	require.NoError(t, keyless.Validate(), "keys may be filled in later")
	_, err = verifier.New(keyless)
	require.ErrorContains(t, err, `Issuers[0] "https://issuer.example/": Keys is nil`)
	keyless.Issuers[0].Keys = (*jwks.Fetcher)(nil)
	_, err = verifier.New(keyless)
	require.ErrorContains(t, err, "Keys is nil", "a Fetcher whose error was ignored")
	_, err = verifier.New(verifier.Config{})
	assert.ErrorContains(t, err, "no Issuers", "the zero Config names no issuer")
}

func TestAConfigIsCopied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.issuer()
	i.Clients, i.Required, i.Types, i.Algorithms = []string{"test-client"}, []string{"jti"}, []string{"at+jwt"}, []string{"ES256"}
	i.Markers = []verifier.Marker{{Claim: "purpose", Not: []string{"id"}}}
	i.Hints = map[string]string{"aud:x": "As it was."}
	i.NoAudience = verifier.AudienceBinding{Clients: []string{"test-client"}, ScopePrefix: "orders/"}
	v := w.verifier(t)

	i.NoAudience.Clients[0] = "x"
	i.Clients[0], i.Required[0], i.Types[0], i.Algorithms[0], i.Audiences[0] = "x", "x", "x", "x", "x"
	i.Hints["aud:x"] = "Changed."
	i.Markers[0].Claim = "iss"
	i.Markers[0].Not = []string{issuerName}
	expect(t, v, w.Token(), "")
	assert.Equal(t, "As it was.", v.Explain(t.Context(), w.Token(jwkstest.WithAudience("x"))).Hint)
	expect(t, v, w.Token(jwkstest.Claims{"aud": nil, "scope": "orders/read"}), "")
}

func TestNamedClientsCloseAnIssuerThatIsOpenToAny(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		open    bool
		clients []string
		want    bool
	}{
		"any client can get a token":          {open: true, want: false},
		"but only one may use it":             {open: true, clients: []string{"test-client"}, want: true},
		"clients are granted this API singly": {open: false, want: true},
	} {
		w := newWorld(t)
		w.issuer().Claims.OpenToAnyClient, w.issuer().Clients = row.open, row.clients
		c := expect(t, w.verifier(t), w.Token(jwkstest.Claims{"idtyp": "app"}), "", name)
		byDefault := claims.AccessLevels{Resources: []string{audience}, Default: []claims.Level{claims.LevelGet}}
		assert.Equal(t, row.want, byDefault.Require(claims.LevelGet).Check(c).Allowed, name)
	}
}

func TestAKeySetMayBeAnyValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.issuer().Keys = valueKeySet{w.keys}
	expect(t, w.verifier(t), w.Token(), "")
}

// valueKeySet is a KeySet that is no pointer.
type valueKeySet struct{ *keySet }

func TestRFC9068(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	relaxed := *w.issuer()
	relaxed.Required = []string{"tid"}
	strict := relaxed.RFC9068()
	assert.Equal(t, []string{"tid"}, relaxed.Required, "the issuer itself stays as it was")
	assert.Nil(t, relaxed.Types)
	w.cfg.Issuers[0] = strict
	v := w.verifier(t)

	expect(t, v, w.Token(jwkstest.Claims{"tid": "t"}), "")
	expect(t, v, w.Token(), reason.MissingClaim, "what was required before still is")
	expect(t, v, w.Token(jwkstest.Claims{"tid": "t"}, jwkstest.Header{"typ": "JWT"}), reason.UnsupportedType)
}

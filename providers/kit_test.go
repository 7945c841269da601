package providers_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is a token as a provider writes it: one of testdata.
type sample struct {
	About  string           `json:"about"`
	Header jwkstest.Header  `json:"header"`
	Claims jwkstest.Claims  `json:"claims"`
	Times  map[string]int64 `json:"times"` // seconds from now
}

func load(t *testing.T, name string) sample {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	var s sample
	require.NoError(t, json.Unmarshal(data, &s))
	for claim, seconds := range s.Times {
		s.Claims[claim] = time.Now().Unix() + seconds
	}
	return s
}

// mint signs the sample as it is: none of the kit's own claims are added.
func (s sample) mint(t *testing.T, iss *jwkstest.Issuer, more ...jwkstest.TokenOption) string {
	t.Helper()
	bare := jwkstest.Claims{"iss": nil, "sub": nil, "client_id": nil, "aud": nil, "jti": nil, "iat": nil, "exp": nil}
	return iss.Token(append([]jwkstest.TokenOption{bare, s.Claims, s.Header}, more...)...)
}

// cloud answers at exactly the addresses that it knows; nothing else is there.
type cloud map[string]*jwkstest.Issuer

// RoundTrip asks the issuer whose document the address is.
func (c cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	iss, ok := c[r.URL.String()]
	if !ok {
		return nil, fmt.Errorf("nothing is at %s", r.URL)
	}
	r = r.Clone(r.Context())
	if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
		r.URL.Path = "/.well-known/openid-configuration"
	} else {
		r.URL.Path = "/jwks"
	}
	return iss.Client().Transport.RoundTrip(r)
}

// at makes an issuer of that name that publishes its metadata there and its
// keys elsewhere, as the providers do.
func (c cloud) at(t *testing.T, name, metadata, keys string, options ...jwkstest.Option) *jwkstest.Issuer {
	t.Helper()
	iss := jwkstest.New(t, append(options, jwkstest.WithoutServer(), jwkstest.WithName(name), jwkstest.Metadata{"jwks_uri": keys})...)
	c[metadata], c[keys] = iss, iss
	return iss
}

// gate trusts the provider, whose documents are in the cloud.
func (c cloud) gate(t *testing.T, p providers.Provider) *sallyport.Gate {
	t.Helper()
	g, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{p},
		Keys:      jwks.FetcherConfig{Client: &http.Client{Transport: c}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, g.Close()) })
	return g
}

// seen is what a verified token says, to be compared at once.
type seen struct {
	Reason                     reason.Code
	Caller                     claims.CallerType
	Client                     string
	Scopes, Roles, Permissions []string
	Levels                     []claims.Level
}

// look verifies a token and says what rules would see.
func look(t *testing.T, g *sallyport.Gate, token string, levels claims.AccessLevels) seen {
	t.Helper()
	c, err := g.Verify(t.Context(), token)
	report := g.Explain(t.Context(), token)
	if err != nil {
		var refusal *verifier.Error
		require.ErrorAs(t, err, &refusal)
		assert.Equal(t, refusal.Reason, report.Reason)
		return seen{Reason: refusal.Reason}
	}
	assert.True(t, report.OK, report.Hint)
	s := seen{Caller: c.Caller(), Client: c.ClientID()}
	for scope := range c.Scopes() {
		s.Scopes = append(s.Scopes, scope)
	}
	for role := range c.Roles() {
		s.Roles = append(s.Roles, role)
	}
	for permission := range c.Permissions() {
		s.Permissions = append(s.Permissions, permission)
	}
	for _, l := range []claims.Level{claims.LevelGet, claims.LevelPost, claims.LevelPut, claims.LevelDelete} {
		if levels.Require(l).Check(c).Allowed {
			s.Levels = append(s.Levels, l)
		}
	}
	return s
}

// server is a preset and its authorization server.
type server struct {
	iss  *jwkstest.Issuer
	gate *sallyport.Gate
}

// newServer serves an issuer whose document is where its name says, and trusts it as
// p does.
func newServer(t *testing.T, name string, p providers.Provider) *server {
	t.Helper()
	require.NoError(t, p.Err)
	c := cloud{}
	iss := c.at(t, name, strings.TrimSuffix(name, "/")+"/.well-known/openid-configuration", "https://keys.example/jwks")
	return &server{iss, c.gate(t, p)}
}

// levels are those of an API that no sample has an audience of its own for.
var levels = claims.AccessLevels{Resources: []string{"api://levels"}}

// look verifies a sample with changes.
func (s *server) look(t *testing.T, name string, change ...jwkstest.TokenOption) seen {
	t.Helper()
	return look(t, s.gate, load(t, name).mint(t, s.iss, change...), levels)
}

func (s *server) accepts(t *testing.T, samples map[string]seen) {
	t.Helper()
	for name := range samples {
		assert.Equal(t, samples[name], s.look(t, name), "%s: %s", name, load(t, name).About)
	}
}

// trap is a token that must be refused, and what the report says to change.
type trap struct {
	sample string // "" is that of the whole test
	change jwkstest.TokenOption
	token  string // instead of a sample
	want   reason.Code
	hint   string
}

// refuses checks traps, after the sample that they are made of was accepted as it is.
func (s *server) refuses(t *testing.T, good string, traps map[string]trap) {
	t.Helper()
	require.Empty(t, s.look(t, good).Reason, good)
	for name := range traps {
		trap := traps[name]
		token := trap.token
		if token == "" {
			change := trap.change
			if change == nil {
				change = jwkstest.Claims{}
			}
			token = load(t, cmp.Or(trap.sample, good)).mint(t, s.iss, change)
		}
		assert.Equal(t, trap.want, look(t, s.gate, token, levels).Reason, name)
		assert.Contains(t, s.gate.Explain(t.Context(), token).Hint, trap.hint, name)
	}
}

// orders is the API of the examples.
var orders = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "orders") })

// statusOf returns what a caller without a token gets.
func statusOf(h http.Handler) int {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/orders", http.NoBody))
	return recorder.Code
}

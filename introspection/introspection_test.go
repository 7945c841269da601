package introspection_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestRow79TheQuestion(t *testing.T) { // its parts share an issuer, one after another
	w := onSocket(t)
	v := w.open(t)
	var asked *http.Request
	w.ServeIntrospection(func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.Clone(t.Context())
		w.Answer(rw, r)
	})
	token := w.OpaqueToken()
	good(t, v, token)

	t.Run("79 the question is a POST with a form, and says who asks", func(t *testing.T) {
		assert.Equal(t, http.MethodPost, asked.Method)
		assert.Equal(t, "application/x-www-form-urlencoded", asked.Header.Get("Content-Type"))
		assert.Equal(t, "application/json", asked.Header.Get("Accept"))
		assert.Equal(t, []string{token}, asked.PostForm["token"])
		assert.Equal(t, []string{"access_token"}, asked.PostForm["token_type_hint"])
		assert.Empty(t, asked.URL.RawQuery, "a query is logged")
		_, _, ok := asked.BasicAuth()
		assert.True(t, ok)
	})
	t.Run("79 an endpoint that does not know who asks says nothing of the token", func(t *testing.T) {
		w.cfg.Credentials = introspection.Basic(jwkstest.IntrospectionClient, introspection.Fixed("wrong"))
		e := refusal(t, w.open(t), w.OpaqueToken(), reason.IntrospectionUnavailable)
		assert.Contains(t, e.Error(), "401")
	})
}

func TestRow80TheSamePolicyAndTheSameClaims(t *testing.T) { // its parts share an issuer, one after another
	w := onSocket(t)
	v := w.open(t)
	given := jwkstest.Claims{"scope": "orders.read orders.write", "client_id": "partner", "custom": map[string]any{"a.b": 1}, "exp": time.Now().Add(time.Minute)}
	opaque, jwt := good(t, v, w.OpaqueToken(given)), good(t, v, w.Token(given))

	t.Run("80 claims come out in the same type", func(t *testing.T) {
		for _, c := range []*claims.Claims{opaque, jwt} {
			assert.Equal(t, w.Issuer.Issuer(), c.Issuer())
			assert.Equal(t, "test-client", c.Subject())
			assert.Equal(t, "partner", c.ClientID())
			assert.True(t, c.HasScope("orders.write"))
			assert.True(t, c.HasAudience(audience))
			assert.WithinDuration(t, time.Now().Add(time.Minute), c.ExpiresAt(), 5*time.Second)
			assert.True(t, c.Has("custom", "a.b"))
			assert.True(t, claims.AllScopes("orders.read").Check(c).Allowed)
			assert.InDelta(t, time.Minute.Seconds()+30, v.Remaining(c).Seconds(), 5)
		}
	})
	t.Run("80 an answer need not name the issuer, and sub is then that of the issuer that was asked", func(t *testing.T) {
		c := good(t, v, w.OpaqueToken(jwkstest.Claims{"iss": nil}))
		assert.Equal(t, w.Issuer.Issuer(), c.Issuer())
		assert.Equal(t, "test-client", c.Subject())
	})
	t.Run("80 an answer need not have exp", func(t *testing.T) {
		c := good(t, v, w.OpaqueToken(jwkstest.Claims{"exp": nil}))
		assert.True(t, c.ExpiresAt().IsZero())
	})
	t.Run("80 a token that is bound to its sender wants somebody who checks that", func(t *testing.T) {
		token := w.OpaqueToken(jwkstest.Claims{"cnf": map[string]any{"jkt": "x"}, "token_type": "DPoP"})
		refusal(t, v, token, reason.UnsupportedBinding)
		c, err := v.VerifyBound(t.Context(), token)
		require.NoError(t, err)
		assert.True(t, c.Has("cnf", "jkt"))
	})
	t.Run("80 what the issuer's policy requires is required of an answer", func(t *testing.T) {
		w.issuer.Required, w.issuer.Clients = []string{"jti"}, []string{"partner"}
		v := w.open(t)
		refusal(t, v, w.OpaqueToken(jwkstest.Claims{"jti": nil, "client_id": "partner"}), reason.MissingClaim)
		refusal(t, v, w.OpaqueToken(jwkstest.Claims{"client_id": "another"}), reason.WrongClient)
		good(t, v, w.OpaqueToken(jwkstest.Claims{"client_id": "partner"}))
	})
	t.Run("80 without aud it takes what NoAudience says", func(t *testing.T) {
		w.issuer.Required, w.issuer.Clients = nil, nil
		w.issuer.NoAudience = verifier.AudienceBinding{Clients: []string{"partner"}, ScopePrefix: "orders."}
		v := w.open(t)
		good(t, v, w.OpaqueToken(jwkstest.Claims{"aud": nil, "client_id": "partner", "scope": "orders.read"}))
		refusal(t, v, w.OpaqueToken(jwkstest.Claims{"aud": nil, "client_id": "another", "scope": "orders.read"}), reason.WrongClient)
		refusal(t, v, w.OpaqueToken(jwkstest.Claims{"aud": nil, "client_id": "partner", "scope": "stock.read"}), reason.WrongAudience)
	})
}

func TestValidatorsAndRevocationAreAskedOnEveryCall(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	revoked := false
	w.jwts.Revoked = func(context.Context, *claims.Claims) (bool, error) { return revoked, nil }
	v := w.open(t)
	token := w.OpaqueToken()
	good(t, v, token)
	revoked = true
	refusal(t, v, token, reason.Revoked)
	assert.Equal(t, 1, w.Introspections())
}

func TestWhoIsAsked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tokens introspection.Tokens
		token  func(*world) string
		asked  int
		want   reason.Code // "" is good
	}{
		"a JWT of a known issuer is not shown to anybody":   {introspection.Opaque, func(w *world) string { return w.Token() }, 0, ""},
		"a JWT that is forged is not shown to anybody":      {introspection.All, func(w *world) string { return w.Token() + "AAAA" }, 0, reason.BadSignature},
		"a JWT that has expired is not shown to anybody":    {introspection.All, func(w *world) string { return w.Token(jwkstest.Claims{"exp": time.Now().Add(-time.Hour)}) }, 0, reason.Expired},
		"an opaque token is":                                {introspection.Opaque, func(w *world) string { return w.OpaqueToken() }, 1, ""},
		"a made-up token is":                                {introspection.Opaque, func(*world) string { return "opaque_made-up" }, 1, reason.Inactive},
		"a made-up token with dots is":                      {introspection.Opaque, func(*world) string { return "v2.local.abc" }, 1, reason.Inactive},
		"a JWE is":                                          {introspection.Opaque, func(*world) string { return "eyJ.a.b.c.d" }, 1, reason.Inactive},
		"a JWT of an unknown issuer is":                     {introspection.Opaque, func(w *world) string { return w.Token(jwkstest.Claims{"iss": "https://another.example/"}) }, 1, reason.Inactive},
		"a JWT is, where JWTs may be revoked":               {introspection.JWTs, func(w *world) string { return w.Token() }, 1, ""},
		"a JWT that was revoked is refused":                 {introspection.All, func(w *world) string { s := w.Token(); w.Revoke(s); return s }, 1, reason.Revoked},
		"an opaque token is not, where only JWTs are":       {introspection.JWTs, func(w *world) string { return w.OpaqueToken() }, 0, reason.Malformed},
		"a JWT of an unknown issuer neither":                {introspection.JWTs, func(w *world) string { return w.Token(jwkstest.Claims{"iss": "https://another.example/"}) }, 0, reason.UnknownIssuer},
		"what is too long is not":                           {introspection.Opaque, func(*world) string { return strings.Repeat("a", 9000) }, 0, reason.TooLarge},
		"what no header of a request can hold as one token": {introspection.Opaque, func(*world) string { return "a\x01b" }, 0, reason.Malformed},
		"what is empty but for its padding is not":          {introspection.Opaque, func(*world) string { return "==" }, 0, reason.Malformed},
		"what holds an equals sign in the middle is not":    {introspection.Opaque, func(*world) string { return "a=b" }, 0, reason.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onSocket(t)
			w.cfg.Tokens = tt.tokens
			v, token := w.open(t), tt.token(w)
			if tt.want == "" {
				good(t, v, token)
			} else {
				refusal(t, v, token, tt.want)
			}
			assert.Equal(t, tt.asked, w.Introspections())
		})
	}
}

func TestAJWTWhoseIssuerCannotBeAskedIsNotLetThrough(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	w.cfg.Tokens = introspection.JWTs
	v := w.open(t)
	w.serve(http.StatusInternalServerError, nil, "")
	refusal(t, v, w.Token(), reason.RevocationUnavailable)
	w.serve(http.StatusOK, nil, `{"active":true,"iss":"https://another.example/"}`)
	refusal(t, v, w.Token(), reason.RevocationUnavailable)
	w.serve(http.StatusOK, nil, `{"active":true}`)
	good(t, v, w.Token())
}

func TestNoIssuerSeesAnothersTokens(t *testing.T) {
	t.Parallel()
	a, b := onSocket(t), onSocket(t)
	a.jwts.Issuers = append(a.jwts.Issuers, *b.issuer)
	a.cfg.Prefixes = []string{"ory_"}
	b.cfg.Prefixes = []string{"opaque_"}
	v := a.open(t, b.cfg)
	assert.Equal(t, b.Issuer.Issuer(), good(t, v, b.OpaqueToken()).Issuer())
	refusal(t, v, "ory_made-up", reason.Inactive)
	refusal(t, v, "neither", reason.Malformed)
	assert.Equal(t, 1, a.Introspections())
	assert.Equal(t, 1, b.Introspections())

	a.cfg.Prefixes = nil // any token that has not the other's prefix
	v = a.open(t, b.cfg)
	refusal(t, v, "opaque_made-up", reason.Inactive)
	assert.Equal(t, 1, a.Introspections(), "what is the other's is not shown, active or not")
	refusal(t, v, "neither", reason.Inactive)
	assert.Equal(t, 2, a.Introspections())
	assert.Equal(t, 2, b.Introspections())

	a.cfg.Prefixes, b.cfg.Prefixes = nil, nil
	a.cfg.DangerouslyShareTokens, b.cfg.DangerouslyShareTokens = true, true
	v = a.open(t, b.cfg)
	assert.Equal(t, b.Issuer.Issuer(), good(t, v, b.OpaqueToken()).Issuer(), "in turn")
	refusal(t, v, "nobodys", reason.Inactive)
	a.serve(http.StatusInternalServerError, nil, "")
	refusal(t, v, "perhaps-of-the-first", reason.IntrospectionUnavailable)
	good(t, v, b.OpaqueToken())
}

func TestTheZeroVerifierRefusesEverything(t *testing.T) {
	t.Parallel()
	for _, v := range []*introspection.Verifier{nil, {}} {
		refusal(t, v, "token", reason.IntrospectionUnavailable)
		assert.False(t, v.Explain(t.Context(), "token").OK)
		assert.NoError(t, v.Close())
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	jwts := must(verifier.New(w.jwts))
	for name, tt := range map[string]struct {
		change func(*introspection.Config)
		want   string
	}{
		"no issuer":                    {func(c *introspection.Config) { c.Issuer = "" }, "Issuer is empty"},
		"an issuer that is not known":  {func(c *introspection.Config) { c.Issuer = "https://another.example/" }, "no issuer of the Verifier"},
		"no endpoint":                  {func(c *introspection.Config) { c.Endpoint = "" }, "Endpoint is empty"},
		"plain http":                   {func(c *introspection.Config) { c.Endpoint = "http://issuer.example/introspect" }, "Endpoint \"http://issuer.example/introspect\": use https"},
		"a password in the address":    {func(c *introspection.Config) { c.Endpoint = "https://me:secret@issuer.example/" }, "holds a user name"},
		"no credentials":               {func(c *introspection.Config) { c.Credentials = introspection.Credentials{} }, "Credentials are missing"},
		"credentials without a client": {func(c *introspection.Config) { c.Credentials = introspection.Basic("", introspection.Fixed("s")) }, "no client id"},
		"credentials without a secret": {func(c *introspection.Config) { c.Credentials = introspection.Post("me", nil) }, "no secret"},
		"a prefix of everything":       {func(c *introspection.Config) { c.Prefixes = []string{""} }, "Prefixes has an empty one"},
		"prefixes of JWTs":             {func(c *introspection.Config) { c.Prefixes, c.Tokens = []string{"x"}, introspection.JWTs }, "leave one out"},
		"tokens of no kind":            {func(c *introspection.Config) { c.Tokens = 7 }, "Tokens 7 is none"},
		"a cache for days":             {func(c *introspection.Config) { c.CacheFor = 48 * time.Hour }, "not be more than 1h"},
		"a cache of refusals for days": {func(c *introspection.Config) { c.CacheRefusalsFor = 48 * time.Hour }, "not be more than 1h"},
		"a negative number in flight":  {func(c *introspection.Config) { c.MaxInFlight = -1 }, "must not be negative"},
		"a negative cache":             {func(c *introspection.Config) { c.CacheBytes = -1 }, "must not be negative"},
		"a prefix that begins nothing": {func(c *introspection.Config) { c.Prefixes = []string{"or y_"} }, "Prefixes"},
		"a client id with a blank":     {func(c *introspection.Config) { c.Credentials = introspection.Basic(" me", introspection.Fixed("s")) }, "a client id that"},
		"a bearer without a token":     {func(c *introspection.Config) { c.Credentials = introspection.Bearer(nil) }, "Credentials have no token"},
		"a negative timeout":           {func(c *introspection.Config) { c.Timeout = -1 }, "must not be negative"},
		"signed answers for nobody":    {func(c *introspection.Config) { c.Signed, c.Credentials = true, introspection.DangerouslyNone() }, "Signed answers are for a client id"},
		"a certificate without a place": {func(c *introspection.Config) {
			c.Credentials = introspection.Certificate("me", func(context.Context) (*tls.Certificate, error) { return nil, errors.New("none") })
			c.Client = &http.Client{Transport: roundTripper{}}
		}, "no *http.Transport"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := w.cfg
			tt.change(&cfg)
			v, err := introspection.New(jwts, cfg)
			assert.Nil(t, v)
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "secret@")
		})
	}
	_, err := introspection.New(jwts)
	require.ErrorContains(t, err, "no issuer is to be asked")
	_, err = introspection.New(nil, w.cfg)
	require.ErrorContains(t, err, "needs a verifier.Verifier")
	_, err = introspection.New(jwts, w.cfg, w.cfg)
	require.ErrorContains(t, err, "is there twice")
	require.ErrorContains(t, err, "one sees the other's")
}

func TestTwoIssuersWhoseTokensBeginAlikeAreAMistake(t *testing.T) {
	t.Parallel()
	a, b := onSocket(t), onSocket(t)
	a.jwts.Issuers = append(a.jwts.Issuers, *b.issuer)
	jwts := must(verifier.New(a.jwts))
	for name, tt := range map[string]struct {
		a, b []string
		want string
	}{
		"the same":            {[]string{"ory_"}, []string{"ory_"}, `Prefixes "ory_" of`},
		"one inside another":  {[]string{"ory_"}, []string{"x", "ory_at_"}, `Prefixes "ory_at_" of`},
		"the other way round": {[]string{"ory_at_"}, []string{"ory_"}, `Prefixes "ory_" of`},
		"apart":               {[]string{"ory_at_"}, []string{"ory_ac_"}, ""},
		"one has none":        {nil, []string{"ory_"}, ""},
		"neither has":         {nil, nil, "one sees the other's"},
	} {
		one, other := a.cfg, b.cfg
		one.Prefixes, other.Prefixes = tt.a, tt.b
		v, err := introspection.New(jwts, one, other)
		if tt.want == "" {
			require.NoError(t, err, name)
			require.NoError(t, v.Close())
			continue
		}
		assert.ErrorContains(t, err, tt.want, name)
	}
}

type roundTripper struct{}

func (roundTripper) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("none") }

func TestVerifySeenTellsWhetherTheIssuerWasAsked(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	w.cfg.Tokens = introspection.All
	v := w.open(t)
	revoked, gone := w.Token(), w.OpaqueToken()
	w.Revoke(revoked)
	w.Revoke(gone)
	for name, tt := range map[string]struct {
		token string
		want  reason.Code
		again bool // seen the second time
	}{
		"an opaque token":            {w.OpaqueToken(), "", true},
		"a JWT that is asked about":  {w.Token(), "", true},
		"a JWT that was revoked":     {revoked, reason.Revoked, true},
		"an opaque token that was":   {gone, reason.Inactive, true},
		"one that is bound":          {w.OpaqueToken(jwkstest.Claims{"cnf": map[string]any{"jkt": "x"}}), reason.UnsupportedBinding, true},
		"a JWT that is forged":       {w.Token() + "AAAA", reason.BadSignature, false},
		"what nobody is asked about": {"a=b", reason.Malformed, false},
	} {
		for n, want := range []bool{false, tt.again} {
			c, seen, err := v.VerifySeen(t.Context(), tt.token, false)
			assert.Equal(t, want, seen, "%s, time %d", name, n+1)
			if tt.want == "" {
				assert.NoError(t, err, name)
				assert.NotNil(t, c, name)
				continue
			}
			assert.ErrorIs(t, err, tt.want, name)
			assert.Nil(t, c, name)
		}
	}
	bound := w.OpaqueToken(jwkstest.Claims{"cnf": map[string]any{"jkt": "x"}})
	c, seen, err := v.VerifySeen(t.Context(), bound, true)
	assert.False(t, seen)
	require.NoError(t, err)
	assert.True(t, c.Has("cnf", "jkt"))
}

package servers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/integration/servers"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/providers"
)

// TestServersAreAskedAboutTheirTokens is about the servers that issue opaque
// tokens here.
func TestServersAreAskedAboutTheirTokens(t *testing.T) {
	t.Parallel()
	for _, name := range []string{servers.OIDCProvider, servers.Hydra} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servers.New(t, name)
			f := s.Facts()
			opaque := f
			opaque.ClientID = f.OpaqueID
			tokens := introspection.All
			if f.OpaqueOnly {
				tokens = introspection.Opaque
			}
			gate := asking(t, f, f.Secret, tokens)

			one := token(t, opaque, f.Opaque)
			assert.Less(t, strings.Count(one, "."), 2, "it is opaque")
			c, err := gate.Verify(t.Context(), one)
			require.NoError(t, err)
			assert.Equal(t, f.Issuer, c.Issuer())
			assert.Equal(t, opaque.ClientID, c.ClientID())
			assert.True(t, c.HasScope("get"))
			assert.True(t, c.HasAudience(f.Audience))
			assert.WithinDuration(t, time.Now().Add(time.Hour), c.ExpiresAt(), time.Minute)
			assert.Equal(t, http.StatusOK, through(gate, one).Code)
			assert.True(t, gate.Explain(t.Context(), one).OK)

			jwt := token(t, f, f.Reads)
			assert.Equal(t, http.StatusOK, through(gate, jwt).Code, "a JWT, which is asked about too where the server answers")
			if f.OpaqueOnly {
				assert.Equal(t, http.StatusServiceUnavailable, through(asking(t, f, f.Secret, introspection.All), jwt).Code, "an error is no answer")
			}
			none := token(t, opaque, with(with(f.Opaque, "resource", ""), "audience", ""))
			assert.Equal(t, http.StatusUnauthorized, through(gate, none).Code, "a token for no API")
			assert.Equal(t, http.StatusUnauthorized, through(gate, one[:len(one)-4]+"AAAA").Code, "a token that was changed")
			writes := token(t, opaque, with(f.Opaque, "scope", "post"))
			assert.Equal(t, http.StatusForbidden, through(gate, writes).Code, "a token that may not")

			revoke(t, opaque, one)
			assert.Equal(t, http.StatusOK, through(gate, one).Code, "for as long as the answer is remembered")
			refused := through(asking(t, f, f.Secret, tokens), one)
			assert.Equal(t, http.StatusUnauthorized, refused.Code)
			assert.Contains(t, refused.Header().Get("WWW-Authenticate"), `error="invalid_token"`)

			if !f.OpenIntrospection {
				assert.Equal(t, http.StatusServiceUnavailable, through(asking(t, f, "wrong", tokens), writes).Code, "wrong credentials say nothing of the token")
			}
			s.Stop()
			began := time.Now()
			dead := through(gate, "never-seen")
			assert.Equal(t, http.StatusServiceUnavailable, dead.Code)
			assert.NotEmpty(t, dead.Header().Get("Retry-After"))
			assert.Less(t, time.Since(began), 5*time.Second)
			s.Start(t)
			assert.Eventually(t, func() bool {
				return through(gate, "again-"+time.Now().Format("150405.000")).Code == http.StatusUnauthorized
			},
				30*time.Second, 200*time.Millisecond, "it is asked again")
		})
	}
}

func asking(t *testing.T, f servers.Facts, secret string, tokens introspection.Tokens) *sallyport.Gate {
	t.Helper()
	credentials := introspection.Basic(f.ClientID, introspection.Fixed(secret))
	if f.OpenIntrospection {
		credentials = introspection.DangerouslyNone()
	}
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(f.Issuer, f.Audience)},
		Introspection: []introspection.Config{{
			Issuer: f.Issuer, Endpoint: f.IntrospectionURL, Credentials: credentials, Tokens: tokens, CacheFor: time.Minute,
		}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, gate.Close()) })
	return gate
}

// through calls a handler behind the Gate.
func through(gate *sallyport.Gate, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/orders", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	gate.Require(claims.AllScopes("get"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	return w
}

// revoke revokes a token (RFC 7009).
func revoke(t *testing.T, f servers.Facts, token string) {
	t.Helper()
	form := url.Values{"token": {token}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.RevocationURL, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.SetBasicAuth(f.ClientID, f.Secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)
}

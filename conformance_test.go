package sallyport_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// refusedTokens are of every kind that is refused.
func refusedTokens(a *api) map[string]string {
	return map[string]string{
		"opaque":                          "NgXCXRKcMz0Yjw=",
		"encrypted":                       "e30.e30.e30.e30.e30",
		"too large":                       a.token(jwkstest.Claims{"fill": strings.Repeat("x", 9000)}),
		"crit":                            a.token(jwkstest.Header{"crit": []string{"x"}}),
		"none":                            a.token(jwkstest.Header{"alg": "none"}),
		"another type":                    a.token(jwkstest.Header{"typ": "dpop+jwt"}),
		"an unknown key":                  a.token(jwkstest.Header{"kid": "unknown-canary"}),
		"another issuer":                  a.token(jwkstest.Claims{"iss": "https://other-canary.example"}),
		"another audience":                a.token(jwkstest.Claims{"aud": "audience-canary", "sub": "subject-canary"}),
		"expired":                         a.token(jwkstest.Claims{"exp": time.Now().Add(-time.Hour), "sub": "subject-canary"}),
		"not yet valid":                   a.token(jwkstest.Claims{"nbf": time.Now().Add(time.Hour), "jti": "jti-canary"}),
		"without exp":                     a.token(jwkstest.Claims{"exp": nil}),
		"a claim of another type":         a.token(jwkstest.Claims{"sub": []string{"subject-canary"}}),
		"bound":                           a.token(jwkstest.Claims{"cnf": map[string]string{"jkt": "jkt-canary"}}),
		"an ID token":                     a.token(jwkstest.Claims{"at_hash": "hash-canary"}),
		"quotes and line ends in the kid": a.token(jwkstest.Header{"kid": "\"\r\nX-Evil: 1\\ å"}),
		"quotes and line ends in claims":  a.token(jwkstest.Claims{"iss": "\"\r\nX-Evil: 1", "aud": "\", error=\"", "scope": "\"\r\n å", "client_id": "\r\n"}),
	}
}

func TestConformanceOfSilence(t *testing.T) {
	t.Parallel()
	t.Run("14 the token is never in logs, errors, metrics or traces", func(t *testing.T) {
		t.Parallel()
		a := newAPI(t)
		tokens := refusedTokens(a)
		tokens["good"] = a.token(jwkstest.Claims{"sub": "subject-canary"})
		tokens["without scope"] = a.token(jwkstest.Claims{"scope": "scope-canary", "client_id": "client-canary"})
		for _, token := range tokens {
			a.call(t, token)
			if _, err := a.gate.Verify(t.Context(), token); err != nil {
				a.record("%v %+v %#v", err, err, err.Error())
			}
		}
		recorded := a.everything(t)
		assert.Contains(t, recorded, "sallyport.requests", "there is something to look at")
		assert.Contains(t, recorded, "sallyport.jwks.fetches")
		assert.Contains(t, recorded, "span jwks.fetch")
		assert.Contains(t, recorded, "reason=wrong_audience")
		for name, token := range tokens {
			for part := range strings.SplitSeq(token, ".") {
				if len(part) > 8 {
					assert.NotContains(t, recorded, part[:8], name)
				}
			}
		}
		assert.NotContains(t, strings.ReplaceAll(recorded, "unknown-canary", ""), "canary", "nor a claim's value; a kid may be")
	})
}

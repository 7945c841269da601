package jwkstest_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func newVerifier(t *testing.T, iss *jwkstest.Issuer, keys jwks.KeySet) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: keys,
		Algorithms: []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"},
	}}})
	require.NoError(t, err)
	return v
}

// whyNot is the reason of a refusal, "" of an accepted token.
func whyNot(t *testing.T, err error) reason.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *verifier.Error
	require.ErrorAs(t, err, &refused)
	return refused.Reason
}

var forgedAlgorithms = []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"}

func TestEveryForgeryIsRefusedForItsReason(t *testing.T) {
	t.Parallel()
	for _, alg := range forgedAlgorithms {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm(alg), jwkstest.WithAudience("api://orders"))
			v := newVerifier(t, iss, iss.KeySet())
			forgeries := iss.Forgeries()
			for _, known := range []string{alg, "ES256", "EdDSA"} {
				_, err := v.Verify(t.Context(), iss.Token(jwkstest.WithAlgorithm(known)))
				require.NoError(t, err, "what the forgeries are made of is good")
			}
			names := map[string]bool{}
			for name, f := range forgeries {
				assert.False(t, names[name], "two are called %q", name)
				names[name] = true
				assert.NotEmpty(t, f.Hole, name)
				_, err := v.Verify(t.Context(), f.Token)
				assert.Equal(t, f.Reason, whyNot(t, err), "%s: %v", name, err)
			}
			assert.Greater(t, len(names), 400)
			assert.Zero(t, iss.Fetches()+iss.DiscoveryFetches()+iss.Strays())
		})
	}
}

func TestAFetcherRefusesEveryForgeryAndFollowsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName("https://login.example/tenant/v2.0/"))
		fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: iss.Issuer(), Client: iss.Client()})
		require.NoError(t, err)
		defer fetcher.Close()
		v := newVerifier(t, iss, fetcher)
		for name, f := range iss.Forgeries() {
			_, err := v.Verify(t.Context(), f.Token)
			assert.Equal(t, f.Reason, whyNot(t, err), "%s: %v", name, err)
		}
		assert.Zero(t, iss.Strays(), "nothing that a header points at was fetched")
		assert.LessOrEqual(t, iss.Fetches(), 2, "the first one, and one for all unknown kids")
	})
}

// What the issuer signed itself must carry a good signature, or the forgery would be refused for less than it claims.
func TestForgeriesThatAreNotAboutTheSignatureAreWellSigned(t *testing.T) {
	t.Parallel()
	about := map[reason.Code]bool{
		reason.CriticalHeader: true, reason.UnsupportedType: true, reason.MalformedClaims: true, reason.MissingClaim: true,
		reason.Expired: true, reason.NotYetValid: true, reason.IssuedInFuture: true, reason.WrongAudience: true, reason.UnsupportedBinding: true,
		reason.UnknownIssuer: true,
	}
	for _, alg := range []string{"RS256", "EdDSA"} {
		iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm(alg))
		key, err := jose.NewKey(iss.Key().Public())
		require.NoError(t, err)
		signed := 0
		for name, f := range iss.Forgeries() {
			if !about[f.Reason] || name == "b64: false, signed over the text" || name == "key: another issuer's, in its own name" {
				continue
			}
			compact, err := jose.Split(f.Token)
			require.NoError(t, err, name)
			signature, err := compact.SignatureWith(nil)
			require.NoError(t, err, name)
			assert.NoError(t, key.Verify(alg, compact.SigningInput(), signature), name)
			signed++
		}
		assert.Greater(t, signed, 150)
	}
}

func TestForgeriesAreMadeOfTheTokenThatTheAPIAccepts(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	for name, f := range iss.Forgeries(jwkstest.Claims{"scope": "orders.read"}, jwkstest.WithAudience("api://orders")) {
		if f.Reason != reason.Expired {
			continue
		}
		_, claims := open(t, f.Token)
		assert.Equal(t, "orders.read", claims["scope"], name)
		assert.Equal(t, "api://orders", claims["aud"], name)
	}
}

func TestIteratingMayStop(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	seen := 0
	for range iss.Forgeries() {
		seen++
		if seen == 10 {
			break
		}
	}
	assert.Equal(t, 10, seen)
	published := len(iss.Published())
	for range iss.Forgeries() {
		break
	}
	assert.Len(t, iss.Published(), published, "the second time nothing is published")
}

func TestTheAttackersKeysAreThereForWhoFollowsAHeader(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("EdDSA"))
	pointed := 0
	for name, f := range iss.Forgeries() {
		if name != "header: jku" && name != "header: jku of the issuer's kid" {
			continue
		}
		header, _ := open(t, f.Token)
		_, body := fetch(t, http.DefaultClient, header["jku"].(string))
		keys, _, err := jose.ParseSet([]byte(body))
		require.NoError(t, err)
		compact, err := jose.Split(f.Token)
		require.NoError(t, err)
		signature, err := compact.SignatureWith(nil)
		require.NoError(t, err)
		found := false
		for i := range keys {
			found = found || keys[i].ID == header["kid"] && keys[i].Verify("EdDSA", compact.SigningInput(), signature) == nil
		}
		assert.True(t, found, "%s: it would get in", name)
		pointed++
	}
	assert.Equal(t, 2, pointed)
	assert.Equal(t, 2, iss.Strays())
}

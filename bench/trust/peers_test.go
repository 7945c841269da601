package trust_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/verifier"
)

// The policy of every library.
const (
	issuerName = "https://issuer.example"
	audience   = "api://orders"
	leeway     = 30 * time.Second
)

var (
	noon       = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}
)

// TestMain has both peers read fractions of seconds, as RFC 7519 section 2 allows: as they come they cut them off.
func TestMain(m *testing.M) {
	golangjwt.TimePrecision = time.Microsecond
	jwxjwt.Settings(jwxjwt.WithNumericDateParsePrecision(9), jwxjwt.WithCompactOnly(true))
	m.Run()
}

// judge says whether a token is good; nil is yes.
type judge func(token string) error

// newVerifier is without its cache: the property is about judgement.
func newVerifier(t *testing.T, keys jwks.KeySet) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{
		Issuers:    []verifier.Issuer{{Name: issuerName, Audiences: []string{audience}, Keys: keys}},
		CacheBytes: -1,
		Now:        func() time.Time { return noon },
	})
	require.NoError(t, err)
	return v
}

func ours(t *testing.T, v *verifier.Verifier) judge {
	t.Helper()
	return func(token string) error {
		_, err := v.Verify(t.Context(), token)
		return err
	}
}

// golangJWT is golang-jwt, as strict as its options make it.
func golangJWT(keys []*jwkstest.Key) judge {
	parser := golangjwt.NewParser(
		golangjwt.WithValidMethods(algorithms), golangjwt.WithIssuer(issuerName), golangjwt.WithAudience(audience),
		golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt(), golangjwt.WithLeeway(leeway),
		golangjwt.WithTimeFunc(func() time.Time { return noon }), golangjwt.WithStrictDecoding(),
	)
	find := func(token *golangjwt.Token) (any, error) {
		kid, named := token.Header["kid"].(string)
		for _, k := range keys {
			if k.Algorithm() == token.Method.Alg() && (k.ID() == kid || !named || kid == "") {
				return k.Public(), nil
			}
		}
		return nil, errors.New("no such key")
	}
	return func(token string) error {
		_, err := parser.Parse(token, find)
		return err
	}
}

// jwxJWT is jwx's own way of parsing and validating a token, of which Sallyport uses nothing.
func jwxJWT(t *testing.T, keys []*jwkstest.Key) judge {
	t.Helper()
	set := jwk.NewSet()
	for _, k := range keys {
		key, err := jwk.FromRaw(k.Public())
		require.NoError(t, err)
		require.NoError(t, key.Set(jwk.KeyIDKey, k.ID()))
		require.NoError(t, key.Set(jwk.AlgorithmKey, jwa.SignatureAlgorithm(k.Algorithm())))
		require.NoError(t, set.AddKey(key))
	}
	clock := jwxjwt.ClockFunc(func() time.Time { return noon })
	return func(token string) error {
		_, err := jwxjwt.Parse([]byte(token),
			jwxjwt.WithKeySet(set, jws.WithRequireKid(false)), jwxjwt.WithValidate(true), jwxjwt.WithClock(clock), jwxjwt.WithAcceptableSkew(leeway),
			jwxjwt.WithTruncation(0), jwxjwt.WithIssuer(issuerName), jwxjwt.WithAudience(audience), jwxjwt.WithRequiredClaim(jwxjwt.ExpirationKey))
		return err
	}
}

// world starts an issuer with a key for each algorithm.
func world(t *testing.T) (*jwkstest.Issuer, []*jwkstest.Key) {
	t.Helper()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName(issuerName), jwkstest.WithAudience(audience), jwkstest.WithClock(func() time.Time { return noon }))
	for _, alg := range algorithms {
		iss.Token(jwkstest.WithAlgorithm(alg)) // publishes a key for it
	}
	keys := slices.DeleteFunc(iss.Published(), func(k *jwkstest.Key) bool { return !slices.Contains(algorithms, k.Algorithm()) })
	require.Len(t, keys, len(algorithms))
	return iss, keys
}

package verifier_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func TestIssuer(t *testing.T) {
	t.Parallel()
	table{
		"no iss":             missing("issuer", "iss"),
		"iss as a number":    {token: having(jwkstest.Claims{"iss": 7}), want: reason.MalformedClaims, check: "issuer", detail: "iss is no string"},
		"one of two issuers": {setup: second("https://second.example")},
		"the other of two":   good(having(jwkstest.Claims{"iss": "https://second.example"})).under(second("https://second.example")),
	}.run(t)
}

func TestTheIssuerOfARefusalIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)

	_, err := v.Verify(t.Context(), w.Token(jwkstest.WithAudience("api://other")))
	assert.Equal(t, issuerName, asError(t, err).Issuer)
	assert.Contains(t, err.Error(), issuerName)

	_, err = v.Verify(t.Context(), w.Token(jwkstest.Claims{"iss": "https://other.example/"}))
	assert.Empty(t, asError(t, err).Issuer, "the token's own iss is data of the caller")
	assert.NotContains(t, err.Error(), "other.example")
}

func TestAForeignIssuerNeverReachesTheKeySet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	for _, token := range []string{
		w.Token(jwkstest.Claims{"iss": "https://other.example/"}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Claims{"iss": nil}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Claims{"iss": 7}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Header{"crit": []string{"x"}, "kid": "never-seen"}),
		w.Token(jwkstest.Header{"typ": "dpop+jwt", "kid": "never-seen"}),
		w.Token(jwkstest.Header{"alg": "none", "kid": "never-seen"}),
		"opaque",
	} {
		_, err := v.Verify(t.Context(), token)
		assert.Error(t, err)
	}
	assert.Zero(t, w.keys.asked())
}

func TestType(t *testing.T) {
	t.Parallel()
	okta := types("okta-internal-at+jwt")
	typ := func(typ string) row { return good(with(jwkstest.Header{"typ": typ})) }
	table{
		"jwt in small letters":                  good(with(jwkstest.Header{"typ": "jwt"})),
		"types can be named":                    good(with(jwkstest.Header{"typ": "Okta-Internal-AT+JWT"})).under(okta),
		"and then the default ones are refused": otherType("at+jwt").under(okta),
		"no typ is refused unless it is named":  otherType(nil).under(types("JWT")),
		"no typ at all can be asked for":        good(with(jwkstest.Header{"typ": nil})).under(types("")),
		"and an empty typ is none then":         typ("").under(types("JWT", "")),
		"but not by default":                    otherType(""),
		"nor where no typ is not accepted":      otherType("").under(types("JWT")),

		// RFC 7515 section 4.1.9
		"application/ may stand in front of the default ones": typ("application/JWT"),
		"in any case":                            typ("APPLICATION/At+Jwt"),
		"or of those that are named":             typ("application/okta-internal-at+jwt").under(okta),
		"and be left out of those":               typ("at+jwt").under(types("application/at+jwt")),
		"in any case too":                        typ("jws").under(types("Application/JWS")),
		"another tree is another type":           otherType("text/at+jwt"),
		"which can be named":                     typ("Text/AT+jwt").under(types("text/at+jwt")),
		"and is not that of application/":        otherType("at+jwt").under(types("text/at+jwt")),
		"a value with two slashes is as it is":   otherType("application/x/jwt").under(types("x/jwt")),
		"application/ twice is another type":     otherType("application/application/at+jwt"),
		"application/ alone is a type":           otherType("application/").under(types("")),
		"application without a slash is another": otherType("applicationat+jwt"),
		"a parameter is part of a type":          otherType("application/at+jwt; v=1"),
	}.run(t)
}

func TestAlgorithm(t *testing.T) {
	t.Parallel()
	es384, ed25519 := with(jwkstest.WithAlgorithm("ES384")), with(jwkstest.WithAlgorithm("EdDSA"), jwkstest.Header{"alg": "Ed25519"})
	table{
		"RS256":                                  good(with(jwkstest.WithAlgorithm("RS256"))),
		"PS256":                                  good(with(jwkstest.WithAlgorithm("PS256"))),
		"ES256":                                  good(with(jwkstest.WithAlgorithm("ES256"))),
		"EdDSA":                                  good(with(jwkstest.WithAlgorithm("EdDSA"))),
		"ES384 by default":                       unsupportedAlg(es384),
		"ES384 if named":                         good(es384).under(algorithms("ES384")),
		"ES256 if ES384 is":                      unsupportedAlg(nil).under(algorithms("ES384")),
		"Ed25519, the other name of EdDSA":       good(ed25519),
		"Ed25519 if only EdDSA is named":         good(ed25519).under(algorithms("EdDSA")),
		"EdDSA if only Ed25519 is named":         good(with(jwkstest.WithAlgorithm("EdDSA"))).under(algorithms("Ed25519")),
		"Ed25519 if neither is named":            unsupportedAlg(ed25519).under(algorithms("ES256")),
		"EdDSA with a key published for Ed25519": good(signedBy("EdDSA", jwkstest.JWK{"alg": "Ed25519"})),
		"RS256 with a key published without alg, as Entra does": good(signedBy("RS256", jwkstest.JWK{"alg": nil})),
	}.run(t)
}

func TestHMACNeedsAnExplicitSecret(t *testing.T) {
	t.Parallel()
	secret := func(algorithms ...string) func(*world) {
		return func(w *world) {
			key := w.NewKey("HS256")
			w.Use(key)
			set := must(jwks.NewStatic(must(jwks.NewSecret(key.ID(), "HS256", key.Secret()))))
			w.issuer().Keys, w.issuer().Algorithms = set, algorithms
		}
	}
	hs256 := with(jwkstest.WithAlgorithm("HS256"))
	table{
		"with a secret, and named":     good(hs256).under(secret("HS256")),
		"with a secret, but not named": unsupportedAlg(hs256).under(secret()),
		"another HMAC than the secret's": wrongKey(`"key-2"`, with(jwkstest.WithAlgorithm("HS384"), jwkstest.Header{"kid": "key-2"})).
			under(secret("HS256", "HS384")),
		"a secret that the issuer publishes is not a key": unusableKey(`"key-2"`, hs256).under(func(w *world) {
			w.issuer().Algorithms = []string{"HS256", "ES256"}
			w.Publish(w.NewKey("HS256"))
		}),
	}.run(t)
}

package jwkstest_test

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// opaque is a signer of a kind that nobody knows.
type opaque struct{}

func (opaque) Public() crypto.PublicKey { return nil }

func (opaque) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, nil }

func TestWrongUseEndsTheTestAndSaysWhy(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		use  func(iss *jwkstest.Issuer)
		want string
	}{
		"an algorithm nobody knows":       {func(iss *jwkstest.Issuer) { iss.Token(jwkstest.WithAlgorithm("RS257")) }, `there is no algorithm "RS257"`},
		"a key that cannot sign that":     {func(iss *jwkstest.Issuer) { iss.Token(jwkstest.WithKey(iss.Key()), jwkstest.WithAlgorithm("ES256")) }, "a key for EdDSA cannot sign ES256"},
		"an unknown algorithm with a key": {func(iss *jwkstest.Issuer) { iss.Token(jwkstest.WithKey(iss.Key()), jwkstest.WithAlgorithm("none")) }, `there is no algorithm "none"`},
		"a claim that is no JSON":         {func(iss *jwkstest.Issuer) { iss.Token(jwkstest.Claims{"x": make(chan int)}) }, "a token cannot be written"},
		"a replacement of nothing":        {func(iss *jwkstest.Issuer) { iss.Replace("nobody") }, "is published"},
		"a key of an unknown kind":        {func(iss *jwkstest.Issuer) { iss.KeyFrom("RS256", opaque{}) }, "is no private key"},
		"forgeries of a secret's tokens":  {func(iss *jwkstest.Issuer) { forge(iss, jwkstest.WithAlgorithm("HS256")) }, "forgeries are of tokens that an asymmetric key signs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := jwkstest.Start(jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
			defer started.Close()
			iss := jwkstest.New(&fakeTB{TB: t}, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
			defer iss.Close()
			for _, iss := range []*jwkstest.Issuer{started, iss} {
				why := panicOf(func() { row.use(iss) })
				assert.Contains(t, why, row.want)
				assert.True(t, strings.HasPrefix(why, "jwkstest: "), why)
			}
		})
	}
}

func forge(iss *jwkstest.Issuer, options ...jwkstest.TokenOption) {
	for range iss.Forgeries(options...) {
	}
}

func TestAnIssuerServesManyAtOnce(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("EdDSA"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			assert.True(t, signedBy(iss.Token(), iss.Key()) || len(iss.Published()) > 2)
			iss.Token(jwkstest.WithAlgorithm("ES256"))
			resp, _ := fetch(t, http.DefaultClient, iss.JWKSURL())
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.True(t, iss.KeySet().Snapshot().Usable())
			iss.SetCacheControl("max-age=1")
		})
	}
	all.Wait()
	assert.Len(t, iss.Published(), 2, "one key for ES256, whoever asked first")
	assert.Equal(t, 8, iss.Fetches())
}

func TestTheIssuerIsReachedBySocketAndWithout(t *testing.T) {
	t.Parallel()
	const tenant = "https://sts.windows.net/0b1c2d3e-0000-4000-8000-000000000001/"
	for name, row := range map[string]struct {
		options []jwkstest.Option
		memory  bool
		paths   []string // to which the issuer's address is put in front, unless they have a host
	}{
		"over a loopback socket under its address": {
			nil, false, []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"},
		},
		"over a loopback socket under another name": {[]jwkstest.Option{jwkstest.WithName(tenant)}, false, []string{"/.well-known/openid-configuration"}},
		"in memory, whatever the host": {[]jwkstest.Option{jwkstest.WithName(tenant), jwkstest.WithoutServer()}, true, []string{
			tenant + ".well-known/openid-configuration",
			"https://sts.windows.net/.well-known/oauth-authorization-server/0b1c2d3e-0000-4000-8000-000000000001",
			"http://elsewhere.example/.well-known/openid-configuration",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, append(row.options, jwkstest.WithAlgorithm("EdDSA"))...)
			client := http.DefaultClient
			if row.memory {
				client = iss.Client()
			}
			assert.Equal(t, iss.URL()+"/.well-known/openid-configuration", iss.DiscoveryURL())
			for i, path := range row.paths {
				if strings.HasPrefix(path, "/") {
					path = iss.URL() + path
				}
				_, body := fetch(t, client, path)
				assert.Equal(t, iss.Issuer(), jsonText(t, body, "issuer"))
				assert.Equal(t, iss.JWKSURL(), jsonText(t, body, "jwks_uri"))
				assert.Equal(t, i+1, iss.DiscoveryFetches())
			}
			assert.Equal(t, []string{"key-1"}, kids(t, iss, client))
			assert.Equal(t, 1, iss.Fetches())
			assert.Equal(t, 0, iss.Strays())

			resp, _ := fetch(t, client, iss.URL()+"/elsewhere")
			assert.Equal(t, http.StatusNotFound, resp.StatusCode)
			assert.Equal(t, 1, iss.Strays())
		})
	}
}

func TestNoTwoLiveIssuersShareAKey(t *testing.T) {
	t.Parallel()
	a := jwkstest.Start(jwkstest.WithoutServer())
	b := jwkstest.New(t, jwkstest.WithoutServer())
	assert.NotEqual(t, a.Key().JWK()["n"], b.Key().JWK()["n"])
	assert.NotEqual(t, a.Issuer(), b.Issuer())
	a.Close()
	a.Close()
}

func TestWithJWKNamesEveryKeyByItsPublicHalf(t *testing.T) {
	t.Parallel()
	named := func(pub crypto.PublicKey) string { return hex.EncodeToString(must(x509.MarshalPKIXPublicKey(pub))) }
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"),
		jwkstest.WithJWK(func(pub crypto.PublicKey) jwkstest.JWK {
			return jwkstest.JWK{"kid": named(pub), "alg": nil, "use": "enc"}
		}),
		jwkstest.JWK{"use": "sig"})
	for _, k := range []*jwkstest.Key{iss.Key(), iss.Rotate(), iss.NewKey("RS256")} {
		assert.Equal(t, named(k.Public()), k.ID())
		assert.Equal(t, k.ID(), k.JWK()["kid"])
		assert.Nil(t, k.JWK()["alg"])
		assert.Equal(t, "sig", k.JWK()["use"], "a JWK option wins")
	}
	secret := iss.NewKey("HS256")
	assert.Equal(t, "HS256", secret.JWK()["alg"], "a secret has no public half")
}

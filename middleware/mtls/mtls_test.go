package mtls_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/reason"
)

func TestRow72TheCertificateOfTheConnection(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mtls.Config{})
	cert, other := a.NewCertificate(), a.NewCertificate()
	empty := request()
	empty.TLS = cert.On(request()).TLS
	empty.TLS.PeerCertificates = nil
	behind := other.On(request())
	behind.TLS.PeerCertificates = append(behind.TLS.PeerCertificates, cert.X509())
	t.Run("72 the certificate that the token is bound to passes", func(t *testing.T) {
		t.Parallel()
		a.assertPasses(t, a.call(cert.On(request()), cert.Bound()))
	})
	t.Run("a token without a binding passes with any certificate and without one", func(t *testing.T) {
		t.Parallel()
		a.assertPasses(t, a.call(request()))
		a.assertPasses(t, a.call(other.On(request())))
	})
	t.Run("72 without TLS there is none", func(t *testing.T) {
		t.Parallel()
		a.assertRefused(t, a.call(request(), cert.Bound()), reason.WrongCertificate, "the client sent no certificate: does the server ask for one?")
	})
	t.Run("72 a client that sent none", func(t *testing.T) {
		t.Parallel()
		a.assertRefused(t, a.call(empty, cert.Bound()), reason.WrongCertificate, "the client sent no certificate: does the server ask for one?")
	})
	t.Run("72 another certificate", func(t *testing.T) {
		t.Parallel()
		a.assertRefused(t, a.call(other.On(request()), cert.Bound()), reason.WrongCertificate, "the certificate is not that which the token is bound to")
	})
	t.Run("72 the right one further up the chain is somebody else's", func(t *testing.T) {
		t.Parallel()
		a.assertRefused(t, a.call(behind, cert.Bound()), reason.WrongCertificate, "the certificate is not that which the token is bound to")
	})
	t.Run("72 the same token by another connection is asked again", func(t *testing.T) {
		t.Parallel()
		token := a.Token(cert.Bound())
		for _, want := range []int{204, 401, 204} { // the second and third time the token is in the cache
			r := cert.On(request())
			if want == 401 {
				r = other.On(request())
			}
			r.Header.Set("Authorization", "Bearer "+token)
			assert.Equal(t, want, a.serve(r).Code)
		}
	})
}

func TestRow72WithoutTheBindingABoundTokenIsRefused(t *testing.T) {
	t.Parallel()
	a := guarded(t)
	cert := a.NewCertificate()
	t.Run("72 without the binding a bound token is refused, with its certificate too", func(t *testing.T) {
		t.Parallel()
		w := a.call(cert.On(request()), cert.Bound())
		assert.Equal(t, http.StatusUnauthorized, w.Code)
		assert.Equal(t, reason.UnsupportedBinding, w.Reason)
	})
}

func TestRow89RequiredRefusesTokensThatAnybodyCouldUse(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mtls.Config{Required: true})
	cert := a.NewCertificate()
	t.Run("89 a bound token passes", func(t *testing.T) {
		t.Parallel()
		a.assertPasses(t, a.call(cert.On(request()), cert.Bound()))
	})
	t.Run("89 a token without cnf is refused, whatever the certificate", func(t *testing.T) {
		t.Parallel()
		a.assertRefused(t, a.call(cert.On(request())), reason.UnsupportedBinding, "the token is not bound to a certificate: see Config.Required")
	})
}

// A cnf without a member that this Binding knows is refused by the Guard before
// it is asked. Beside another Binding it is asked, and must not take the other's
// member for its own.
func TestRow89RequiredIsNotContentWithAnotherBinding(t *testing.T) {
	t.Parallel()
	c, err := claims.Parse([]byte(`{"cnf":{"jkt":"x","x5t#S256":null}}`), claims.DefaultMapping())
	require.NoError(t, err)
	t.Run("89 bound to another key alone", func(t *testing.T) {
		t.Parallel()
		assert.ErrorContains(t, newBinding(t, mtls.Config{Required: true}).Check(request(), middleware.Credential{}, c), "not bound to a certificate")
		assert.NoError(t, newBinding(t, mtls.Config{}).Check(request(), middleware.Credential{}, c), "the other Binding judges it")
	})
}

func TestEveryForgeryIsRefusedForItsReason(t *testing.T) {
	t.Parallel()
	type good func(*jwkstest.Certificate) *http.Request
	for name, row := range map[string]struct {
		cfg   mtls.Config
		good  good
		least int
	}{
		"on the connection": {mtls.Config{}, func(c *jwkstest.Certificate) *http.Request { return c.On(request()) }, 75},
		"on the connection, beside a proxy": {
			mtls.Config{Proxies: proxies(proxy)}, func(c *jwkstest.Certificate) *http.Request { return c.On(request()) }, 75,
		},
		"forwarded as RFC 9440 has it": {
			mtls.Config{Proxies: proxies(proxy)}, func(c *jwkstest.Certificate) *http.Request { return forwarded("Client-Cert", c.ClientCert()) }, 110,
		},
		"forwarded by nginx": {
			mtls.Config{Proxies: proxies(proxy), Header: "x-ssl-cert", Format: mtls.EscapedPEM},
			func(c *jwkstest.Certificate) *http.Request { return forwarded("X-Ssl-Cert", c.EscapedPEM()) }, 110,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, row.cfg)
			cert := a.NewCertificate()
			r := row.good(cert)
			a.assertPasses(t, a.call(r, cert.Bound()))
			count := 0
			for forgery, f := range a.CertificateForgeries(r, cert.Bound()) {
				count++
				w := a.serve(f.Request)
				assert.Equal(t, http.StatusUnauthorized, w.Code, forgery)
				assert.Equal(t, f.Reason, w.Reason, forgery)
			}
			assert.GreaterOrEqual(t, count, row.least)
			jwkstest.AttackHandler(t, a.Issuer, a, row.good(cert), cert.Bound())
		})
	}
}

func TestEveryMistakeIsReported(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		cfg  mtls.Config
		want []string
	}{
		{"an empty list of proxies is none", mtls.Config{Proxies: []netip.Prefix{}}, nil},
		{"several at once", mtls.Config{Proxies: append(proxies("0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104"), proxies(proxy)[0].Masked(), zeroPrefix), Header: "no name", Format: 7}, []string{
			"mtls: Config.Proxies[0] is every address: then everybody may claim to be any client",
			"mtls: Config.Proxies[1] is every address: then everybody may claim to be any client",
			"mtls: Config.Proxies[2] is IPv4 written as IPv6 and would match nothing: write it as IPv4",
			`mtls: Config.Proxies[4] is no prefix: use netip.MustParsePrefix("10.0.0.7/32")`,
			`mtls: Config.Header "no name" is no name of a header that certificates could come in`,
			"mtls: Config.Format 7 is not known: use ByteSequence or EscapedPEM",
		}},
		{"a header that means something else", mtls.Config{Proxies: proxies(proxy), Header: "authorization"}, []string{
			`mtls: Config.Header "authorization" is no name of a header that certificates could come in`,
		}},
		{"a header that nobody may send", mtls.Config{Header: "Client-Cert"}, []string{
			"mtls: Config.Header and Format are read from no request without Proxies: name the addresses of those that may send it",
		}},
		{"a format that nobody may send", mtls.Config{Format: mtls.EscapedPEM}, []string{
			"mtls: Config.Header and Format are read from no request without Proxies: name the addresses of those that may send it",
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b, err := mtls.New(row.cfg)
			if row.want == nil {
				require.NoError(t, err)
				return
			}
			assert.Nil(t, b)
			var joined interface{ Unwrap() []error }
			require.ErrorAs(t, err, &joined)
			var got []string
			for _, e := range joined.Unwrap() {
				got = append(got, e.Error())
			}
			assert.Equal(t, row.want, got)
		})
	}
}

func TestABindingThatWasNotMadeRefusesEverything(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*mtls.Binding{"the zero Binding": new(mtls.Binding), "a nil one": nil} {
		for _, payload := range []string{`{}`, `{"cnf":{"x5t#S256":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}}`} {
			c, err := claims.Parse([]byte(payload), claims.DefaultMapping())
			require.NoError(t, err)
			err = b.Check(request(), middleware.Credential{}, c)
			assert.ErrorIs(t, err, reason.UnsupportedBinding, name)
			assert.ErrorContains(t, err, "was not made by New", name)
		}
	}
}

func TestTheMetadataOfTheResourceTells(t *testing.T) {
	t.Parallel()
	b := newBinding(t, mtls.Config{})
	assert.Equal(t, []string{"x5t#S256"}, b.Confirms())
	assert.Equal(t, map[string]any{"tls_client_certificate_bound_access_tokens": true}, b.Describe())
}

// What the binding adds to each call: the look at cnf and one digest of the
// certificate.
func BenchmarkCheck(b *testing.B) {
	iss := jwkstest.New(b, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	cert := iss.NewCertificate()
	bound, err := claims.Parse([]byte(`{"cnf":{"x5t#S256":"`+cert.Thumbprint()+`"}}`), claims.DefaultMapping())
	require.NoError(b, err)
	free, err := claims.Parse([]byte(`{"sub":"x"}`), claims.DefaultMapping())
	require.NoError(b, err)
	connection, err := mtls.New(mtls.Config{})
	require.NoError(b, err)
	proxied, err := mtls.New(mtls.Config{Proxies: proxies(proxy)})
	require.NoError(b, err)
	for name, row := range map[string]struct {
		binding *mtls.Binding
		r       *http.Request
		claims  *claims.Claims
	}{
		"token=bearer":                 {connection, request(), free},
		"token=bound/from=connection":  {connection, cert.On(request()), bound},
		"token=bound/from=Client-Cert": {proxied, forwarded("Client-Cert", cert.ClientCert()), bound},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := row.binding.Check(row.r, middleware.Credential{}, row.claims); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

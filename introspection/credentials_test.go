package introspection_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// asked is a question as the endpoint sees it.
func asked(t *testing.T, w *world, credentials introspection.Credentials) *http.Request {
	t.Helper()
	w.cfg.Credentials = credentials
	v := w.open(t)
	var seen *http.Request
	w.ServeIntrospection(func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		seen = r.Clone(t.Context())
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"active":true,"aud":"` + audience + `"}`))
	})
	good(t, v, "token")
	return seen
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	t.Run("by Basic, both encoded first", func(t *testing.T) {
		t.Parallel()
		id, secret, ok := asked(t, onSocket(t), introspection.Basic("me:too", introspection.Fixed("a b%ü"))).BasicAuth()
		assert.True(t, ok)
		assert.Equal(t, "me%3Atoo", id)
		assert.Equal(t, "a+b%25%C3%BC", secret)
	})
	t.Run("in the form, and not in the header", func(t *testing.T) {
		t.Parallel()
		r := asked(t, onSocket(t), introspection.Post("me", introspection.Fixed("a b%")))
		assert.Equal(t, []string{"me"}, r.PostForm["client_id"])
		assert.Equal(t, []string{"a b%"}, r.PostForm["client_secret"])
		assert.Empty(t, r.Header.Get("Authorization"))
	})
	t.Run("as a bearer token of its own", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, "Bearer abc", asked(t, onSocket(t), introspection.Bearer(introspection.Fixed("abc"))).Header.Get("Authorization"))
	})
	t.Run("none, where that is said", func(t *testing.T) {
		t.Parallel()
		r := asked(t, onSocket(t), introspection.DangerouslyNone())
		assert.Empty(t, r.Header.Get("Authorization"))
		assert.Len(t, r.PostForm, 2)
	})
	t.Run("they print as nothing", func(t *testing.T) {
		t.Parallel()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			assert.Equal(t, "introspection.Credentials{redacted}", fmt.Sprintf(verb, introspection.Basic("me", introspection.Fixed("secret"))))
		}
	})
}

func TestASecretInAFileMayRotate(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	path := filepath.Join(t.TempDir(), "secret")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	w.cfg.Credentials = introspection.Post(jwkstest.IntrospectionClient, introspection.File(path))
	v := w.open(t)
	e := refusal(t, v, w.OpaqueToken(), reason.IntrospectionUnavailable)
	assert.ErrorIs(t, e, os.ErrNotExist)
	for _, damaged := range []string{"", "\n", "one\ntwo\n", "a\x00b", strings.Repeat("a", 70<<10)} {
		write(damaged)
		refusal(t, v, w.OpaqueToken(), reason.IntrospectionUnavailable)
	}
	assert.Zero(t, w.Introspections(), "nothing is asked without credentials")
	write(jwkstest.IntrospectionSecret + "\r\n")
	good(t, v, w.OpaqueToken())
	write("another")
	refusal(t, v, w.OpaqueToken(), reason.IntrospectionUnavailable)
	write(jwkstest.IntrospectionSecret)
	good(t, v, w.OpaqueToken())
}

func TestAnEmptySecretAsksNothing(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	w.cfg.Credentials = introspection.Basic(jwkstest.IntrospectionClient, introspection.Fixed(""))
	e := refusal(t, w.open(t), "token", reason.IntrospectionUnavailable)
	assert.ErrorContains(t, e, "the secret is empty")
	assert.Zero(t, w.Introspections())
}

func TestSecretsThatFailAreNotTheEndpointsFault(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	broken := errors.New("the vault is sealed")
	err := broken
	w.cfg.Credentials = introspection.Basic(jwkstest.IntrospectionClient, func(context.Context) (string, error) { return jwkstest.IntrospectionSecret, err })
	v := w.open(t)
	for range 10 {
		e := refusal(t, v, w.OpaqueToken(), reason.IntrospectionUnavailable)
		assert.ErrorIs(t, e, broken)
	}
	err = nil
	good(t, v, w.OpaqueToken())
}

func pemOf(t *testing.T, kind string, der []byte) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rs := must(rsa.GenerateKey(rand.Reader, 2048))
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pemOf(t, kind, der), 0o600))
		return path
	}
	for name, tt := range map[string]struct {
		alg  string
		key  crypto.Signer
		path string
	}{
		"PKCS #8, RS256": {"RS256", rs, file("rs", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rs)))},
		"PKCS #1, PS256": {"PS256", rs, file("ps", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs))},
		"SEC 1, ES256":   {"ES256", ec, file("ec", "EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec)))},
		"PKCS #8, EdDSA": {"EdDSA", ed, file("ed", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ed)))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onSocket(t)
			r := asked(t, w, introspection.PrivateKeyJWT("me", introspection.KeyFile(tt.path, tt.alg, "my-key")))
			assert.Equal(t, "me", r.PostForm.Get("client_id"))
			assert.Equal(t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", r.PostForm.Get("client_assertion_type"))
			keys := must(jwks.NewStatic(must(jwks.NewKey("my-key", tt.alg, tt.key.Public()))))
			check := must(verifier.New(verifier.Config{MaxAge: time.Minute, Issuers: []verifier.Issuer{{
				Name: "me", Audiences: []string{w.Issuer.Issuer()}, Algorithms: []string{tt.alg}, Keys: keys, Required: []string{"sub", "jti"},
			}}}))
			c := good(t, check, r.PostForm.Get("client_assertion"))
			assert.Equal(t, "me", c.Subject())
			assert.WithinDuration(t, time.Now().Add(time.Minute), c.ExpiresAt(), 10*time.Second)
			again := asked(t, w, w.cfg.Credentials).PostForm.Get("client_assertion")
			assert.NotEqual(t, c.ID(), good(t, check, again).ID(), "each is used once")
		})
	}
	weak := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	small := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2046), E: 65537}} // of 2047 bits
	const unfit = "is none of RS256, PS256, ES256 and EdDSA, or not for this key"
	for name, tt := range map[string]struct {
		key  introspection.SigningKey
		want string
	}{
		"no key":            {introspection.SigningKey{Algorithm: "RS256"}, "there is no Signer"},
		"another algorithm": {introspection.SigningKey{Signer: ec, Algorithm: "RS256"}, unfit},
		"another kind":      {introspection.SigningKey{Signer: rs, Algorithm: "EdDSA"}, unfit},
		"another curve":     {introspection.SigningKey{Signer: weak, Algorithm: "ES256"}, unfit},
		"a short RSA key":   {introspection.SigningKey{Signer: small, Algorithm: "RS256"}, unfit},
		"none":              {introspection.SigningKey{Signer: ec, Algorithm: "none"}, unfit},
		"no signature":      {introspection.SigningKey{Signer: liar{ec}, Algorithm: "ES256"}, "made no ECDSA signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onSocket(t)
			w.cfg.Credentials = introspection.PrivateKeyJWT("me", func(context.Context) (introspection.SigningKey, error) { return tt.key, nil })
			e := refusal(t, w.open(t), "token", reason.IntrospectionUnavailable)
			assert.Contains(t, e.Error(), "cannot sign")
			assert.Contains(t, e.Error(), tt.want)
			assert.Zero(t, w.Introspections(), "nothing is asked without credentials")
		})
	}
	t.Run("a file without a key", func(t *testing.T) {
		t.Parallel()
		w := onSocket(t)
		path := filepath.Join(dir, "none")
		require.NoError(t, os.WriteFile(path, []byte("nothing"), 0o600))
		w.cfg.Credentials = introspection.PrivateKeyJWT("me", introspection.KeyFile(path, "ES256", ""))
		assert.Contains(t, refusal(t, w.open(t), "token", reason.IntrospectionUnavailable).Error(), "no PEM block")
	})
}

// liar signs with nothing.
type liar struct{ crypto.Signer }

func (liar) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return []byte("yes"), nil }

// TestACertificateSaysWhoAsks is over TLS with a CA of its own.
func TestACertificateSaysWhoAsks(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	ca, caKey := certificate(t, "ca", nil, nil)
	var seen atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		seen.Store(r.TLS.PeerCertificates[0].Subject.CommonName + " " + r.PostFormValue("client_id"))
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Connection", "close") // the next one is a new handshake
		_, _ = rw.Write([]byte(`{"active":true,"aud":"` + audience + `"}`))
	}))
	server.Config.ErrorLog = quiet()
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.StartTLS()
	t.Cleanup(server.Close)

	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	issue := func(name string) {
		cert, key := certificate(t, name, ca, caKey)
		require.NoError(t, os.WriteFile(certFile, pemOf(t, "CERTIFICATE", cert.Raw), 0o600))
		require.NoError(t, os.WriteFile(keyFile, pemOf(t, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))), 0o600))
	}
	transport, _ := server.Client().Transport.(*http.Transport)
	w.cfg.Endpoint, w.cfg.Client = server.URL, &http.Client{Transport: transport.Clone()}
	w.cfg.Credentials = introspection.Certificate("me", introspection.CertificateFiles(certFile, keyFile))
	v := w.open(t)

	refusal(t, v, "noneyet", reason.IntrospectionUnavailable)
	issue("first")
	good(t, v, "one")
	assert.Equal(t, "first me", seen.Load())
	issue("second")
	good(t, v, "two")
	assert.Equal(t, "second me", seen.Load(), "a new one is used from the next connection on")
}

func certificate(t *testing.T, name string, parent *x509.Certificate, signer crypto.Signer) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if parent == nil {
		parent, signer = template, key
	}
	der := must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer))
	return must(x509.ParseCertificate(der)), key
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

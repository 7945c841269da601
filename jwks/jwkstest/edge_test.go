package jwkstest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// stopped is a test that records what ended it.
type stopped struct {
	testing.TB
	why string
}

func (s *stopped) Helper()        {}
func (s *stopped) Cleanup(func()) {}
func (s *stopped) Fatalf(format string, args ...any) {
	s.why = strings.ReplaceAll(format, "%v", "") + " " + join(args)
	panic(s)
}

func join(args []any) (out string) {
	for _, a := range args {
		if err, ok := a.(error); ok {
			out += err.Error()
		}
		if text, ok := a.(string); ok {
			out += text
		}
	}
	return out
}

// opaque is a signer of a kind that nobody knows.
type opaque struct{}

func (opaque) Public() crypto.PublicKey                                  { return nil }
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
			assert.PanicsWithValue(t, mustContain{row.want}, func() {
				defer translate(row.want)
				row.use(started)
			})
			tb := &stopped{TB: t}
			iss := jwkstest.New(tb, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
			defer iss.Close()
			assert.Panics(t, func() { row.use(iss) })
			assert.Contains(t, tb.why, row.want)
			assert.True(t, strings.HasPrefix(tb.why, "jwkstest: "), tb.why)
		})
	}
}

// mustContain is what a panic is turned into if it says the right thing.
type mustContain struct{ text string }

func translate(want string) {
	if text, ok := recover().(string); ok && strings.HasPrefix(text, "jwkstest: ") && strings.Contains(text, want) {
		panic(mustContain{want})
	}
}

func forge(iss *jwkstest.Issuer, options ...jwkstest.TokenOption) {
	for range iss.Forgeries(options...) {
	}
}

func TestAKeyMadeElsewhereSigns(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	key := iss.KeyFrom("ES384", private, jwkstest.JWK{"kid": "mine"})
	assert.True(t, private.PublicKey.Equal(key.Public()))
	assert.Nil(t, key.Secret())
	token := iss.Token(jwkstest.WithKey(key))
	header, _ := open(t, token)
	assert.Equal(t, "mine", header["kid"])
	assert.True(t, signedBy(t, token, key))
}

func TestForgeriesFitIssuersOfAllKinds(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]jwkstest.Option{
		"RSA keys without alg":      {jwkstest.JWK{"alg": nil}},
		"PSS keys without alg":      {jwkstest.JWK{"alg": nil}, jwkstest.WithAlgorithm("PS256")},
		"a name with a port":        {jwkstest.WithName("https://login.example:8443/t~1/"), jwkstest.WithAlgorithm("EdDSA")},
		"a name over http":          {jwkstest.WithName("http://localhost/realm"), jwkstest.WithAlgorithm("EdDSA")},
		"a name that is no address": {jwkstest.WithName("accounts"), jwkstest.WithAlgorithm("EdDSA")},
		"several audiences":         {jwkstest.WithAudience("https://api.example/", "other"), jwkstest.WithAlgorithm("EdDSA")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, append(options, jwkstest.WithoutServer())...)
			v := newVerifier(t, iss, iss.KeySet())
			_, err := v.Verify(t.Context(), iss.Token())
			require.NoError(t, err)
			for name, f := range iss.Forgeries() {
				_, err := v.Verify(t.Context(), f.Token)
				assert.Equal(t, f.Reason, whyNot(t, err), "%s: %v", name, err)
			}
		})
	}
}

func TestAnIssuerServesManyAtOnce(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("EdDSA"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			assert.True(t, signedBy(t, iss.Token(), iss.Key()) || len(iss.Published()) > 2)
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

func TestRestoringReleasesWhoHangs(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("EdDSA"))
	iss.Hang()
	answered := make(chan int)
	go func() {
		resp, err := http.Get(iss.JWKSURL())
		if err != nil {
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	require.Eventually(t, func() bool { return iss.Fetches() == 1 }, 10*time.Second, time.Millisecond)
	iss.Restore()
	assert.Equal(t, http.StatusOK, <-answered)
}

func TestAnAttackSendsTheBodyEachTime(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	v := newVerifier(t, iss, iss.KeySet())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/orders", strings.NewReader("body"))
	require.NoError(t, err)
	calls, bodies := 0, 0
	jwkstest.AttackHandler(t, iss, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if body, _ := io.ReadAll(r.Body); string(body) == "body" {
			bodies++
		}
		if _, err := v.Verify(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}), request)
	assert.Greater(t, calls, 400)
	assert.Equal(t, calls, bodies)
	assert.Empty(t, request.Header, "the request given is left as it was")
}

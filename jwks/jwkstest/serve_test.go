package jwkstest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func fetch(t *testing.T, client *http.Client, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

func kids(t *testing.T, iss *jwkstest.Issuer, client *http.Client) (kids []string) {
	t.Helper()
	_, body := fetch(t, client, iss.JWKSURL())
	keys, skipped, err := jose.ParseSet([]byte(body))
	require.NoError(t, err)
	require.Empty(t, skipped)
	for _, k := range keys {
		kids = append(kids, k.ID)
	}
	return kids
}

func TestTheIssuerIsReachedBySocketAndWithout(t *testing.T) {
	t.Parallel()
	const tenant = "https://sts.windows.net/0b1c2d3e-0000-4000-8000-000000000001/"
	for name, row := range map[string]struct {
		options []jwkstest.Option
		client  func(*jwkstest.Issuer) *http.Client
		paths   func(*jwkstest.Issuer) []string
	}{
		"over a loopback socket under its address": {
			client: func(*jwkstest.Issuer) *http.Client { return http.DefaultClient },
			paths: func(iss *jwkstest.Issuer) []string {
				return []string{iss.Issuer() + "/.well-known/openid-configuration", iss.Issuer() + "/.well-known/oauth-authorization-server", iss.DiscoveryURL()}
			},
		},
		"over a loopback socket under another name": {
			options: []jwkstest.Option{jwkstest.WithName(tenant)},
			client:  func(*jwkstest.Issuer) *http.Client { return http.DefaultClient },
			paths:   func(iss *jwkstest.Issuer) []string { return []string{iss.DiscoveryURL()} },
		},
		"in memory, whatever the host": {
			options: []jwkstest.Option{jwkstest.WithName(tenant), jwkstest.WithoutServer()},
			client:  func(iss *jwkstest.Issuer) *http.Client { return iss.Client() },
			paths: func(iss *jwkstest.Issuer) []string {
				return []string{
					tenant + ".well-known/openid-configuration",
					"https://sts.windows.net/.well-known/oauth-authorization-server/0b1c2d3e-0000-4000-8000-000000000001",
					"http://elsewhere.example/.well-known/openid-configuration",
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, append(row.options, jwkstest.WithAlgorithm("EdDSA"))...)
			for i, path := range row.paths(iss) {
				_, body := fetch(t, row.client(iss), path)
				var doc struct{ Issuer, JwksURI string }
				doc.JwksURI = jsonText(t, body, "jwks_uri")
				assert.Equal(t, iss.Issuer(), jsonText(t, body, "issuer"))
				assert.Equal(t, iss.JWKSURL(), doc.JwksURI)
				assert.Equal(t, i+1, iss.DiscoveryFetches())
			}
			assert.Equal(t, []string{"key-1"}, kids(t, iss, row.client(iss)))
			assert.Equal(t, 1, iss.Fetches())
			assert.Equal(t, 0, iss.Strays())

			resp, _ := fetch(t, row.client(iss), iss.URL()+"/elsewhere")
			assert.Equal(t, http.StatusNotFound, resp.StatusCode)
			assert.Equal(t, 1, iss.Strays())
		})
	}
}

func jsonText(t *testing.T, body, name string) string {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &doc))
	s, ok := doc[name].(string)
	require.True(t, ok, name)
	return s
}

func TestKeysAreRotatedRemovedAndReplaced(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	first := iss.Key()

	next := iss.NewKey("ES256")
	iss.Publish(next)
	assert.Equal(t, []string{"key-1", "key-2"}, kids(t, iss, iss.Client()))
	header, _ := open(t, iss.Token())
	assert.Equal(t, "key-1", header["kid"], "published is not used")
	iss.Use(next)
	assert.True(t, signedBy(t, iss.Token(), next))

	third := iss.Rotate()
	assert.Equal(t, []string{"key-1", "key-2", "key-3"}, kids(t, iss, iss.Client()))
	assert.True(t, signedBy(t, iss.Token(), third))
	assert.True(t, signedBy(t, iss.Token(jwkstest.WithKey(first)), first))

	iss.Remove("key-1")
	assert.Equal(t, []string{"key-2", "key-3"}, kids(t, iss, iss.Client()))

	fourth := iss.Replace("key-3")
	assert.Equal(t, []string{"key-2", "key-3"}, kids(t, iss, iss.Client()))
	token := iss.Token()
	assert.True(t, signedBy(t, token, fourth))
	assert.False(t, signedBy(t, token, third))
}

func TestKeysArePublishedAsToldTo(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.JWK{"alg": nil, "issuer": "https://login.example/{tenantid}/v2.0"})
	nameless := iss.NewKey("ES256", jwkstest.JWK{"kid": nil, "key_ops": []string{"verify"}})
	iss.Publish(nameless)
	_, body := fetch(t, iss.Client(), iss.JWKSURL())
	keys, _, err := jose.ParseSet([]byte(body))
	require.NoError(t, err)
	require.Len(t, keys, 2)
	assert.Empty(t, keys[0].Algorithm)
	assert.Equal(t, "https://login.example/{tenantid}/v2.0", keys[0].Issuer)
	assert.Empty(t, keys[1].ID)
	header, _ := open(t, iss.Token(jwkstest.WithKey(nameless)))
	assert.NotContains(t, header, "kid")
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

func TestFaultsLastUntilRestored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
		client := iss.Client()

		iss.Fail(http.StatusBadGateway)
		for _, url := range []string{iss.JWKSURL(), iss.DiscoveryURL()} {
			resp, _ := fetch(t, client, url)
			assert.Equal(t, http.StatusBadGateway, resp.StatusCode)
		}
		assert.Equal(t, 1, iss.Fetches(), "what failed counts")

		iss.Slow(time.Minute)
		start := time.Now()
		_, _ = fetch(t, client, iss.JWKSURL())
		assert.Equal(t, time.Minute, time.Since(start))

		iss.Restore()
		start = time.Now()
		assert.Equal(t, []string{"key-1"}, kids(t, iss, client))
		assert.Zero(t, time.Since(start))

		release := iss.Hang()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, iss.JWKSURL(), nil)
		require.NoError(t, err)
		_, err = client.Do(req)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		go func() {
			time.Sleep(time.Hour)
			release()
		}()
		start = time.Now()
		assert.Equal(t, []string{"key-1"}, kids(t, iss, client))
		assert.Equal(t, time.Hour, time.Since(start))

		iss.ServeJWKS(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100000")
			iss.Answer(w, r)
		})
		resp, err := client.Get(iss.JWKSURL())
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "a body cut short is one")
		resp.Body.Close()
		resp, _ = fetch(t, client, iss.DiscoveryURL())
		assert.Equal(t, http.StatusOK, resp.StatusCode)
	})
}

func TestHangingEndsWithTheIssuer(t *testing.T) {
	t.Parallel()
	iss := jwkstest.Start(jwkstest.WithAlgorithm("EdDSA"))
	iss.Hang()
	failed := make(chan error)
	go func() {
		_, err := http.Get(iss.JWKSURL())
		failed <- err
	}()
	require.Eventually(t, func() bool { return iss.Fetches() == 1 }, 10*time.Second, time.Millisecond)
	iss.Close()
	require.Error(t, <-failed)

	_, err := iss.Client().Get("https://x.example/jwks")
	require.ErrorIs(t, err, http.ErrServerClosed)
}

func TestCachingHeadersAreAsTold(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	resp, _ := fetch(t, iss.Client(), iss.JWKSURL())
	tag := resp.Header.Get("Etag")
	assert.NotEmpty(t, tag)
	assert.Empty(t, resp.Header.Get("Cache-Control"))

	iss.SetCacheControl("public, max-age=60")
	resp, body := fetch(t, iss.Client(), iss.JWKSURL(), "If-None-Match", tag)
	assert.Equal(t, http.StatusNotModified, resp.StatusCode)
	assert.Equal(t, "public, max-age=60", resp.Header.Get("Cache-Control"))
	assert.Empty(t, body)
	assert.Equal(t, 1, iss.NotModified())

	iss.Rotate()
	resp, _ = fetch(t, iss.Client(), iss.JWKSURL(), "If-None-Match", tag)
	assert.Equal(t, http.StatusOK, resp.StatusCode, "another set, another tag")

	iss.SetETag(`"stuck"`)
	iss.Rotate()
	resp, _ = fetch(t, iss.Client(), iss.JWKSURL(), "If-None-Match", `"stuck"`)
	assert.Equal(t, http.StatusNotModified, resp.StatusCode, "a lie")
	iss.SetETag("")
	resp, _ = fetch(t, iss.Client(), iss.JWKSURL())
	assert.NotContains(t, resp.Header, "Etag")

	iss.SetMetadata(jwkstest.Metadata{"issuer": "https://evil.example", "jwks_uri": nil})
	_, body = fetch(t, iss.Client(), iss.DiscoveryURL())
	assert.Equal(t, "https://evil.example", jsonText(t, body, "issuer"))
	assert.NotContains(t, body, "jwks_uri")
}

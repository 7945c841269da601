package jwkstest_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

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
		req := must(http.NewRequestWithContext(ctx, http.MethodGet, iss.JWKSURL(), nil))
		_, err := client.Do(req)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		for _, end := range []func(){release, iss.Restore} {
			time.AfterFunc(time.Hour, end)
			start = time.Now()
			assert.Equal(t, []string{"key-1"}, kids(t, iss, client))
			assert.Equal(t, time.Hour, time.Since(start))
			iss.Hang()
		}
		iss.Restore()

		iss.ServeJWKS(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100000")
			iss.Answer(w, r)
		})
		resp := must(client.Get(iss.JWKSURL()))
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
	require.Eventually(t, func() bool { return iss.Fetches() == 1 }, 2*time.Minute, time.Millisecond)
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

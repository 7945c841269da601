package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestDiscoveryOverSockets(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("GET "+oidcPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, metadata(s.URL, s.URL+"/keys")) })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, set(jwk("a"), rsaJWK("r"), ecJWK("e", p256())))
	})
	f := newFetcher(t, jwks.FetcherConfig{Issuer: s.URL})
	require.NoError(t, f.Ready(t.Context()))
	assert.Equal(t, []string{"a", "r", "e"}, kids(f))
}

func TestDiscoveryFindsTheSet(t *testing.T) {
	const tenant = "https://login.example/tenant/v2.0"
	type row struct {
		issuer, discovery string
		pages             map[string]string
		want              []string
	}
	eachInBubble(t, map[string]row{
		"82 where OpenID Connect puts it": {
			issuer: issuerURL,
			pages:  map[string]string{issuerURL + oidcPath: metadata(issuerURL, setURL), setURL: setOf("a")},
			want:   []string{issuerURL + oidcPath, setURL},
		},
		"82 appended to a path": {
			issuer: tenant,
			pages:  map[string]string{tenant + oidcPath: metadata(tenant, setURL), setURL: setOf("a")},
			want:   []string{tenant + oidcPath, setURL},
		},
		"82 with one slash after an issuer that ends in one": {
			issuer: issuerURL + "/",
			pages:  map[string]string{issuerURL + oidcPath: metadata(issuerURL+"/", setURL), setURL: setOf("a")},
			want:   []string{issuerURL + oidcPath, setURL},
		},
		"82 where RFC 8414 puts it": {
			issuer: issuerURL,
			pages:  map[string]string{issuerURL + oauthPath: metadata(issuerURL, setURL), setURL: setOf("a")},
			want:   []string{issuerURL + oidcPath, issuerURL + oauthPath, setURL},
		},
		"82 inserted before a path, without its last slash": {
			issuer: "https://login.example/tenant/",
			pages:  map[string]string{"https://login.example" + oauthPath + "/tenant": metadata("https://login.example/tenant/", setURL), setURL: setOf("a")},
			want:   []string{"https://login.example/tenant" + oidcPath, "https://login.example" + oauthPath + "/tenant", setURL},
		},
		"inserted where the first place holds a web page": {
			issuer: issuerURL,
			pages:  map[string]string{issuerURL + oidcPath: "<html>", issuerURL + oauthPath: metadata(issuerURL, setURL), setURL: setOf("a")},
			want:   []string{issuerURL + oidcPath, issuerURL + oauthPath, setURL},
		},
		"where it is configured": {
			issuer: "https://login.example/{tenantid}/v2.0", discovery: "https://login.example/common/metadata?p=1",
			pages: map[string]string{"https://login.example/common/metadata?p=1": metadata("https://login.example/{tenantid}/v2.0", setURL), setURL: setOf("a")},
			want:  []string{"https://login.example/common/metadata?p=1", setURL},
		},
		"on another host": {
			issuer: issuerURL,
			pages:  map[string]string{issuerURL + oidcPath: metadata(issuerURL, "https://cdn.example/keys"), "https://cdn.example/keys": setOf("a")},
			want:   []string{issuerURL + oidcPath, "https://cdn.example/keys"},
		},
		"on loopback without TLS": {
			issuer: "http://127.0.0.1:9000/x",
			pages:  map[string]string{"http://127.0.0.1:9000/x" + oidcPath: metadata("http://127.0.0.1:9000/x", "http://localhost:9000/k"), "http://localhost:9000/k": setOf("a")},
			want:   []string{"http://127.0.0.1:9000/x" + oidcPath, "http://localhost:9000/k"},
		},
	}, func(t *testing.T, row row) {
		s := newServer("")
		s.site(row.pages)
		cfg := s.discovering(row.issuer)
		cfg.DiscoveryURL = row.discovery
		f := newFetcher(t, cfg)
		require.NoError(t, f.Refresh(t.Context(), "a"))
		assert.True(t, hasKid(f, "a"))
		assert.Equal(t, row.want, s.urls(0))
		assert.Equal(t, row.want[len(row.want)-1], f.Status().URL)
	})
}

func TestAByteOrderMarkBeforeMetadataOrASetIsSkipped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.respond(func(r *http.Request) (*http.Response, error) {
			body := metadata(issuerURL, setURL)
			if r.URL.String() == setURL {
				body = setOf("a")
			}
			return reply(r, http.StatusOK, "\ufeff"+body, nil), nil
		})
		f := newFetcher(t, s.discovering(issuerURL))
		require.NoError(t, f.Refresh(t.Context(), "a"))
		assert.Equal(t, []string{"a"}, kids(f))
	})
}

func TestDiscoveryRefuses(t *testing.T) {
	type row struct {
		body string
		says []string
		asks int // how many documents are tried
	}
	eachInBubble(t, map[string]row{
		"82 another issuer":            {metadata("https://evil.example", setURL), []string{`says issuer "https://evil.example"`, `configured is "https://issuer.example"`}, 1},
		"82 one with a slash more":     {metadata(issuerURL+"/", setURL), []string{"a trailing slash counts"}, 1},
		"82 one in other case":         {metadata("https://ISSUER.example", setURL), []string{"set Issuer to what tokens say"}, 1},
		"no jwks_uri":                  {`{"issuer":"https://issuer.example"}`, []string{"no jwks_uri: set JWKSURL"}, 1},
		"82 a jwks_uri without TLS":    {metadata(issuerURL, "http://issuer.example/jwks"), []string{"use https"}, 1},
		"a relative jwks_uri":          {metadata(issuerURL, "/jwks"), []string{"no absolute URL"}, 1},
		"a jwks_uri of another scheme": {metadata(issuerURL, "file:///etc/passwd"), []string{"no absolute URL"}, 1},
		"a jwks_uri that is no string": {`{"issuer":"https://issuer.example","jwks_uri":["x"]}`, []string{"no jwks_uri"}, 1},
		"an endless jwks_uri":          {metadata(issuerURL, issuerURL+"/"+strings.Repeat("x", 4000)), []string{"jwks_uri of 402"}, 1},
		"an issuer that is null":       {`{"issuer":null,"jwks_uri":"https://issuer.example/jwks"}`, []string{"names no issuer"}, 2},
		"a jwks_uri that is null":      {`{"issuer":"https://issuer.example","jwks_uri":null}`, []string{"names no jwks_uri"}, 1},
		"members in another case":      {`{"Issuer":"https://issuer.example","JWKS_URI":"https://issuer.example/jwks"}`, []string{"names no issuer"}, 2},
		"a duplicate member":           {`{"issuer":"https://issuer.example","issuer":"x"}`, []string{"duplicate member"}, 2},
		"a web page":                   {"<html>", []string{"no metadata document"}, 2},
		"half a document":              {metadata(issuerURL, setURL)[:40], []string{"invalid JSON"}, 2},
		"a huge document":              {strings.Repeat(" ", 600<<10), []string{"more than 512 KiB"}, 1},
	}, func(t *testing.T, row row) {
		s := newServer("")
		s.respond(func(r *http.Request) (*http.Response, error) {
			if r.URL.String() == setURL {
				return reply(r, http.StatusOK, setOf("a"), nil), nil
			}
			return reply(r, http.StatusOK, row.body, nil), nil
		})
		f := newFetcher(t, s.discovering(issuerURL))
		err := f.Refresh(t.Context(), "a")
		for _, says := range row.says {
			require.ErrorContains(t, err, says)
		}
		assert.False(t, f.Snapshot().Usable())
		assert.Len(t, s.urls(0), row.asks)
	})
}

func TestDiscoveryNamesBothPlacesWhereNothingIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.site(nil)
		f := newFetcher(t, s.discovering(issuerURL))
		err := f.Refresh(t.Context(), "a")
		require.ErrorContains(t, err, issuerURL+oidcPath+" answered 404")
		require.ErrorContains(t, err, issuerURL+oauthPath+" answered 404")
	})
}

func TestDiscoveryAsksASilentServerOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.respond(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
		f := newFetcher(t, s.discovering(issuerURL))
		require.ErrorContains(t, f.Refresh(t.Context(), "a"), "connection refused")
		assert.Equal(t, 1, s.count())
	})
}

func TestMetadataIsReadAgainWhenTheAddressMayBeOld(t *testing.T) {
	const document, moved = issuerURL + oidcPath, issuerURL + "/moved"
	before := map[string]string{document: metadata(issuerURL, setURL), setURL: setOf("a")}
	after := map[string]string{document: metadata(issuerURL, moved), setURL: setOf("a"), moved: setOf("b")}
	gone := map[string]string{document: metadata(issuerURL, moved), moved: setOf("b")}

	type row struct {
		then map[string]string
		when func(t *testing.T, f *jwks.Fetcher)
		want []string
		kid  string
	}
	eachInBubble(t, map[string]row{
		"not by schedule": {
			after, func(_ *testing.T, _ *jwks.Fetcher) { time.Sleep(16 * time.Minute) },
			[]string{setURL},
			"a",
		},
		"not for an unknown kid while it is young": {
			after, func(t *testing.T, f *jwks.Fetcher) {
				t.Helper()
				require.NoError(t, f.Refresh(t.Context(), "b"))
			},
			[]string{setURL},
			"a",
		},
		"for an unknown kid once it is older than the usual interval": {
			after, func(t *testing.T, f *jwks.Fetcher) {
				t.Helper()
				time.Sleep(16 * time.Minute)
				require.NoError(t, f.Refresh(t.Context(), "b"))
			},
			[]string{setURL, document, moved},
			"b",
		},
		"after the set could not be fetched from its address": {
			gone, func(_ *testing.T, _ *jwks.Fetcher) { time.Sleep(15*time.Minute + 5*time.Second) },
			[]string{setURL, document, moved},
			"b",
		},
	}, func(t *testing.T, row row) {
		s := newServer("")
		s.site(before)
		f := readyFetcher(t, s.discovering(issuerURL))
		seen := s.count()
		s.site(row.then)
		row.when(t, f)
		assert.Equal(t, row.want, s.urls(seen))
		assert.Equal(t, []string{row.kid}, kids(f))
	})
}

func TestMetadataIsReadAgainOnceADay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const document = issuerURL + oidcPath
		s := newServer("")
		s.site(map[string]string{document: metadata(issuerURL, setURL), setURL: setOf("a")})
		readyFetcher(t, s.discovering(issuerURL))
		time.Sleep(73 * time.Hour)
		read := 0
		for _, url := range s.urls(0) {
			if url == document {
				read++
			}
		}
		assert.Equal(t, 4, read)
	})
}

func TestOutageOfTheMetadataAloneCostsOneAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.site(map[string]string{issuerURL + oidcPath: metadata(issuerURL, setURL), setURL: setOf("a")})
		f := readyFetcher(t, s.discovering(issuerURL))
		time.Sleep(16 * time.Minute)
		s.site(map[string]string{setURL: setOf("a", "b")})
		missing := unavailable(t, f.Refresh(t.Context(), "b"))
		time.Sleep(missing.RetryAfter)
		synctest.Wait()
		assert.True(t, hasKid(f, "b"))
	})
}

func TestMetadataThatTurnsWrongIsNotPassedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.site(map[string]string{issuerURL + oidcPath: metadata(issuerURL, setURL), setURL: setOf("a")})
		f := readyFetcher(t, s.discovering(issuerURL))
		time.Sleep(16 * time.Minute)
		seen := s.count()
		s.site(map[string]string{issuerURL + oidcPath: metadata("https://evil.example", setURL), setURL: setOf("evil")})
		require.ErrorContains(t, f.Refresh(t.Context(), "evil"), "evil.example")
		time.Sleep(10 * time.Minute)
		for _, url := range s.urls(seen) {
			assert.Equal(t, issuerURL+oidcPath, url)
		}
		assert.Equal(t, []string{"a"}, kids(f), "the keys stay")
		assert.True(t, f.Snapshot().Usable())
	})
}

func TestDiscoveryAndSetShareOneTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.site(map[string]string{issuerURL + oidcPath: metadata(issuerURL, setURL), setURL: setOf("a")})
		s.slow(3 * time.Second)
		f := newFetcher(t, s.discovering(issuerURL))
		start := time.Now()
		err := f.Refresh(t.Context(), "a")
		require.ErrorContains(t, err, "no complete answer within 5s")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

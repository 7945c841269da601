package jwks_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestRetryAfterIsHonouredWithinBounds(t *testing.T) {
	type row struct {
		status      int
		value       string
		least, most time.Duration
		query       string // of the address, and so of the error
	}
	eachInBubble(t, map[string]row{
		"503 with seconds":               {503, "20", 18 * time.Second, 20 * time.Second, ""},
		"503 with an error that is cut":  {503, "20", 18 * time.Second, 20 * time.Second, "?" + strings.Repeat("a", 1500)},
		"429 with seconds":               {429, "20", 18 * time.Second, 20 * time.Second, ""},
		"503 with a date":                {503, "Sat, 01 Jan 2000 00:00:30 GMT", 26 * time.Second, 30 * time.Second, ""},
		"more than a minute is a minute": {503, "86400", 54 * time.Second, time.Minute, ""},
		"nonsense is the usual backoff":  {503, "soon", time.Second, time.Second, ""},
		"no other status is listened to": {500, "20", time.Second, time.Second, ""},
		"never less than the backoff":    {503, "0", time.Second, time.Second, ""},
	}, func(t *testing.T, row row) {
		s := newServer("")
		s.respond(status(row.status, row.value))
		cfg := s.config()
		cfg.JWKSURL += row.query
		f := newFetcher(t, cfg)
		missing := unavailable(t, f.Refresh(t.Context(), "a"))
		assert.True(t, row.query == "" || len(missing.Err.Error()) == 1024)
		assert.GreaterOrEqual(t, missing.RetryAfter, row.least)
		assert.LessOrEqual(t, missing.RetryAfter, row.most)
		time.Sleep(missing.RetryAfter)
		synctest.Wait()
		assert.Equal(t, 2, s.count())
	})
}

func TestRequestsSayWhoAsksForWhat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		readyFetcher(t, s.config())
		assert.Regexp(t, `^sallyport/\S+$`, s.last().header.Get("User-Agent"))
		assert.Contains(t, s.last().header.Get("Accept"), "application/jwk-set+json")

		cfg := s.config()
		cfg.UserAgent = "orders/1"
		readyFetcher(t, cfg)
		assert.Equal(t, "orders/1", s.last().header.Get("User-Agent"))
	})
}

func TestFetchThatBringsNoUsableKeyKeepsTheOldOnes(t *testing.T) {
	body := func(text string) answer {
		return func(r *http.Request) (*http.Response, error) { return reply(r, http.StatusOK, text, nil), nil }
	}
	stream := func(from io.Reader) answer {
		return func(r *http.Request) (*http.Response, error) {
			resp := reply(r, http.StatusOK, "", nil)
			resp.Body = io.NopCloser(from)
			return resp, nil
		}
	}
	many := make([]members, 10_000)
	for i := range many {
		many[i] = members{"kty": "LWE"}
	}
	type row struct {
		answer answer
		says   string
	}
	eachInBubble(t, map[string]row{
		"refused":                         {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, "connection refused"},
		"404":                             {status(404, ""), "answered 404 Not Found"},
		"500":                             {status(500, ""), "answered 500"},
		"503":                             {status(503, ""), "answered 503"},
		"a redirect":                      {status(301, ""), `answered 301 Moved Permanently to "https://evil.example/jwks": redirects are not followed`},
		"a temporary redirect":            {status(307, ""), "redirects are not followed"},
		"201":                             {status(201, ""), "answered 201"},
		"204":                             {status(204, ""), "answered 204"},
		"304 that was not asked":          {status(304, ""), "answered 304"},
		"HTML":                            {body("<!doctype html>"), "not a JWK Set"},
		"nothing":                         {body(""), "not a JWK Set"},
		"an empty set":                    {body(set()), "the set holds no keys"},
		"only unusable keys":              {body(set(jwk("evil", members{"use": "enc"}))), `use is "enc"`},
		"10 000 keys":                     {body(set(many...)), "more than 256 keys"},
		"a body that breaks off":          {stream(io.MultiReader(strings.NewReader(setOf("evil")[:40]), iotest.ErrReader(io.ErrUnexpectedEOF))), "broke off"},
		"200 MB":                          {stream(io.LimitReader(zeros{}, 200<<20)), "more than 512 KiB"},
		"a long story of an unusable key": {body(set(jwk("evil", members{"use": strings.Repeat("e", 10_000)}))), `use is "eee`},
		"no end":                          {stream(zeros{}), "more than 512 KiB"},
	}, func(t *testing.T, row row) {
		s, f, events := recorded(t, setOf("a"))
		time.Sleep(2 * time.Second)
		s.respond(row.answer)
		missing := unavailable(t, f.Refresh(t.Context(), "evil"))
		require.ErrorContains(t, missing, row.says)
		assert.NotContains(t, missing.Error(), "no complete answer", "it came in time")
		assert.Equal(t, []string{"a"}, kids(f))
		assert.True(t, f.Snapshot().Usable())

		e := events.last()
		assert.Equal(t, jwks.Failed, e.Kind)
		assert.ErrorContains(t, e.Status.LastError, row.says)
		assert.LessOrEqual(t, len(e.Status.LastError.Error()), 1<<10)
		assert.ErrorContains(t, f.Status().LastError, row.says)
		assert.EqualValues(t, 1, f.Status().Failures)

		s.serve(setOf("a", "b"))
		time.Sleep(3 * time.Second)
		assert.True(t, hasKid(f, "b"), "it recovers")
		assert.EqualValues(t, 1, f.Status().Failures)
	})
}

func TestNotModifiedRenewsTheExpiryAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		s.respond(func(r *http.Request) (*http.Response, error) {
			resp, err := tagged(setOf("a"))(r)
			if resp.StatusCode == http.StatusOK {
				resp.Header.Set("Cache-Control", "max-age=600")
			}
			return resp, err
		})
		cfg := s.config()
		cfg.MaxStaleness = time.Hour
		f, events := heard(t, cfg)
		before := f.Snapshot()
		key := must(before.Key("a", "EdDSA"))
		for range 30 {
			time.Sleep(10 * time.Minute)
			require.True(t, f.Snapshot().Usable())
		}
		assert.False(t, before.Usable(), "a snapshot that was kept grows stale")
		after := must(f.Snapshot().Key("a", "EdDSA"))
		assert.Same(t, key, after)
		assert.Greater(t, events.count(jwks.NotModified), s.count()/2, "the set itself is read now and then")
		assert.GreaterOrEqual(t, s.count(), 30, "the lifetime of the first answer still holds")
		assert.Equal(t, jwks.NotModified, events.last().Kind)
		assert.Empty(t, events.last().Added)
	})
}

func TestETagIsSentOnlyToTheAddressThatGaveIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const document, moved = issuerURL + oidcPath, issuerURL + "/moved"
		s := newServer("")
		at := func(uri string) answer {
			return func(r *http.Request) (*http.Response, error) {
				switch r.URL.String() {
				case document:
					return reply(r, http.StatusOK, metadata(issuerURL, uri), nil), nil
				case uri:
					return reply(r, http.StatusOK, setOf("a"), http.Header{"Etag": {`"v1"`}}), nil
				}
				return reply(r, http.StatusNotFound, "", nil), nil
			}
		}
		s.respond(at(setURL))
		readyFetcher(t, s.discovering(issuerURL))
		time.Sleep(15 * time.Minute)
		assert.Equal(t, `"v1"`, s.last().header.Get("If-None-Match"))
		s.respond(at(moved))
		time.Sleep(15*time.Minute + 5*time.Second)
		require.Equal(t, moved, s.last().url)
		assert.Empty(t, s.last().header.Get("If-None-Match"))
	})
}

func TestHugeETagIsNotKept(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.set("ETag", `"`+strings.Repeat("x", 2000)+`"`)
		require.NoError(t, f.Ready(t.Context()))
		time.Sleep(16 * time.Minute)
		require.Equal(t, 2, s.count())
		assert.Empty(t, s.last().header.Get("If-None-Match"))
	})
}

func TestETagThatLiesPinsNoKeys(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.respond(tagged(setOf("a")))
		f := readyFetcher(t, s.config())
		s.respond(tagged(setOf("b")))
		time.Sleep(16 * time.Minute)
		require.True(t, hasKid(f, "a"), "the lie")
		require.NoError(t, f.Refresh(t.Context(), "b"))
		assert.Equal(t, []string{"b"}, kids(f))
	})
}

func TestETagThatLiesHidesNoWithdrawalForLongerThanTheMaximumStaleness(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a", "b"))
		s.respond(func(r *http.Request) (*http.Response, error) {
			if s.count() == 1 {
				return tagged(setOf("a", "b"))(r)
			}
			return tagged(setOf("b"))(r)
		})
		f, events := heard(t, s.config()) // "a" is withdrawn now, and nobody asks for any other key
		time.Sleep(8 * time.Hour)
		require.True(t, hasKid(f, "a"), "the lie")
		time.Sleep(16 * time.Hour)
		assert.Equal(t, []string{"b"}, kids(f))
		assert.Equal(t, s.count()-2, events.count(jwks.NotModified), "one look in half a day is enough")
	})
}

func TestGzipBombIsBounded(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.Copy(w, io.LimitReader(zeros{}, 4<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Timeout: long})
	require.ErrorContains(t, f.Refresh(t.Context(), "a"), "more than 512 KiB")
}

func TestFaultsOfSockets(t *testing.T) {
	mute := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drip := func(each time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, c := range []byte(setOf("a")) {
				_, _ = w.Write([]byte{c})
				_ = http.NewResponseController(w).Flush()
				if pause(r.Context(), each) != nil {
					return
				}
			}
		}
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"keys\":[")
		_ = buf.Flush()
		_ = conn.Close()
	}
	type row struct {
		handler http.HandlerFunc
		timeout time.Duration
		says    string
	}
	each(t, map[string]row{
		"hangs before the header": {mute, brief, "no complete answer within 200ms"},
		"hangs in the middle of the body": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"keys":[`)
			_ = http.NewResponseController(w).Flush()
			mute(w, r)
		}, brief, "no complete answer within 200ms"},
		"sends a byte now and then":        {drip(10 * time.Millisecond), brief, "no complete answer within 200ms"},
		"closes in the middle of the body": {cut, long, "broke off"},
		"redirects":                        {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, long, "redirects are not followed"},
	}, func(t *testing.T, row row) {
		s := serve(t, row.handler)
		f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Timeout: row.timeout})
		missing := unavailable(t, f.Refresh(t.Context(), "a"))
		require.ErrorContains(t, missing, row.says)
		assert.False(t, f.Snapshot().Usable())
	})
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, setOf("a")) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)

	private := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: s.Client()})
	require.NoError(t, private.Ready(t.Context()), "a client that trusts the private CA")

	later := func() time.Time { return time.Now().AddDate(1000, 0, 0) }
	for says, client := range map[string]*http.Client{
		"give a Client that trusts the issuer's CA, or set CAFile": nil,
		"not other.example.org": trusting(s, func(c *tls.Config) { c.ServerName = "other.example.org" }),
		"expired":               trusting(s, func(c *tls.Config) { c.Time = later }),
	} {
		f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: client})
		require.ErrorContains(t, f.Refresh(t.Context(), "a"), says)
	}
}

func trusting(s *httptest.Server, change func(*tls.Config)) *http.Client {
	t, ok := s.Client().Transport.(*http.Transport)
	if !ok {
		panic("not the transport of httptest")
	}
	t = t.Clone()
	t.DisableKeepAlives = true
	change(t.TLSClientConfig)
	return &http.Client{Transport: t}
}

func TestClientGivesItsOwnCredentialsAndIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer cluster" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, setOf("a"))
	})
	bearer := roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer cluster")
		return s.Client().Transport.RoundTrip(r)
	})
	client := &http.Client{Transport: bearer}
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: client})
	require.NoError(t, f.Ready(t.Context()))
	assert.Nil(t, client.CheckRedirect)
}

// What a server says before the body is bounded too, and is asked for in the words of its format.
func TestAHeaderWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	body := set(jwk("a"))
	accepts := make(chan string, 2)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		accepts <- r.Header.Get("Accept")
		w.Header().Set("X-Long", strings.Repeat("x", 256<<10))
		_, _ = w.Write([]byte(body))
	})
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: server.URL, Timeout: long})
	err := f.Refresh(t.Context(), "a")
	assert.ErrorContains(t, unavailable(t, err), "headers exceeded", "whatever is behind them")
	assert.Equal(t, "application/jwk-set+json, application/json", <-accepts)

	f = newFetcher(t, jwks.FetcherConfig{Issuer: server.URL, Timeout: long})
	require.Error(t, f.Refresh(t.Context(), "a"))
	assert.Equal(t, "application/json", <-accepts)
}

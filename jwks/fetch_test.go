package jwks_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestRequestsSayWhoAsksForWhat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
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
	t.Parallel()
	status := func(code int) func(r *http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			return reply(r, code, setOf("evil"), http.Header{"Location": {"https://evil.example/jwks"}}), nil
		}
	}
	body := func(text string) func(r *http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) { return reply(r, http.StatusOK, text, nil), nil }
	}
	stream := func(from io.Reader) func(r *http.Request) (*http.Response, error) {
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
	for name, row := range map[string]struct {
		answer func(r *http.Request) (*http.Response, error)
		says   string
	}{
		"refused":                         {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, "connection refused"},
		"404":                             {status(404), "answered 404 Not Found"},
		"500":                             {status(500), "answered 500"},
		"503":                             {status(503), "answered 503"},
		"a redirect":                      {status(301), `answered 301 Moved Permanently to "https://evil.example/jwks": redirects are not followed`},
		"a temporary redirect":            {status(307), "redirects are not followed"},
		"201":                             {status(201), "answered 201"},
		"204":                             {status(204), "answered 204"},
		"304 that was not asked":          {status(304), "answered 304"},
		"HTML":                            {body("<!doctype html>"), "not a JWK Set"},
		"nothing":                         {body(""), "not a JWK Set"},
		"truncated JSON":                  {body(setOf("evil")[:40]), "not a JWK Set"},
		"a single string":                 {body(`"keys"`), "not a JWK Set"},
		"an empty set":                    {body(set()), "the set holds no keys"},
		"only unusable keys":              {body(set(jwk("evil", members{"use": "enc"}))), `use is "enc"`},
		"10 000 keys":                     {body(set(many...)), "more than 256 keys"},
		"a body that breaks off":          {stream(io.MultiReader(strings.NewReader(setOf("evil")[:40]), iotest.ErrReader(io.ErrUnexpectedEOF))), "broke off"},
		"200 MB":                          {stream(io.LimitReader(zeros{}, 200<<20)), "more than 512 KiB"},
		"a long story of an unusable key": {body(set(jwk("evil", members{"use": strings.Repeat("e", 10_000)}))), `use is "eee`},
		"no end":                          {stream(zeros{}), "more than 512 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(setOf("a"))
				events := &recorder{}
				cfg := s.config()
				cfg.OnEvent = events.hear
				f := readyFetcher(t, cfg)
				time.Sleep(2 * time.Second)
				s.respond(row.answer)
				var missing *jwks.UnavailableError
				require.ErrorAs(t, f.Refresh(t.Context(), "evil"), &missing)
				require.ErrorContains(t, missing, row.says)
				assert.Equal(t, []string{"a"}, kids(f))
				assert.True(t, f.Snapshot().Usable())

				e := events.last()
				assert.Equal(t, jwks.Failed, e.Kind)
				assert.ErrorContains(t, e.Err, row.says)
				assert.LessOrEqual(t, len(e.Err.Error()), 1<<10)
				assert.ErrorContains(t, f.Status().LastError, row.says)
				assert.EqualValues(t, 1, f.Status().Failures)

				s.serve(setOf("a", "b"))
				time.Sleep(3 * time.Second)
				assert.True(t, hasKid(f, "b"), "it recovers")
				assert.EqualValues(t, 1, f.Status().Failures)
			})
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestUnusableKeysAreSkippedAndTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(set(members{"kty": "LWE", "kid": "q"}, jwk("a"), jwk("e", members{"use": "enc"})))
		events := &recorder{}
		cfg := s.config()
		cfg.OnEvent = events.hear
		f := readyFetcher(t, cfg)
		assert.Equal(t, []string{"a"}, kids(f))
		require.Len(t, f.Status().Skipped, 2)
		assert.Contains(t, f.Status().Skipped[0], "LWE")
		assert.Len(t, events.last().Skipped, 2)
	})
}

func TestStoriesOfSkippedKeysAreCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(set(jwk("a"), jwk("e", members{"use": strings.Repeat("é", 10_000)})))
		f := readyFetcher(t, s.config())
		require.Len(t, f.Status().Skipped, 1)
		assert.LessOrEqual(t, len(f.Status().Skipped[0]), 1<<10)
		assert.True(t, utf8.ValidString(f.Status().Skipped[0]))
	})
}

func TestNotModifiedRenewsTheExpiryAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		s.respond(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("If-None-Match") == `"v1"` {
				return reply(r, http.StatusNotModified, "", nil), nil
			}
			return reply(r, http.StatusOK, setOf("a"), http.Header{"Etag": {`"v1"`}, "Cache-Control": {"max-age=600"}}), nil
		})
		cfg := s.config()
		cfg.MaxStaleness = time.Hour
		events := &recorder{}
		cfg.OnEvent = events.hear
		f := readyFetcher(t, cfg)
		before := f.Snapshot()
		key, err := before.Key("a", "EdDSA")
		require.NoError(t, err)
		for range 30 {
			time.Sleep(10 * time.Minute)
			require.True(t, f.Snapshot().Usable())
		}
		assert.False(t, before.Usable(), "a snapshot that was kept grows stale")
		after, err := f.Snapshot().Key("a", "EdDSA")
		require.NoError(t, err)
		assert.Same(t, key, after)
		assert.Equal(t, before.Generation(), f.Snapshot().Generation())
		st := f.Status()
		assert.Greater(t, st.NotModified, st.Fetches/2, "the set itself is read now and then")
		assert.GreaterOrEqual(t, st.Fetches, uint64(30), "the lifetime of the first answer still holds")
		assert.Equal(t, jwks.NotModified, events.last().Kind)
		assert.Empty(t, events.last().Added)
	})
}

func TestETagIsSentOnlyToTheAddressThatGaveIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const document, moved = issuerURL + oidcPath, issuerURL + "/moved"
		s := newServer("")
		at := func(uri string) func(r *http.Request) (*http.Response, error) {
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		s.set("ETag", `"`+strings.Repeat("x", 2000)+`"`)
		readyFetcher(t, s.config())
		time.Sleep(16 * time.Minute)
		require.Equal(t, 2, s.count())
		assert.Empty(t, s.last().header.Get("If-None-Match"))
	})
}

func TestETagThatLiesPinsNoKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer("")
		lying := func(current string) func(r *http.Request) (*http.Response, error) {
			return func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("If-None-Match") != "" {
					return reply(r, http.StatusNotModified, "", nil), nil
				}
				return reply(r, http.StatusOK, current, http.Header{"Etag": {`"same"`}}), nil
			}
		}
		s.respond(lying(setOf("a")))
		f := readyFetcher(t, s.config())
		s.respond(lying(setOf("b")))
		time.Sleep(16 * time.Minute)
		require.True(t, hasKid(f, "a"), "the lie")
		require.NoError(t, f.Refresh(t.Context(), "b"))
		assert.Equal(t, []string{"b"}, kids(f))
	})
}

func TestETagThatLiesHidesNoWithdrawalForLongerThanTheMaximumStaleness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(setOf("a", "b"))
		s.respond(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.Header.Get("If-None-Match") != "":
				return reply(r, http.StatusNotModified, "", nil), nil
			case s.count() == 1:
				return reply(r, http.StatusOK, setOf("a", "b"), http.Header{"Etag": {`"same"`}}), nil
			default:
				return reply(r, http.StatusOK, setOf("b"), http.Header{"Etag": {`"same"`}}), nil
			}
		})
		f := readyFetcher(t, s.config()) // "a" is withdrawn now, and nobody asks for any other key
		time.Sleep(jwks.DefaultMaxStaleness / 3)
		require.True(t, hasKid(f, "a"), "the lie")
		time.Sleep(2 * jwks.DefaultMaxStaleness / 3)
		assert.Equal(t, []string{"b"}, kids(f))
		st := f.Status()
		assert.Equal(t, st.Fetches-2, st.NotModified, "one look in half a day is enough")
	})
}

func TestGenerationRisesWhenWhatWasVerifiedMayNoLongerHold(t *testing.T) {
	t.Parallel()
	bound := members{"alg": "EdDSA"}
	for name, row := range map[string]struct {
		before, after  string
		rises          bool
		rotated        bool
		added, removed []string
	}{
		"the same bytes":                    {setOf("a", "b"), setOf("a", "b"), false, false, nil, nil},
		"another order":                     {setOf("a", "b"), setOf("b", "a"), false, false, nil, nil},
		"members that say nothing":          {setOf("a"), set(jwk("a", members{"use": "sig", "x5t": "x"})), false, false, nil, nil},
		"a key came":                        {setOf("a"), setOf("a", "b"), false, true, []string{"b"}, nil},
		"an identical key twice":            {setOf("a"), setOf("a", "a"), false, false, nil, nil},
		"a key went":                        {setOf("a", "b"), setOf("a"), true, true, nil, []string{"b"}},
		"one came, one went":                {setOf("a"), setOf("b"), true, true, []string{"b"}, []string{"a"}},
		"other material under the same kid": {setOf("a"), set(jwk("a", members{"x": b64(edPublic("b"))})), true, true, []string{"a"}, []string{"a"}},
		"another alg":                       {setOf("a"), set(jwk("a", bound)), true, true, []string{"a"}, []string{"a"}},
		"another use":                       {setOf("a", "b"), set(jwk("a", members{"use": "enc"}), jwk("b")), true, true, nil, []string{"a"}},
		"another issuer member":             {setOf("a"), set(jwk("a", members{"issuer": "https://x.example"})), true, true, []string{"a"}, []string{"a"}},
		"another kid for the same key":      {setOf("a"), set(jwk("a", members{"kid": "z"})), true, true, []string{"z"}, []string{"a"}},
		"a key without kid went":            {set(jwk("a", members{"kid": nil}), jwk("b")), setOf("b"), true, true, nil, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(row.before)
				events := &recorder{}
				cfg := s.config()
				cfg.OnEvent = events.hear
				f := readyFetcher(t, cfg)
				before := f.Snapshot()
				require.Equal(t, []jwks.EventKind{jwks.Fetched}, events.kinds())
				s.serve(row.after)
				time.Sleep(16 * time.Minute)
				after := f.Snapshot()
				if row.rises {
					assert.Equal(t, before.Generation()+1, after.Generation())
				} else {
					assert.Equal(t, before.Generation(), after.Generation())
				}
				assert.Equal(t, row.rotated, slices.Contains(events.kinds(), jwks.Rotated))
				assert.Equal(t, row.added, events.last().Added)
				assert.Equal(t, row.removed, events.last().Removed)
				assert.Equal(t, after.Generation(), events.last().Generation)
				assertUnchangedKeysAreIdentical(t, before, after, row.added)
			})
		})
	}
}

func assertUnchangedKeysAreIdentical(t *testing.T, before, after *jwks.Snapshot, added []string) {
	t.Helper()
	for k := range after.Keys() {
		if slices.Contains(added, k.ID()) {
			assert.NotContains(t, slices.Collect(before.Keys()), k)
			continue
		}
		old, err := before.Key(k.ID(), "EdDSA")
		require.NoError(t, err)
		assert.Same(t, old, k)
	}
}

func TestWithdrawnKeyIsDroppedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(setOf("a", "b"))
		f := readyFetcher(t, s.config())
		s.serve(setOf("b", "c"))
		require.NoError(t, f.Refresh(t.Context(), "c"))
		_, err := f.Snapshot().Key("a", "EdDSA")
		require.ErrorIs(t, err, jwks.ErrNoKey)
	})
}

func TestGzipBombIsBounded(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.Copy(w, io.LimitReader(zeros{}, 4<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	f := socketFetcher(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	require.ErrorContains(t, f.Refresh(t.Context(), "a"), "more than 512 KiB")
}

func TestConfigMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		cfg  jwks.FetcherConfig
		says []string
	}{
		"nothing":                       {jwks.FetcherConfig{}, []string{"set Issuer, or JWKSURL"}},
		"only a discovery URL":          {jwks.FetcherConfig{DiscoveryURL: issuerURL}, []string{"set Issuer, or JWKSURL"}},
		"http":                          {jwks.FetcherConfig{Issuer: "http://issuer.example"}, []string{`Issuer "http://issuer.example": use https: http is accepted for loopback`}},
		"http on a private network":     {jwks.FetcherConfig{JWKSURL: "http://10.0.0.1/jwks"}, []string{"use https"}},
		"http on a host like localhost": {jwks.FetcherConfig{JWKSURL: "http://localhost.example/jwks"}, []string{"use https"}},
		"another scheme":                {jwks.FetcherConfig{JWKSURL: "ftp://issuer.example/jwks"}, []string{"use https"}},
		"no URL":                        {jwks.FetcherConfig{Issuer: "issuer.example"}, []string{"start it with https://"}},
		"an unreadable URL":             {jwks.FetcherConfig{Issuer: "https://issuer.example/%zz"}, []string{"not a URL"}},
		"a query in the issuer":         {jwks.FetcherConfig{Issuer: issuerURL + "?p=1"}, []string{"has a query: set DiscoveryURL"}},
		"a fragment":                    {jwks.FetcherConfig{JWKSURL: setURL + "#x"}, []string{"fragment"}},
		"a password":                    {jwks.FetcherConfig{JWKSURL: "https://user:hunter2@issuer.example/jwks"}, []string{"let Client add credentials"}},
		"two addresses":                 {jwks.FetcherConfig{Issuer: issuerURL, DiscoveryURL: issuerURL, JWKSURL: setURL}, []string{"leave one out"}},
		"negative durations": {
			jwks.FetcherConfig{Issuer: issuerURL, Timeout: -1, RefreshInterval: -1, MinRefreshInterval: -1, MaxRefreshInterval: -1, MaxStaleness: -1},
			[]string{"Timeout is -1ns", "RefreshInterval is -1ns", "MinRefreshInterval", "MaxRefreshInterval", "MaxStaleness is -1ns"},
		},
		"less than a second":           {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: time.Millisecond}, []string{"RefreshInterval is 1ms: set at least 1s"}},
		"bounds the wrong way round":   {jwks.FetcherConfig{Issuer: issuerURL, MinRefreshInterval: 2 * time.Hour, MaxRefreshInterval: time.Hour}, []string{"more than MaxRefreshInterval"}},
		"an interval above its bounds": {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: 2 * time.Hour, MaxRefreshInterval: time.Hour}, []string{"not between"}},
		"an interval below its bounds": {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: time.Minute, MinRefreshInterval: time.Hour}, []string{"not between"}},
		"all of them": {
			jwks.FetcherConfig{DiscoveryURL: "http://x.example", JWKSURL: "nowhere", Timeout: -1},
			[]string{"DiscoveryURL", "JWKSURL", "Timeout"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := jwks.NewFetcher(row.cfg)
			for _, says := range row.says {
				require.ErrorContains(t, err, says)
			}
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Nil(t, f)
		})
	}
}

func TestConfigAcceptsItsBounds(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]jwks.FetcherConfig{
		"least of everything": {JWKSURL: setURL, Timeout: time.Millisecond, RefreshInterval: time.Second, MinRefreshInterval: time.Second, MaxRefreshInterval: time.Second, MaxStaleness: time.Second},
		"at the upper bound":  {JWKSURL: setURL, RefreshInterval: time.Hour, MaxRefreshInterval: time.Hour},
		"at the lower bound":  {JWKSURL: setURL, RefreshInterval: time.Hour, MinRefreshInterval: time.Hour},
		"loopback by number":  {Issuer: "http://127.8.9.10:9000"},
		"loopback of IPv6":    {Issuer: "http://[::1]:9000/issuer"},
		"localhost":           {Issuer: "http://LOCALHOST"},
		"any issuer's name, where it is not where to ask": {Issuer: "no url?", JWKSURL: setURL},
		"an issuer with a query and metadata elsewhere":   {Issuer: issuerURL + "?p=1", DiscoveryURL: issuerURL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newFetcher(t, cfg)
		})
	}
}

func TestConfigDefaultsMakeRoomForWhatIsSet(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		cfg    jwks.FetcherConfig
		header string
		want   time.Duration // the refresh interval, less up to a tenth
	}{
		"the defaults":                        {jwks.FetcherConfig{}, "", 15 * time.Minute},
		"an interval below the lower bound":   {jwks.FetcherConfig{RefreshInterval: 5 * time.Second}, "", 5 * time.Second},
		"which then holds for the server too": {jwks.FetcherConfig{RefreshInterval: 5 * time.Second}, "max-age=0", 5 * time.Second},
		"an interval above the upper bound":   {jwks.FetcherConfig{RefreshInterval: 48 * time.Hour, MaxStaleness: 1000 * time.Hour}, "", 48 * time.Hour},
		"an upper bound alone":                {jwks.FetcherConfig{MaxRefreshInterval: 5 * time.Second}, "max-age=3600", 5 * time.Second},
		"a lower bound alone":                 {jwks.FetcherConfig{MinRefreshInterval: 48 * time.Hour, MaxStaleness: 1000 * time.Hour}, "", 48 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(setOf("a"))
				if row.header != "" {
					s.set("Cache-Control", row.header)
				}
				row.cfg.JWKSURL, row.cfg.Client = setURL, &http.Client{Transport: s}
				f := readyFetcher(t, row.cfg)
				next := time.Until(f.Status().NextRefresh)
				assert.LessOrEqual(t, next, row.want)
				assert.GreaterOrEqual(t, next, row.want*9/10)
			})
		})
	}
}

func TestCooldownCanBeTurnedOffButNotTheSecondBetweenFetches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		cfg := s.config()
		cfg.Cooldown = -1
		f := readyFetcher(t, cfg)
		start := time.Now()
		for i := range 10 {
			require.NoError(t, f.Refresh(t.Context(), fmt.Sprint("forged", i)))
		}
		assert.Equal(t, 11, s.count())
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

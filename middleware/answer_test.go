package middleware_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name           string
		request        *http.Request
		status         int
		detail, errors string
	}{
		{"no token", request(), 401, "a bearer access token is required", ""},
		{"a bad token", withToken("bad"), 401, "the access token is not valid here", `,"error":"invalid_token"`},
		{"a malformed header", request("Bearer"), 400, "the credentials are malformed", `,"error":"invalid_request"`},
		{"95 a missing scope", withToken(reader), 403, "the access token does not allow this", `,"error":"insufficient_scope","scope":"orders.read orders.write"`},
		{"keys that cannot be had", withToken("no-keys"), 503, "access tokens cannot be checked at the moment, try again later", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v, title := newTokens(t), http.StatusText(row.status)
			problem := fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":%q%s}`, title, row.status, row.detail, row.errors)
			v.errs["no-keys"] = reason.KeysUnavailable
			inText := newGuard(t, middleware.Config{Verifier: v}).Require(allWrites())(handler)
			w := serve(inText, row.request)
			assert.Equal(t, title+": "+row.detail+"\n", w.Body.String())
			assert.Equal(t, []string{"text/plain; charset=utf-8"}, w.Header()["Content-Type"])
			assert.Equal(t, []string{"nosniff"}, w.Header()["X-Content-Type-Options"])

			always := newGuard(t, middleware.Config{Verifier: v, ProblemJSON: true}).Require(allWrites())(handler)
			assertProblem(t, problem, serve(always, row.request))

			accepts := row.request.Clone(t.Context())
			accepts.Header.Set("Accept", "application/problem+json")
			assertProblem(t, problem, serve(inText, accepts))
		})
	}
}

func assertProblem(t *testing.T, want string, w *httptest.ResponseRecorder) {
	t.Helper()
	assert.Equal(t, want+"\n", w.Body.String())
	assert.True(t, json.Valid(w.Body.Bytes()))
	assert.Equal(t, []string{"application/problem+json"}, w.Header()["Content-Type"])
}

func TestProblemOfAnyText(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{ProblemJSON: true})
	w := serve(deny(g, &middleware.Error{Status: 403, Challenges: []middleware.Challenge{{Scheme: "Bearer", Params: params{
		{"error", "a\"b\\c\r\n\u00e5"}, {"scope", "x\xff"},
	}}}}), request())
	assertProblem(t, `{"type":"about:blank","title":"Forbidden","status":403,"error":"a\"b\\c","scope":"x"}`, w)
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		accept  []string
		problem bool
	}{
		{"none", nil, false},
		{"an empty one", []string{""}, false},
		{"anything", []string{"*/*"}, false},
		{"text", []string{"text/plain"}, false},
		{"problem details", []string{"application/problem+json"}, true},
		{"in other case and with parameters", []string{"Application/Problem+JSON; charset=utf-8 ; Q=0.5"}, true},
		{"beside other types", []string{"application/json, application/problem+json"}, true},
		{"on a second line", []string{"application/json", "application/problem+json"}, true},
		{"any application type", []string{"application/*"}, true},
		{"named beside anything", []string{"*/*, application/problem+json"}, true},
		{"less than text", []string{"application/problem+json;q=0.5, text/plain"}, false},
		{"more than text", []string{"application/problem+json, text/plain;q=0.9"}, true},
		{"as much as text", []string{"text/plain, application/problem+json"}, false},
		{"less than anything", []string{"application/problem+json;q=0.5, */*"}, false},
		{"not at all", []string{"application/problem+json;q=0"}, false},
		{"not at all, but others of its kind", []string{"application/problem+json;q=0, application/*"}, false},
		{"json", []string{"application/json"}, true},
		{"json in other case, with a parameter and a weight", []string{"Application/JSON;charset=utf-8;q=0.1"}, true},
		{"json beside text", []string{"application/json, text/plain, */*"}, true},
		{"json behind text", []string{"text/plain, application/json"}, true},
		{"json and text of one weight", []string{"application/json;q=0.5, text/plain;q=0.5"}, true},
		{"json on a line behind text", []string{"text/plain", "application/json"}, true},
		{"json more than text", []string{"text/plain;q=0.4, application/json;q=0.5"}, true},
		{"json less than text", []string{"application/json;q=0.5, text/plain"}, false},
		{"json less than anything", []string{"application/json;q=0.5, */*"}, false},
		{"json more than anything", []string{"text/html, application/json;q=0.9, */*;q=0.8"}, true},
		{"json not at all, but anything", []string{"application/json;q=0, */*"}, false},
		{"json, but no problem details", []string{"application/json, application/problem+json;q=0"}, false},
		{"json not at all, but problem details", []string{"application/json;q=0, application/problem+json"}, true},
		{"neither json nor text", []string{"application/json;q=0, text/plain;q=0"}, false},
		{"json of another vendor", []string{"application/vnd.api+json"}, false},
		{"109 json at the end of the first KiB", []string{strings.Repeat("a/b,", 250) + "abcde/f,application/json"}, true},
		{"109 json a byte beyond it", []string{strings.Repeat("a/b,", 250) + "abcdef/g,application/json"}, false},
		{"109 the part of a weight that the KiB cuts is not read", []string{"text/plain," + strings.Repeat("a/b,", 249) + "application/json;q=0.5"}, false},
		{"109 json behind a KiB of empty lines", append(make([]string, 1024), "application/json"), false},
		{"109 json behind a few empty lines", append(make([]string, 100), "application/json"), true},
		{"109 json behind a KiB of other lines", []string{strings.Repeat("a", 600), strings.Repeat("a", 600), "application/json"}, false},
		{"109 json in front of a megabyte", []string{"application/json" + strings.Repeat(",", 1<<20)}, true},
		{"a browser", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, false},
		{"a weight of one", []string{"application/problem+json;q=1, text/plain;q=0.9"}, true},
		{"a parameter before a weight", []string{"application/problem+json;v=1;q=0.1, text/plain;q=0.9"}, false},
		{"a weight that is none", []string{"application/problem+json;q=high"}, false},
		{"a weight above one", []string{"application/problem+json;q=1.5"}, false},
		{"a weight that is not a number", []string{"application/problem+json;q=NaN"}, false},
		{"a weight above one beside text", []string{"application/problem+json;q=1.1, text/plain;q=0.1"}, false},
		{"a negative weight", []string{"application/problem+json;q=-1, text/plain;q=0"}, false},
		{"neither of the two", []string{"application/problem+json;q=0, text/plain;q=0"}, false},
		{"equal weights", []string{"application/problem+json;q=0.5, text/plain;q=0.5"}, false},
		{"text with a weight above one", []string{"application/problem+json;q=0.2, text/plain;q=2"}, true},
		{"text with a weight that is none", []string{"application/problem+json;q=0.2, text/plain;q=high"}, true},
		{"named twice, the first weight counts", []string{"application/problem+json;q=0, application/problem+json"}, false},
		{"nonsense", []string{";;,,q=1;/,*"}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := request()
			r.Header["Accept"] = row.accept
			w := serve(newGuard(t, middleware.Config{}).Authenticate(handler), r)
			want := "text/plain; charset=utf-8"
			if row.problem {
				want = "application/problem+json"
			}
			assert.Equal(t, want, w.Header().Get("Content-Type"))
		})
	}
}

func TestHeadGetsNoBody(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]middleware.Config{
		"of text":    {},
		"of problem": {ProblemJSON: true},
		"of a hook": {ErrorBody: func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
			n, err := io.WriteString(w, "body")
			assert.NoError(t, err)
			assert.Equal(t, 4, n)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request()
			r.Method = http.MethodHead
			w := serve(newGuard(t, cfg).Authenticate(handler), r)
			assert.Equal(t, 401, w.Code)
			assert.Empty(t, w.Body.String())
			assert.Equal(t, `Bearer realm="api"`, w.Header().Get("WWW-Authenticate"))
			assert.NotEmpty(t, w.Header().Get("Content-Type"))
		})
	}
}

func TestHeadersOfOuterHandlers(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]middleware.Config{
		"with the usual body": {},
		"with a hook":         {ErrorBody: func(http.ResponseWriter, *http.Request, *middleware.Error) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := newGuard(t, cfg).Authenticate(handler)
			w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified", "WWW-Authenticate", "Retry-After", "Cache-Control", "X-Request-Id", "Vary"} {
					w.Header().Set(name, "outer")
				}
				inner.ServeHTTP(w, r)
			}), request())
			assert.Equal(t, http.Header{
				"Www-Authenticate":       {`Bearer realm="api"`},
				"Cache-Control":          {"no-store"},
				"Content-Type":           {"text/plain; charset=utf-8"},
				"X-Content-Type-Options": {"nosniff"},
				"X-Request-Id":           {"outer"},
				"Vary":                   {"outer"},
			}, w.Header())
		})
	}
}

func TestA503RemovesAChallengeOfOuterHandlers(t *testing.T) {
	t.Parallel()
	for _, hook := range []func(http.ResponseWriter, *http.Request, *middleware.Error){nil, func(http.ResponseWriter, *http.Request, *middleware.Error) {}} {
		g := newGuard(t, middleware.Config{ErrorBody: hook})
		w := httptest.NewRecorder()
		w.Header().Set("WWW-Authenticate", "Basic")
		g.Deny(w, request(), reason.KeysUnavailable)
		assert.NotContains(t, w.Header(), "Www-Authenticate")
		assert.Equal(t, []string{"1"}, w.Header()["Retry-After"])
	}
}

func TestErrorBodyMayRemoveHeadersOfOuterHandlers(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{ErrorBody: func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
		assert.Equal(t, "outer", w.Header().Get("X-Outer"))
		w.Header().Del("X-Outer")
	}})
	w := httptest.NewRecorder()
	w.Header().Set("X-Outer", "outer")
	g.Deny(w, request(), reason.NoToken)
	assert.NotContains(t, w.Header(), "X-Outer")
}

func TestErrorBody(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		hook        func(w http.ResponseWriter, r *http.Request, e *middleware.Error)
		contentType string
		body        string
	}{
		{"writes a body of its own type", func(w http.ResponseWriter, _ *http.Request, e *middleware.Error) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]int{"status": e.Status})
		}, "application/json", "{\"status\":401}\n"},
		{"may describe its body", func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
			w.Header().Set("Content-Language", "no")
			w.Header().Set("Content-Length", "4")
			w.WriteHeader(http.StatusOK)
			assert.Equal(t, "4", w.Header().Get("Content-Length"))
			_, _ = io.WriteString(w, "nei!")
		}, "text/plain; charset=utf-8", "nei!"},
		{"may write nothing", func(http.ResponseWriter, *http.Request, *middleware.Error) {}, "text/plain; charset=utf-8", ""},
		{"cannot change the status", func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
			w.WriteHeader(http.StatusOK)
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "fine")
		}, "text/plain; charset=utf-8", "fine"},
		{"cannot change it by http.Error", func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
			http.Error(w, "go away", http.StatusNotFound)
		}, "text/plain; charset=utf-8", "go away\n"},
		{"cannot change the headers that make the answer", func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
			h := w.Header()
			h.Set("WWW-Authenticate", "Basic")
			h["www-authenticate"] = []string{"Basic"}
			h.Set("Cache-Control", "public")
			h["CACHE-CONTROL"] = []string{"public"}
			h.Set("Retry-After", "1")
			_, _ = io.WriteString(w, "x")
			h.Set("WWW-Authenticate", "Basic")
		}, "text/plain; charset=utf-8", "x"},
		{"cannot remove the headers that make the answer", func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
			w.Header()["Www-Authenticate"][0] = "Basic"
			clear(w.Header())
			w.Header().Set("Content-Type", "text/x")
		}, "text/x", ""},
		{"cannot change the answer by the Error", func(_ http.ResponseWriter, _ *http.Request, e *middleware.Error) {
			e.Status = 200
			e.Challenges[0].Params[0][1] = "changed"
			e.Challenges = nil
		}, "text/plain; charset=utf-8", ""},
		{"does not get at the real writer", func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
			_, ok := w.(interface{ Unwrap() http.ResponseWriter })
			assert.False(t, ok)
		}, "text/plain; charset=utf-8", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{ErrorBody: row.hook})
			for range 2 { // what a hook changes must not outlive the request
				w := serve(g.Authenticate(handler), withToken("bad"))
				assert.Equal(t, 401, w.Code)
				res := w.Result()
				_ = res.Body.Close()
				assert.Equal(t, []string{`Bearer realm="api", error="invalid_token"`}, res.Header["Www-Authenticate"])
				assert.Equal(t, []string{"no-store"}, res.Header["Cache-Control"])
				assert.NotContains(t, res.Header, "www-authenticate")
				assert.NotContains(t, res.Header, "CACHE-CONTROL")
				assert.NotContains(t, res.Header, "Retry-After")
				assert.Equal(t, row.contentType, res.Header.Get("Content-Type"))
				assert.Equal(t, row.body, w.Body.String())
				if row.body == "nei!" {
					assert.Equal(t, "no", res.Header.Get("Content-Language"))
					assert.EqualValues(t, 4, res.ContentLength)
				}
			}
		})
	}
}

func TestErrorBodyOfDeny(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{ErrorBody: func(w http.ResponseWriter, r *http.Request, e *middleware.Error) {
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, r.URL.Path+" "+strings.Join(e.Missing, " "))
	}})
	w := &countingWriter{ResponseRecorder: httptest.NewRecorder()}
	g.Deny(w, request(), &middleware.Error{Status: 403, Reason: reason.InsufficientScope, Missing: []string{"x"}})
	assert.Equal(t, []int{403}, w.statuses)
	assert.Equal(t, "/orders x", w.Body.String())
	require.NotEmpty(t, w.Header().Get("WWW-Authenticate"))
}

// countingWriter notes every call of WriteHeader.
type countingWriter struct {
	*httptest.ResponseRecorder
	statuses []int
}

func (w *countingWriter) WriteHeader(status int) {
	w.statuses = append(w.statuses, status)
	w.ResponseRecorder.WriteHeader(status)
}

func TestAStatusThatIsNoRefusalIsNotSent(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	for status, want := range map[int]int{
		0: 401, 100: 401, 200: 401, 204: 401, 302: 401, 399: 401, 400: 400, 401: 401, 418: 418, 500: 500, 599: 599, 600: 401, 999: 401, -1: 401,
	} {
		w := serve(deny(g, &middleware.Error{Status: status, Reason: reason.Expired}), request())
		assert.Equal(t, want, w.Code, "from %d", status)
		assert.Equal(t, want == 400 || want == 401, len(w.Header()["Www-Authenticate"]) == 1, "a challenge in %d, from %d", want, status)
	}
}

func TestRetryAfterIsAtLeastASecond(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	for wait, want := range map[time.Duration]string{
		-time.Hour: "1", 0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 90 * time.Second: "90",
	} {
		w := serve(deny(g, &middleware.Error{Status: 503, Reason: reason.KeysUnavailable, RetryAfter: wait}), request())
		assert.Equal(t, want, w.Header().Get("Retry-After"), "%v", wait)
	}
}

package page_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/page"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type explainer struct{}

func (explainer) Explain(_ context.Context, token string) verifier.Report {
	return verifier.Report{Reason: reason.Expired, Hint: "seen " + token}
}

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	auth, err := devauth.Start("127.0.0.1:0", devauth.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = auth.Close() })
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "the API's "+r.URL.Path) })
	s := httptest.NewServer(page.Handler(auth, explainer{}, api))
	t.Cleanup(s.Close)
	return s
}

func do(t *testing.T, method, url, body string, change ...func(*http.Request)) testkit.Answer {
	t.Helper()
	r := testkit.NewRequest(t, method, url, "", body)
	for _, c := range change {
		c(r)
	}
	return testkit.Do(t, r)
}

func TestThePageIsServedBesideTheAPI(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for path, want := range map[string]string{"/": "<title>Sallyport", "/page.css": "--ink", "/page.js": "'use strict'", "/orders": "the API's /orders", "/page.html": "the API's"} {
		a := do(t, http.MethodGet, s.URL+path, "")
		assert.Equal(t, http.StatusOK, a.Status, path)
		assert.Contains(t, a.Body, want, path)
	}
	a := do(t, http.MethodGet, s.URL+"/", "")
	assert.Contains(t, a.Header.Get("Content-Security-Policy"), "script-src 'self'")
}

func TestATokenIsMintedForWhoWasPicked(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var clients []struct{ Scheme, Name, ID, Curl string }
	do(t, http.MethodGet, s.URL+"/try/clients", "").Decode(t, &clients)
	require.Len(t, clients, 9)
	for _, c := range clients {
		assert.Contains(t, c.Curl, "curl ", c.Name)
		for _, flaw := range []string{"", "expired", "tampered", "other audience"} {
			ask, err := json.Marshal(map[string]string{"scheme": c.Scheme, "client": c.ID, "flaw": flaw})
			require.NoError(t, err)
			a := do(t, http.MethodPost, s.URL+"/try/token", string(ask))
			assert.Equal(t, http.StatusOK, a.Status)
			assert.Equal(t, 2, strings.Count(a.Body, "."), a.Body)
		}
	}
	report := do(t, http.MethodPost, s.URL+"/try/explain", `{"token":"a.b.c"}`).Body
	assert.JSONEq(t, `{"ok":false,"reason":"expired","checks":null,"hint":"seen a.b.c"}`, report)
}

func TestWhatThePageDoesNotTake(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for name, row := range map[string]struct {
		path, body string
		change     func(*http.Request)
		want       int
	}{
		"another host":      {"/try/token", `{}`, func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
		"another origin":    {"/try/token", `{}`, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
		"an unknown client": {"/try/token", `{"scheme":"okq8","client":"nobody"}`, func(*http.Request) {}, http.StatusBadRequest},
		"not JSON":          {"/try/explain", `token`, func(*http.Request) {}, http.StatusBadRequest},
		"far too much":      {"/try/explain", `{"token":"` + strings.Repeat("a", 1<<17) + `"}`, func(*http.Request) {}, http.StatusRequestEntityTooLarge},
	} {
		a := do(t, http.MethodPost, s.URL+row.path, row.body, row.change)
		assert.Equal(t, row.want, a.Status, "%s: %s", name, a.Body)
	}
	a := do(t, http.MethodGet, s.URL+"/", "", func(r *http.Request) { r.Host = "localhost:80" })
	assert.Equal(t, http.StatusOK, a.Status)
}

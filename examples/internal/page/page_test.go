package page_test

import (
	"context"
	"fmt"
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

func serve(t *testing.T) string {
	t.Helper()
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "the API's "+r.URL.Path) })
	s := httptest.NewServer(page.Handler(testkit.Auth(t, devauth.Config{}), explainer{}, api))
	t.Cleanup(s.Close)
	return s.URL
}

func post(t *testing.T, url, body string) testkit.Answer {
	t.Helper()
	return testkit.Do(t, testkit.NewRequest(t, http.MethodPost, url, "", body))
}

func TestThePageIsServedBesideTheAPI(t *testing.T) {
	t.Parallel()
	url := serve(t)
	for path, want := range map[string]string{"/": "<title>Sallyport", "/page.css": "--ink", "/page.js": "'use strict'", "/orders": "the API's /orders", "/page.html": "the API's"} {
		a := testkit.Get(t, url+path, "")
		assert.Equal(t, http.StatusOK, a.Status, path)
		assert.Contains(t, a.Body, want, path)
	}
	assert.Contains(t, testkit.Get(t, url+"/", "").Header.Get("Content-Security-Policy"), "script-src 'self'")
}

func TestATokenIsMintedForWhoWasPicked(t *testing.T) {
	t.Parallel()
	url := serve(t)
	var clients []struct{ Scheme, Name, ID, Curl string }
	testkit.Get(t, url+"/try/clients", "").Decode(t, &clients)
	require.Len(t, clients, 9)
	for _, c := range clients {
		assert.Contains(t, c.Curl, "curl ", c.Name)
		for _, flaw := range []string{"", "expired", "tampered", "other audience"} {
			a := post(t, url+"/try/token", fmt.Sprintf(`{"scheme":%q,"client":%q,"flaw":%q}`, c.Scheme, c.ID, flaw))
			assert.Equal(t, http.StatusOK, a.Status)
			assert.Equal(t, 2, strings.Count(a.Body, "."), a.Body)
		}
	}
	report := post(t, url+"/try/explain", `{"token":"a.b.c"}`).Body
	assert.JSONEq(t, `{"ok":false,"reason":"expired","checks":null,"hint":"seen a.b.c"}`, report)
}

func TestWhatThePageDoesNotTake(t *testing.T) {
	t.Parallel()
	url := serve(t)
	for _, row := range []struct {
		name, path, body, host, origin string
		want                           int
	}{
		{"another host", "/try/token", `{}`, "evil.example", "", http.StatusMisdirectedRequest},
		{"another origin", "/try/token", `{}`, "", "https://evil.example", http.StatusForbidden},
		{"an unknown client", "/try/token", `{"scheme":"okq8","client":"nobody"}`, "", "", http.StatusBadRequest},
		{"not JSON", "/try/explain", `token`, "", "", http.StatusBadRequest},
		{"far too much", "/try/explain", `{"token":"` + strings.Repeat("a", 1<<17) + `"}`, "", "", http.StatusRequestEntityTooLarge},
		{"localhost, which is fine", "/try/explain", `{"token":"a"}`, "localhost:80", "", http.StatusOK},
	} {
		r := testkit.NewRequest(t, http.MethodPost, url+row.path, "", row.body)
		r.Host = row.host
		r.Header.Set("Origin", row.origin)
		a := testkit.Do(t, r)
		assert.Equal(t, row.want, a.Status, "%s: %s", row.name, a.Body)
	}
}

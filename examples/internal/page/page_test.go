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

	"github.com/sallyport-go/sallyport/claims"
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

func (explainer) ExplainRule(_ context.Context, _ string, rule claims.Rule) verifier.Report {
	return verifier.Report{Reason: reason.InsufficientScope, Hint: rule.String()}
}

func rule(method, path string) claims.Rule { return claims.AllScopes(method + path) }

func serve(t *testing.T) string {
	t.Helper()
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "the API's "+r.URL.Path) })
	s := httptest.NewServer(page.Handler(testkit.Auth(t, devauth.Config{}), explainer{}, rule, api))
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

// What a screen reader hears, and what is seen on a small screen or when the API
// was stopped. A browser is not at hand here: the parts that do it are.
func TestThePageIsForEverybody(t *testing.T) {
	t.Parallel()
	url := serve(t)
	for path, wants := range map[string][]string{
		"/": {
			`<p id="verdict" role="status" aria-live="polite">`, `<h3 id="called" role="status" aria-live="polite">`,
			`<p id="gone" class="bad" role="alert" hidden>`, `<meta name="viewport"`,
		},
		"/page.css": {"minmax(min(22rem, 100%), 1fr)", "@media (max-width: 30rem)"},
		"/page.js":  {"await ask('/try/explain', { token, method, path })", "The API does not answer"},
	} {
		body := testkit.Get(t, url+path, "").Body
		for _, want := range wants {
			assert.Contains(t, body, want, path)
		}
	}
	assert.Equal(t, 1, strings.Count(testkit.Get(t, url+"/page.js", "").Body, "await fetch("), "one place that says when nothing answers")
}

// The texts that a verdict of the page has. A good token that may not make the
// call that was made is not shown as one that is good for it.
func TestThePageSaysWhatAVerdictIsAbout(t *testing.T) {
	t.Parallel()
	script := testkit.Get(t, serve(t)+"/page.js", "").Body
	for _, text := range []string{
		"at('why').textContent = called ? `3. Why ${called}` : '3. Why';",
		"verdict.textContent = 'There is no token to explain.';",
		"const good = called ? 'The token is good, and may do this.' : 'The token is good. Whether it may do this is for each route to say.';",
		"verdict.textContent = report.ok ? good : `Refused: ${report.reason}. ${report.hint}`;",
		"verdict.className = report.ok ? 'good' : 'bad';",
		"if (mine === turn) showReport(report, `${method} ${path}`);",
		"(whys.find(why => why.refused) ?? whys.at(-1))();",
	} {
		assert.Contains(t, script, text)
	}
	assert.Equal(t, 2, strings.Count(script, "'The token is good"), "no other verdict says so")
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
	report := post(t, url+"/try/explain", `{"token":"a.b.c","method":"PUT","path":"/orders/1"}`).Body
	assert.JSONEq(t, `{"ok":false,"reason":"insufficient_scope","checks":null,"hint":"all scopes PUT/orders/1"}`, report, "what the call requires")
	report = post(t, url+"/try/explain", `{"token":"a.b.c"}`).Body
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

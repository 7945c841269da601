package migrate_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func list(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "orders") }

// behindGate is what the others become.
func behindGate(issuer string, list http.HandlerFunc) (http.Handler, *sallyport.Gate, error) {
	gate, err := sallyport.New(issuer, "api://orders")
	if err != nil {
		return nil, nil, err
	}
	return gate.Require(claims.AllScopes("orders.read"))(list), gate, nil
}

func newIssuer(t *testing.T) *jwkstest.Issuer {
	t.Helper()
	return jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"scope": "orders.read"})
}

// apis are the same API behind each library that checks an issuer's tokens.
func apis(t *testing.T, iss *jwkstest.Issuer) []http.Handler {
	t.Helper()
	gateAPI, gate, err := behindGate(iss.Issuer(), list)
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	golangJWT, err := behindGolangJWT(t.Context(), iss.Issuer(), iss.JWKSURL(), list)
	require.NoError(t, err)
	u, err := url.Parse(iss.Issuer())
	require.NoError(t, err)
	auth0, err := behindAuth0(u, list)
	require.NoError(t, err)
	goOIDC, err := behindGoOIDC(t.Context(), iss.Issuer(), list)
	require.NoError(t, err)
	return []http.Handler{golangJWT, auth0, goOIDC, gateAPI}
}

// get asks for orders, and returns status and challenge.
func get(h http.Handler, authorization ...string) (status, challenge string) {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header["Authorization"] = slices.Clip(authorization)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return fmt.Sprint(w.Code), w.Header().Get("WWW-Authenticate")
}

// TestTheTableOfAnswers compares what each API answers with the page.
func TestTheTableOfAnswers(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	all := apis(t, iss)
	noKeys := newIssuer(t)
	noKeys.ServeJWKS(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	down := apis(t, noKeys)
	bearer := func(options ...jwkstest.TokenOption) []string { return []string{"Bearer " + iss.Token(options...)} }

	var rows strings.Builder
	row := func(name string, apis []http.Handler, authorization ...string) {
		fmt.Fprintf(&rows, "| %s |", name)
		for i, api := range apis {
			status, challenge := get(api, authorization...)
			if i == len(apis)-1 {
				status = "**" + status + "**"
				if challenge != "" {
					status += " `" + challenge + "`"
				}
			}
			fmt.Fprintf(&rows, " %s |", status)
		}
		rows.WriteString("\n")
	}
	row("a good token", all, bearer()...)
	row("no token", all)
	row("another scheme", all, "Basic d2FyZWhvdXNlOnNlY3JldA==")
	row("`bearer` in lower case", all, strings.Replace(bearer()[0], "Bearer", "bearer", 1))
	row("two Authorization headers", all, bearer()[0], bearer()[0])
	row("a token for another API", all, bearer(jwkstest.WithAudience("api://billing"))...)
	row("expired 10 s ago", all, bearer(jwkstest.Claims{"exp": time.Now().Add(-10 * time.Second)})...)
	row("without `exp`", all, bearer(jwkstest.Claims{"exp": nil})...)
	row("`typ` of another kind, `logout+jwt`", all, bearer(jwkstest.Header{"typ": "logout+jwt"})...)
	row("bound to a key (`cnf`) that nobody checks", all, bearer(jwkstest.Claims{"cnf": map[string]any{"jkt": "a"}})...)
	row("without the scope", all, bearer(jwkstest.Claims{"scope": "orders.write"})...)
	row("the issuer's keys cannot be had", down, "Bearer "+noKeys.Token())

	page, err := os.ReadFile("../../docs/guide/migrating.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), rows.String())
}

func TestGinJWT(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.TestMode)
	before, err := behindGinJWT([]byte("a secret of the test, 32 bytes or more"), func(c *gin.Context) (any, error) {
		return c.Query("user"), nil
	}, gin.WrapF(list))
	require.NoError(t, err)
	login := func(user string) string {
		w := httptest.NewRecorder()
		before.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/login?user="+user, nil))
		var answer struct{ Token string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
		return "Bearer " + answer.Token
	}
	iss := newIssuer(t)
	gate, err := sallyport.New(iss.Issuer(), iss.Audience())
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	after := behindGinGate(gate, gin.WrapF(list))
	_, err = gate.Verify(t.Context(), strings.TrimPrefix(login("reader"), "Bearer "))
	assert.ErrorIs(t, err, reason.MissingClaim, "it has no iss")

	for _, row := range []struct {
		name              string
		api               http.Handler
		authorization     []string
		status, challenge string
	}{
		{"before, a reader", before, []string{login("reader")}, "200", ""},
		{"before, somebody else", before, []string{login("writer")}, "403", "JWT realm=orders"},
		{"before, no token", before, nil, "401", "JWT realm=orders"},
		{"after, a reader", after, []string{"Bearer " + iss.Token()}, "200", ""},
		{"after, somebody else", after, []string{"Bearer " + iss.Token(jwkstest.Claims{"scope": ""})}, "403", `Bearer realm="api", error="insufficient_scope", scope="orders.read"`},
		{"after, no token", after, nil, "401", `Bearer realm="api"`},
		{"after, a token that gin-jwt signed", after, []string{login("reader")}, "401", `Bearer realm="api", error="invalid_token"`},
	} {
		status, challenge := get(row.api, row.authorization...)
		assert.Equal(t, row.status, status, row.name)
		assert.Equal(t, row.challenge, challenge, row.name)
	}
}

package fiberauth_test

import (
	"bufio"
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// row is one request, and the status and event of its answer: all else is what
// net/http answers, byte for byte.
type row struct {
	name    string
	request string   // "GET /orders" if ""
	token   string   // sent as a bearer token, unless header has more
	header  []string // lines
	status  int
	event   string

	body      string // of the request
	gate      string // "" is "plain"
	tableOnly bool
}

const (
	verified  = "verified"
	malformed = "refused invalid_request"
)

func refused(why reason.Code) string { return "refused " + string(why) }

func rows(iss, down, hanging *jwkstest.Issuer) []row {
	const (
		form    = "Content-Type: application/x-www-form-urlencoded"
		noScope = reason.InsufficientScope
		problem = "Accept: application/problem+json"
	)
	token, lack := iss.Token(scope("orders.read")), iss.Token(scope("orders.write"))
	bad, inForm := token+"x", "access_token="+token
	level := func(names ...string) string { return iss.Token(scope(names...)) }
	line := func(value string) []string { return []string{"Authorization: " + value} }
	acme := iss.Token(scope("orders.read"), jwkstest.Claims{"tenant": "acme"})
	rows := []row{
		{name: "the Authorization header works", token: token, status: 200, event: verified},
		{name: "for HEAD too", request: "HEAD /orders", token: token, status: 200, event: verified},
		{name: "the scheme may be written in any case", header: line("bEaReR " + token), status: 200, event: verified},
		{name: "several spaces behind the scheme", header: line("Bearer   " + token), status: 200, event: verified},
		{name: "a name in capitals", header: []string{"AUTHORIZATION: Bearer " + token}, status: 200, event: verified},
		{name: "a comma between two tokens", header: line("Bearer " + token + "," + token), status: 400, event: malformed},
		{name: "a space inside the token", header: line("Bearer " + token + " x"), status: 400, event: malformed},
		{name: "a tab instead of the space", header: line("Bearer\t" + token), status: 400, event: malformed},
		{name: "the scheme alone", header: line("Bearer"), status: 400, event: malformed},
		{name: "nothing at all", header: line(""), status: 400, event: malformed},
		{name: "two Authorization lines", header: append(line("Bearer "+token), line("Bearer "+token)...), status: 400, event: malformed},
		{name: "two lines in capitals and small letters", header: []string{"AUTHORIZATION: Bearer " + token, "authorization: Bearer " + token}, status: 400, event: malformed},
		{name: "two lines of two schemes, for HEAD", request: "HEAD /orders", header: append(line("Basic eDp5"), line("Bearer "+token)...), status: 400, event: malformed},
		{name: "a token in a form body is not read", request: "POST /orders", body: inForm, header: []string{form, "Content-Length: " + strconv.Itoa(len(inForm))}, status: 401, event: refused(reason.NoToken)},
		{name: "a token in the query is not read", request: "GET /orders?access_token=" + token, status: 401, event: refused(reason.NoToken)},
		{name: "a token in a cookie is not read", header: []string{"Cookie: access_token=" + token}, status: 401, event: refused(reason.NoToken)},
		{name: "no credentials", status: 401, event: refused(reason.NoToken)},
		{name: "no credentials, for HEAD", request: "HEAD /orders", status: 401, event: refused(reason.NoToken)},
		{name: "another scheme", header: line("Basic eDp5"), status: 401, event: refused(reason.UnsupportedScheme)},
		{name: "a bad token", token: bad, status: 401, event: refused(reason.Malformed)},
		{name: "a bad token, for HEAD", request: "HEAD /orders", token: bad, status: 401, event: refused(reason.Malformed)},
		{name: "a token for another API", token: iss.Token(scope("orders.read"), jwkstest.WithAudience("api://other")), status: 401, event: refused(reason.WrongAudience)},
		{name: "a token without the scope", token: lack, status: 403, event: refused(noScope)},
		{name: "and for HEAD", request: "HEAD /orders", token: lack, status: 403, event: refused(noScope)},
		{name: "all that is required is named", request: "POST /orders", token: token, status: 403, event: refused(noScope)},
		{name: "a role lets through", request: "DELETE /orders/7", token: iss.Token(jwkstest.Claims{"roles": []string{"Orders.Owner"}}), status: 200, event: verified},
		{name: "a missing role names no scope", request: "DELETE /orders/7", token: token, status: 403, event: refused(reason.InsufficientRole)},
		{name: "a user calls what is for apps", request: "GET /apps", token: iss.Token(jwkstest.Claims{"idtyp": "user"}), status: 403, event: refused(reason.WrongCaller)},
		{name: "a tenant's own", request: "GET /tenants/acme/orders", token: acme, status: 200, event: verified},
		{name: "a tenant's own, further down", request: "GET /tenants/acme/orders/7", token: acme, status: 200, event: verified},
		{name: "another tenant's", request: "GET /tenants/globex/orders", token: acme, status: 403, event: refused(reason.Denied)},
		{name: "another tenant's, with its own as the id", request: "GET /tenants/globex/orders/acme", token: acme, status: 403, event: refused(reason.Denied)},
		{name: "another tenant's, with its own in the query", request: "GET /tenants/globex/orders?tenant=acme", token: acme, status: 403, event: refused(reason.Denied)},
		{name: "a tenant in another case", request: "GET /tenants/Acme/orders", token: acme, status: 403, event: refused(reason.Denied)},
		{name: "a route without a tenant", request: "GET /tenantless", token: acme, status: 403, event: refused(reason.Denied)},
		{name: "a token with an empty tenant", request: "GET /tenantless", token: iss.Token(scope("orders.read"), jwkstest.Claims{"tenant": ""}), status: 403, event: refused(reason.Denied)},
		{name: "any token will do", request: "GET /whoami", token: iss.Token(), status: 200, event: verified},
		{name: "but none will not", request: "GET /whoami", status: 401, event: refused(reason.NoToken)},
		{name: "two doors, one verification", request: "GET /twice", token: token, status: 200, event: verified},
		{name: "optional and there", request: "GET /home", token: token, status: 200, event: verified},
		{name: "optional and bad", request: "GET /home", token: bad, status: 401, event: refused(reason.Malformed)},
		{name: "optional and malformed", request: "GET /home", header: line("Bearer"), status: 400, event: malformed},
		{name: "optional and not there", request: "GET /home", status: 200, event: "anonymous"},
		{name: "no level for OPTIONS", request: "OPTIONS /levels", token: level("get", "post", "put", "delete"), status: 403, event: refused(reason.Denied)},
		{name: "a level of another resource", request: "GET /levels", token: level("api://invoices/get"), status: 403, event: refused(noScope)},
		{name: "a level, and a header that asks for another method", request: "GET /levels", token: level("get"), header: []string{"X-HTTP-Method-Override: DELETE"}, status: 403, event: refused(reason.Denied)},
		{name: "a table denies a forgotten route", tableOnly: true, request: "GET /forgotten", token: token, status: 403, event: refused(reason.Denied)},
		{name: "a table denies what is no route", tableOnly: true, request: "GET /nowhere", token: token, status: 403, event: refused(reason.Denied)},
		{name: "and wants a token first, route or not", tableOnly: true, request: "GET /nowhere", status: 401, event: refused(reason.NoToken)},
		{name: "a table denies a method without an entry", tableOnly: true, request: "PATCH /orders", token: token, status: 403, event: refused(reason.Denied)},
		{name: "a table denies an unclean path", tableOnly: true, request: "GET //orders", token: token, status: 403, event: refused(reason.Denied)},
		{name: "a table denies where a header asks for a method with another entry", tableOnly: true, request: "GET /orders", token: token, header: []string{"X-HTTP-Method-Override: POST"}, status: 403, event: refused(reason.Denied)},

		{name: "the keys cannot be had", gate: "down", token: down.Token(), status: 503, event: refused(reason.KeysUnavailable)},
		{name: "the keys cannot be had, for HEAD", gate: "down", request: "HEAD /orders", token: down.Token(), status: 503, event: refused(reason.KeysUnavailable)},
		{name: "the caller is gone while the keys are awaited", gate: "down", token: hanging.Token(), header: []string{"X-Gone: 1"}, status: 503, event: refused(reason.Canceled)},
		{name: "it cannot be known whether a token was revoked", token: iss.Token(scope("orders.read"), jwkstest.Claims{"sub": "unknowable"}), status: 503, event: refused(reason.RevocationUnavailable)},
		{name: "a token that was revoked", token: iss.Token(scope("orders.read"), jwkstest.Claims{"sub": "revoked"}), status: 401, event: refused(reason.Revoked)},

		{name: "a 401 as problem details, if asked", header: []string{problem}, status: 401, event: refused(reason.NoToken)},
		{name: "a 403 as problem details always", gate: "problem", token: lack, status: 403, event: refused(noScope)},
		{name: "problem details for HEAD", gate: "problem", request: "HEAD /orders", token: lack, status: 403, event: refused(noScope)},
		{name: "a body of the user's own", gate: "own body", status: 401, event: refused(reason.NoToken)},
		{name: "a body of the user's own for HEAD", gate: "own body", request: "HEAD /orders", status: 401, event: refused(reason.NoToken)},
		{name: "answers that are not private, if asked", gate: "no cache control", token: token, status: 200, event: verified},

		{name: "shadow mode lets a request without a token through", gate: "shadow", status: 200, event: "shadow no_token"},
		{name: "shadow mode lets a bad token through", gate: "shadow", token: bad, status: 200, event: "shadow malformed"},
		{name: "shadow mode lets a token through that may not", gate: "shadow", token: lack, status: 200, event: "shadow insufficient_scope"},
		{name: "shadow mode lets a forgotten route through", gate: "shadow", tableOnly: true, request: "GET /forgotten", token: token, status: 200, event: "shadow denied"},
		{name: "shadow mode gives claims to a token that may", gate: "shadow", token: token, status: 200, event: verified},
	}
	for method, wants := range map[string]string{"GET": "get", "HEAD": "get", "POST": "post", "PUT": "put", "PATCH": "put", "DELETE": "delete"} {
		others := strings.Fields(strings.Replace("get post put delete", wants, "", 1))
		rows = append(rows,
			row{name: "the level for " + method, request: method + " /levels", token: level(wants), status: 200, event: verified},
			row{name: "all levels but that for " + method, request: method + " /levels", token: level(others...), status: 403, event: refused(noScope)})
	}
	return rows
}

func ownBody(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("WWW-Authenticate", "Basic") // has no effect
	w.WriteHeader(http.StatusOK)                // nor has this
	_, _ = w.Write([]byte(`{"refused":true}`))
}

// Every row, in every wiring, gets from Fiber what net/http sends, and it is the right answer.
func TestConformance(t *testing.T) {
	t.Parallel()
	iss, down, hanging := newIssuer(t), newIssuer(t), newIssuer(t)
	down.Fail(http.StatusInternalServerError)
	hanging.Hang()
	type site struct{ gate, wiring string }
	theirs, ours := map[site]string{}, map[site]string{}
	for name, gate := range map[string]*sallyport.Gate{
		"plain":            open(t, middleware.Config{}, iss),
		"down":             open(t, middleware.Config{}, down, hanging),
		"shadow":           open(t, middleware.Config{Shadow: true}, iss),
		"problem":          open(t, middleware.Config{ProblemJSON: true}, iss),
		"own body":         open(t, middleware.Config{ErrorBody: ownBody}, iss),
		"no cache control": open(t, middleware.Config{NoCacheControl: true}, iss),
	} {
		for _, wiring := range wirings {
			theirs[site{name, wiring}] = serveHTTP(t, gate, wiring)
			ours[site{name, wiring}] = serveFiber(t, fiberApp(t, gate, wiring))
		}
	}
	for _, r := range rows(iss, down, hanging) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, wiring := range wirings {
				if r.tableOnly && wiring != "table" {
					continue
				}
				at := site{cmp.Or(r.gate, "plain"), wiring}
				want, got := exchange(t, theirs[at], r.bytes()), exchange(t, ours[at], r.bytes())
				r.judge(t, want)
				isHEAD := strings.HasPrefix(r.request, "HEAD ")
				assert.Equal(t, sorted(want, isHEAD), sorted(got, isHEAD), "%s: not what net/http answers", wiring)
			}
		})
	}
}

// bytes is the request.
func (r row) bytes() string {
	lines := []string{cmp.Or(r.request, "GET /orders") + " HTTP/1.1", "Host: api.example", "Connection: close"}
	if r.token != "" {
		lines = append(lines, "Authorization: Bearer "+r.token)
	}
	return strings.Join(append(lines, r.header...), "\r\n") + "\r\n\r\n" + r.body
}

// judge looks at what net/http answered.
func (r row) judge(t *testing.T, raw string) {
	t.Helper()
	got, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), &http.Request{Method: http.MethodHead})
	require.NoError(t, err, "no answer: %q", raw)
	defer got.Body.Close()
	require.Equal(t, r.status, got.StatusCode, "%v", got.Header)
	assert.Equal(t, []string{r.event}, got.Header["X-Decision"])
	if r.status == 200 {
		assert.Equal(t, []string{"reached"}, got.Header["X-Handler"])
	} else {
		assert.Empty(t, got.Header["X-Handler"], "a refused request came to the handler")
	}
	if r.status == 401 || r.status == 403 || r.status == 400 {
		assert.Len(t, got.Header["Www-Authenticate"], 1)
	}
}

package adapters_test

import (
	"bufio"
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// row is one request and its answer. Its name begins with the number of the
// requirement that it tests, where it has one.
type row struct {
	name    string
	request string   // "GET /orders" if ""
	token   string   // sent as a bearer token, unless header has more
	header  []string // lines
	want    answered

	body      string // of the request
	gate      string // "" is "plain"
	tableOnly bool
}

// answered is a status with its challenge, and what the Guard reported.
type answered struct {
	status    int
	challenge string // without the realm, which every challenge has
	event     string
	body      string // "" is not compared
}

func accepted(body string) answered { return answered{200, "", "verified", body} }

func invalidToken(why reason.Code) answered {
	return answered{401, `, error="invalid_token"`, "refused " + string(why), "Unauthorized: the access token is not valid here\n"}
}

func noToken(why reason.Code) answered {
	return answered{401, "", "refused " + string(why), "Unauthorized: a bearer access token is required\n"}
}

func invalidRequest() answered {
	return answered{400, `, error="invalid_request"`, "refused invalid_request", "Bad Request: the credentials are malformed\n"}
}

func forbidden(why reason.Code, scope string) answered {
	if scope != "" {
		scope = `, scope="` + scope + `"`
	}
	return answered{403, `, error="insufficient_scope"` + scope, "refused " + string(why), "Forbidden: the access token does not allow this\n"}
}

func unavailable(why reason.Code) answered { return answered{503, "", "refused " + string(why), ""} }

func (a answered) with(body string) answered { a.body = body; return a }

// rows are the answers that the frameworks give alike, each once. What makes a
// token good is tested in verifier.
func (f *fixture) rows(down, hanging *jwkstest.Issuer) []row {
	const (
		form    = "Content-Type: application/x-www-form-urlencoded"
		noScope = reason.InsufficientScope
		problem = "Accept: application/problem+json"
		asked   = `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"a bearer access token is required"}` + "\n"
		invalid = `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"the access token is not valid here","error":"invalid_token"}` + "\n"
		lacking = `{"type":"about:blank","title":"Forbidden","status":403,"detail":"the access token does not allow this","error":"insufficient_scope","scope":"orders.read"}` + "\n"
		byOwn   = `{"refused":true}`
	)
	token, lack, bad := f.good(), f.issuer.Token(scope("orders.write")), f.good()+"x"
	level := func(names ...string) string { return f.issuer.Token(scope(names...)) }
	line := func(value string) []string { return []string{"Authorization: " + value} }
	inForm := "access_token=" + token
	acme, otherTenant := f.good(jwkstest.Claims{"tenant": "acme"}), forbidden(reason.Denied, "")
	rows := []row{
		{name: "1 the Authorization header works", token: token, want: accepted(hello)},
		{name: "1 for HEAD too", request: "HEAD /orders", token: token, want: accepted("")},
		{name: "2 the scheme may be written in any case", header: line("bEaReR " + token), want: accepted(hello)},
		{name: "3 several spaces behind the scheme", header: line("Bearer   " + token), want: accepted(hello)},
		{name: "3 white space around the value", header: line("\t Bearer " + token + " \t"), want: accepted(hello)},
		{name: "3 a comma between two tokens", header: line("Bearer " + token + "," + token), want: invalidRequest()},
		{name: "3 a space inside the token", header: line("Bearer " + token + " x"), want: invalidRequest()},
		{name: "3 a tab instead of the space", header: line("Bearer\t" + token), want: invalidRequest()},
		{name: "3 the scheme alone", header: line("Bearer"), want: invalidRequest()},
		{name: "3 nothing at all", header: line(""), want: invalidRequest()},
		{name: "3 a scheme that is none", header: line("B(earer " + token), want: invalidRequest()},
		{name: "4 two Authorization lines", header: append(line("Bearer "+token), line("Bearer "+token)...), want: invalidRequest()},
		{name: "4 two lines of two schemes, for HEAD", request: "HEAD /orders", header: append(line("Basic eDp5"), line("Bearer "+token)...), want: invalidRequest()},
		{name: "5 a token in a form body is not read", request: "POST /orders", body: inForm, header: []string{form, "Content-Length: " + strconv.Itoa(len(inForm))}, want: noToken(reason.NoToken)},
		{name: "6 a token in the query is not read", request: "GET /orders?access_token=" + token, want: noToken(reason.NoToken)},
		{name: "6 a token in a cookie is not read", header: []string{"Cookie: access_token=" + token}, want: noToken(reason.NoToken)},
		{name: "11 no credentials", want: noToken(reason.NoToken)},
		{name: "11 no credentials, for HEAD", request: "HEAD /orders", want: noToken(reason.NoToken)},
		{name: "11 another scheme", header: line("Basic eDp5"), want: noToken(reason.UnsupportedScheme)},
		{name: "11 a scheme that begins like Bearer", header: line("BearerX " + token), want: noToken(reason.UnsupportedScheme)},
		{name: "12 a bad token", token: bad, want: invalidToken(reason.Malformed)},
		{name: "12 a bad token, for HEAD", request: "HEAD /orders", token: bad, want: invalidToken(reason.Malformed)},
		{name: "12 a token without the scope", token: lack, want: forbidden(noScope, "orders.read")},
		{name: "12 and for HEAD", request: "HEAD /orders", token: lack, want: forbidden(noScope, "orders.read")},
		{name: "12 all that is required is named, held or not", request: "POST /orders", token: token, want: forbidden(noScope, "orders.read orders.write")},
		{name: "45 a role lets through", request: "DELETE /orders/7", token: f.issuer.Token(jwkstest.Claims{"roles": []string{"Orders.Owner"}}), want: accepted(hello)},
		{name: "46 a missing role names no scope", request: "DELETE /orders/7", token: token, want: forbidden(reason.InsufficientRole, "")},
		{name: "49 a user calls what is for apps", request: "GET /apps", token: f.good(jwkstest.Claims{"idtyp": "user"}), want: forbidden(reason.WrongCaller, "")},
		{name: "a tenant's own", request: "GET /tenants/acme/orders", token: acme, want: accepted(hello)},
		{name: "a tenant's own, further down", request: "GET /tenants/acme/orders/7", token: acme, want: accepted(hello)},
		{name: "another tenant's", request: "GET /tenants/globex/orders", token: acme, want: otherTenant},
		{name: "another tenant's, with its own as the id", request: "GET /tenants/globex/orders/acme", token: acme, want: otherTenant},
		{name: "another tenant's, with its own in the query", request: "GET /tenants/globex/orders?tenant=acme", token: acme, want: otherTenant},
		{name: "a tenant in another case", request: "GET /tenants/Acme/orders", token: acme, want: otherTenant},
		{name: "a tenant with a longer name", request: "GET /tenants/acme2/orders", token: acme, want: otherTenant},
		{name: "a route without a tenant", request: "GET /tenantless", token: acme, want: otherTenant},
		{name: "a token without a tenant", request: "GET /tenants/acme/orders", token: token, want: otherTenant},
		{name: "a token with an empty tenant", request: "GET /tenantless", token: f.good(jwkstest.Claims{"tenant": ""}), want: otherTenant},
		{name: "a tenant without the scope", request: "GET /tenants/acme/orders", token: f.issuer.Token(jwkstest.Claims{"tenant": "acme"}), want: forbidden(noScope, "orders.read")},
		{name: "any token will do", request: "GET /whoami", token: f.issuer.Token(), want: accepted(hello)},
		{name: "but none will not", request: "GET /whoami", want: noToken(reason.NoToken)},
		{name: "two doors, one verification", request: "GET /twice", token: token, want: accepted(hello)},
		{name: "optional and there", request: "GET /home", token: token, want: accepted(hello)},
		{name: "optional and bad", request: "GET /home", token: bad, want: invalidToken(reason.Malformed)},
		{name: "optional and malformed", request: "GET /home", header: line("Bearer"), want: invalidRequest()},
		{name: "optional and not there", request: "GET /home", want: answered{200, "", "anonymous", anonymous}},
		{name: "no level for OPTIONS", request: "OPTIONS /levels", token: level("get", "post", "put", "delete"), want: forbidden(reason.Denied, "")},
		{name: "a level of another resource", request: "GET /levels", token: level("api://invoices/get"), want: forbidden(noScope, "get")},
		{name: "a table denies a forgotten route", tableOnly: true, request: "GET /forgotten", token: token, want: forbidden(reason.Denied, "")},
		{name: "a table denies what is no route", tableOnly: true, request: "GET /nowhere", token: token, want: forbidden(reason.Denied, "")},
		{name: "and wants a token first, route or not", tableOnly: true, request: "GET /nowhere", want: noToken(reason.NoToken)},
		{name: "a table denies a method without an entry", tableOnly: true, request: "PATCH /orders", token: token, want: forbidden(reason.Denied, "")},
		{name: "a table denies an unknown method", tableOnly: true, request: "BREW /orders", token: token, want: forbidden(reason.Denied, "")},
		{name: "a table denies an unclean path", tableOnly: true, request: "GET //orders", token: token, want: forbidden(reason.Denied, "")},

		{name: "the keys cannot be had", gate: "down", token: down.Token(), want: unavailable(reason.KeysUnavailable)},
		{name: "the keys cannot be had, for HEAD", gate: "down", request: "HEAD /orders", token: down.Token(), want: unavailable(reason.KeysUnavailable)},
		{name: "the keys cannot be had, with problem details", gate: "down", token: down.Token(), header: []string{problem}, want: unavailable(reason.KeysUnavailable)},
		{name: "the keys are not needed for a token of another issuer", gate: "down", token: token, want: invalidToken(reason.UnknownIssuer)},
		{name: "the caller is gone while the keys are awaited", gate: "down", token: hanging.Token(), header: []string{"X-Gone: 1"}, want: unavailable(reason.Canceled)},
		{name: "it cannot be known whether a token was revoked", token: f.good(jwkstest.Claims{"sub": "unknowable"}), want: unavailable(reason.RevocationUnavailable)},
		{name: "a token that was revoked", token: f.good(jwkstest.Claims{"sub": "revoked"}), want: invalidToken(reason.Revoked)},

		{name: "a 401 as problem details, if asked", header: []string{problem}, want: noToken(reason.NoToken).with(asked)},
		{name: "a 401 for a bad token as problem details", token: bad, header: []string{problem}, want: invalidToken(reason.Malformed).with(invalid)},
		{name: "a 403 as problem details always", gate: "problem", token: lack, want: forbidden(noScope, "orders.read").with(lacking)},
		{name: "problem details for HEAD", gate: "problem", request: "HEAD /orders", token: lack, want: forbidden(noScope, "orders.read")},
		{name: "a body of the user's own", gate: "own body", want: noToken(reason.NoToken).with(byOwn)},
		{name: "a body of the user's own for a 400", gate: "own body", header: line("Bearer"), want: invalidRequest().with(byOwn)},
		{name: "a body of the user's own for HEAD", gate: "own body", request: "HEAD /orders", want: noToken(reason.NoToken)},

		{name: "shadow mode lets a request without a token through", gate: "shadow", want: answered{200, "", "shadow no_token", anonymous}},
		{name: "shadow mode lets a bad token through", gate: "shadow", token: bad, want: answered{200, "", "shadow malformed", anonymous}},
		{name: "shadow mode lets a token through that may not", gate: "shadow", token: lack, want: answered{200, "", "shadow insufficient_scope", anonymous}},
		{name: "shadow mode lets a forgotten route through", gate: "shadow", tableOnly: true, request: "GET /forgotten", token: token, want: answered{200, "", "shadow denied", anonymous}},
		{name: "shadow mode gives claims to a token that may", gate: "shadow", token: token, want: accepted(hello)},
	}
	for method, wants := range map[string]string{"GET": "get", "HEAD": "get", "POST": "post", "PUT": "put", "PATCH": "put", "DELETE": "delete"} {
		others := strings.Fields(strings.Replace("get post put delete", wants, "", 1))
		rows = append(rows,
			row{name: "the level for " + method, request: method + " /levels", token: level(wants), want: accepted(hello)},
			row{name: "all levels but that for " + method, request: method + " /levels", token: level(others...), want: forbidden(noScope, wants)})
	}
	// A token cannot end the challenge, or the header, from inside.
	for i, text := range []string{`x", error="none`, "x\r\nX-Injected: 1", `x\`, "x\u2028y", "x\x00y"} {
		rows = append(rows,
			row{name: fmt.Sprint("10 in kid ", i), token: f.good(jwkstest.Header{"kid": text}), want: invalidToken(reason.UnknownKey)},
			row{name: fmt.Sprint("10 in scope ", i), token: f.issuer.Token(scope(text)), want: forbidden(noScope, "orders.read")},
			row{name: fmt.Sprint("10 in iss ", i), token: f.good(jwkstest.Claims{"iss": text}), want: invalidToken(reason.UnknownIssuer)},
			row{name: fmt.Sprint("10 in typ ", i), token: f.good(jwkstest.Header{"typ": text}), want: invalidToken(reason.UnsupportedType)})
	}
	return rows
}

func ownBody(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("WWW-Authenticate", "Basic") // has no effect
	w.WriteHeader(http.StatusOK)                // nor has this
	_, _ = w.Write([]byte(`{"refused":true}`))
}

// Every row, in every wiring, gets the same bytes from every framework, and they are the right ones.
func TestConformance(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	down, hanging := newIssuer(t), newIssuer(t)
	down.Fail(http.StatusInternalServerError)
	hanging.Hang()
	f.serve(t, "plain", middleware.Config{}, f.issuer)
	f.serve(t, "down", middleware.Config{}, down, hanging)
	f.serve(t, "shadow", middleware.Config{Shadow: true}, f.issuer)
	f.serve(t, "problem", middleware.Config{ProblemJSON: true}, f.issuer)
	f.serve(t, "own body", middleware.Config{ErrorBody: ownBody}, f.issuer)

	t.Cleanup(func() {
		assert.Zero(t, f.issuer.Strays()+down.Strays()+hanging.Strays(), "row 29: something else than keys and discovery was fetched")
	})
	for _, r := range f.rows(down, hanging) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			f.check(t, r, "table")
			if !r.tableOnly {
				f.check(t, r, "routes")
			}
		})
	}
}

// check sends a row to each framework.
func (f *fixture) check(t *testing.T, r row, wiring string) {
	t.Helper()
	r.gate, r.request = cmp.Or(r.gate, "plain"), cmp.Or(r.request, "GET /orders")
	first := ""
	for _, fw := range frameworks {
		got := exchange(t, f.servers[site{r.gate, wiring, fw.name}], r.bytes())
		if first == "" {
			first = got
			r.judge(t, got)
		}
		assert.Equal(t, first, got, "%s, %s, %s: not what net/http answers", r.name, wiring, fw.name)
	}
}

// bytes is the request.
func (r row) bytes() string {
	lines := []string{r.request + " HTTP/1.1", "Host: api.example", "Connection: close"}
	if r.token != "" {
		lines = append(lines, "Authorization: Bearer "+r.token)
	}
	return strings.Join(append(lines, r.header...), "\r\n") + "\r\n\r\n" + r.body
}

// secrets are the parts of a token that no answer may show.
func secrets(token string) (parts []string) {
	for _, part := range strings.Split(token, ".") {
		if len(part) > 30 {
			parts = append(parts, part)
		}
	}
	return parts
}

// judge compares the answer with the row, and with what RFC 6750 section 3 asks
// of every answer: https://www.rfc-editor.org/rfc/rfc6750#section-3
func (r row) judge(t *testing.T, raw string) {
	t.Helper()
	got, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), &http.Request{Method: http.MethodHead})
	require.NoError(t, err, "no answer: %q", raw)
	defer got.Body.Close()
	require.Equal(t, r.want.status, got.StatusCode, "%s: %v", r.name, got.Header)
	assert.Equal(t, []string{r.want.event}, got.Header["X-Decision"], r.name)
	_, body, _ := strings.Cut(raw, "\r\n\r\n")
	if strings.HasPrefix(r.request, "HEAD ") {
		assert.Empty(t, body)
	} else if r.want.body != "" {
		assert.Equal(t, r.want.body, body)
	}
	for _, part := range secrets(r.token) {
		assert.NotContains(t, raw, part, "row 14: the token is in the answer")
	}
	if r.want.status == 200 {
		assert.Empty(t, got.Header["Www-Authenticate"])
		assert.Equal(t, []string{"reached"}, got.Header["X-Handler"])
		return
	}
	assert.Empty(t, got.Header["X-Handler"], "a refused request came to the handler")
	assert.NotContains(t, body, "hello")
	assert.Equal(t, []string{"no-store"}, got.Header["Cache-Control"])
	if r.want.status == 503 {
		assert.Empty(t, got.Header["Www-Authenticate"], "it is not known whether the token is bad")
		assert.NotEmpty(t, got.Header["Retry-After"])
		return
	}
	// Rows 7 to 10 and 13: one challenge, whose parameters are these and quoted.
	assert.Equal(t, []string{`Bearer realm="orders"` + r.want.challenge}, got.Header["Www-Authenticate"])
}

// TestEveryForgeryIsRefusedInEveryFramework sends all that can be forged of a
// token over sockets: the same bytes come back from every framework, for the
// reason that the forgery was made for.
func TestEveryForgeryIsRefusedInEveryFramework(t *testing.T) {
	t.Parallel()
	for alg, wiring := range map[string]string{"RS256": "routes", "PS256": "table", "ES256": "table", "EdDSA": "routes"} {
		t.Run("44 any failure of the token is invalid_token: "+alg, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, jwkstest.WithAlgorithm(alg))
			forgeries := f.issuer.Forgeries(scope("orders.read")) // before keys are fetched: some publish one
			f.serve(t, "plain", middleware.Config{}, f.issuer)
			f.check(t, row{name: "the token that they forge", token: f.good(), want: accepted(hello)}, wiring)

			unsent := 0
			for name, forgery := range forgeries {
				r := row{name: name, token: forgery.Token, want: invalidToken(forgery.Reason)}
				if strings.ContainsAny(r.token, " ,\t\r\n\x00\x7f") {
					// No b64token goes on behind these.
					// RFC 6750 section 2.1: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
					r.want = invalidRequest()
				}
				if strings.ContainsAny(r.token, "\r\n\x00\x7f") || r.token != strings.Trim(r.token, " \t") {
					unsent++ // net/http would refuse it, cut it at the line's end, or trim it
				} else {
					f.check(t, r, wiring)
				}
				f.checkHandlers(t, r, wiring)
			}
			assert.Less(t, unsent, 20, "nearly all of them can be sent")
			f.check(t, row{name: "and good ones still pass", token: f.good(), want: accepted(hello)}, wiring)
			assert.Zero(t, f.issuer.Strays(), "an address in a forgery was fetched")
		})
	}
}

// checkHandlers hands the header to the handlers themselves, as a server would
// that lets through more than net/http's.
func (f *fixture) checkHandlers(t *testing.T, r row, wiring string) {
	t.Helper()
	first := ""
	for _, fw := range frameworks {
		req := httptest.NewRequest(http.MethodGet, "/orders", http.NoBody)
		req.Header["Authorization"] = []string{"Bearer " + r.token}
		w := httptest.NewRecorder()
		f.handlers[site{"plain", wiring, fw.name}].ServeHTTP(w, req)
		require.Equal(t, r.want.status, w.Code, "%s: %s", fw.name, r.name)
		assert.Equal(t, []string{r.want.event}, w.Header()["X-Decision"], "%s: %s", fw.name, r.name)
		answer := fmt.Sprint(w.Code, w.Header(), w.Body)
		first = cmp.Or(first, answer)
		assert.Equal(t, first, answer, "%s: %s: not what net/http answers", fw.name, r.name)
	}
}

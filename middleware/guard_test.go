package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestNewReportsAllMistakesTogether(t *testing.T) {
	t.Parallel()
	_, err := middleware.New(middleware.Config{
		Realm:         "caf\u00e9",
		Exempt:        []string{"GET /healthz", "GET /healthz", "no-slash", ""},
		Bindings:      []middleware.Binding{nil, &binding{}, &binding{members: []string{"jkt"}}, &binding{members: []string{"jkt"}}, &binding{members: []string{""}}},
		MeterProvider: &meterProvider{err: errors.New("no more instruments")},
	})
	require.Error(t, err)
	for _, text := range []string{
		"middleware: Config.Verifier is missing",
		"middleware: Config.Realm",
		`middleware: Config.Exempt: pattern "GET /healthz": `,
		`middleware: Config.Exempt: pattern "no-slash": `,
		`middleware: Config.Exempt: pattern "": `,
		"middleware: Config.Bindings[0] is nil",
		"middleware: Config.Bindings[1] confirms no member of cnf",
		`middleware: Config.Bindings[3] confirms "jkt", which another one confirms already`,
		"middleware: Config.Bindings[4] confirms a member of cnf without a name",
		"middleware: Config.MeterProvider refused the counter sallyport.requests: no more instruments",
	} {
		assert.ErrorContains(t, err, text)
	}
	assert.NotContains(t, err.Error(), "registered at", "no path of the machine that it was built on")
}

func TestNewSeesThroughANilPointer(t *testing.T) {
	t.Parallel()
	var none *tokens
	_, err := middleware.New(middleware.Config{Verifier: none})
	assert.ErrorContains(t, err, "middleware: Config.Verifier is missing")
}

func TestVerifierThatIsNoPointer(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Verifier: verifierFunc(func(context.Context, string) (*claims.Claims, error) {
		return nil, reason.Expired
	})})
	assert.Equal(t, 401, serve(g.Authenticate(g.Authenticate(handler)), withToken(reader)).Code)
}

type verifierFunc func(context.Context, string) (*claims.Claims, error)

func (f verifierFunc) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	return f(ctx, token)
}

func TestAGuardThatNewDidNotMakeRefuses(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]*middleware.Guard{"the zero Guard": {}, "a nil Guard": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, h := range []http.Handler{
				g.Authenticate(handler), g.Optional(handler), g.Require(allReads())(handler),
				g.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}})(handler),
			} {
				w := serve(h, withToken(reader))
				assert.Equal(t, 503, w.Code)
				assert.Equal(t, "1", w.Header().Get("Retry-After"))
			}
			_, _, err := g.Check(withToken(reader), claims.AnyToken())
			require.ErrorIs(t, err, reason.KeysUnavailable)
			_, err = g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": claims.AnyToken()}})
			require.ErrorContains(t, err, "middleware: Enforce: this Guard was not made by New")
		})
	}
}

func TestDoors(t *testing.T) {
	t.Parallel()
	const insufficient = `Bearer realm="api", error="insufficient_scope"`
	levels := claims.AccessLevels{Resources: []string{"api://orders"}}
	authenticate := func(g *middleware.Guard) http.Handler { return g.Authenticate(handler) }
	optional := func(g *middleware.Guard) http.Handler { return g.Optional(handler) }
	requires := func(rule claims.Rule) func(*middleware.Guard) http.Handler {
		return func(g *middleware.Guard) http.Handler { return g.Require(rule)(handler) }
	}
	access := func(g *middleware.Guard) http.Handler { return g.RequireAccess(levels)(handler) }
	method := func(m string, r *http.Request) *http.Request { r.Method = m; return r }

	for _, row := range []struct {
		name      string
		door      func(*middleware.Guard) http.Handler
		request   *http.Request
		status    int
		outcome   string
		challenge string
		body      string
	}{
		{"Authenticate lets a good token in, with its claims", authenticate, withToken(reader), 200, "verified", "", "r"},
		{"Authenticate refuses a request without a token", authenticate, request(), 401, "refused no_token", `Bearer realm="api"`, ""},
		{"Optional lets a request without credentials pass, without claims", optional, request(), 200, "anonymous", "", "-"},
		{"Optional lets a good token in, with its claims", optional, withToken(reader), 200, "verified", "", "r"},
		{"Optional refuses a bad token", optional, withToken("bad"), 401, "refused bad_signature", `Bearer realm="api", error="invalid_token"`, ""},
		{"Optional refuses another scheme", optional, request("Basic Zm9v"), 401, "refused unsupported_scheme", `Bearer realm="api"`, ""},
		{"Optional refuses a malformed header", optional, request("Bearer"), 400, "refused invalid_request", `Bearer realm="api", error="invalid_request"`, ""},
		{"45 46 Require lets in what the rule allows", requires(allReads()), withToken(reader), 200, "verified", "", "r"},
		{"12 49 Require names every scope that the rule requires", requires(allWrites()), withToken(reader), 403, "refused insufficient_scope", insufficient + `, scope="orders.read orders.write"`, ""},
		{"a missing role is a 403 without a scope", requires(claims.AnyRole("Admin")), withToken(reader), 403, "refused insufficient_role", insufficient, ""},
		{"a client that a rule does not name is a 403", requires(claims.ClientIn("other-app")), withToken(reader), 403, "refused wrong_client", insufficient, ""},
		{"an own rule is a 403", requires(claims.Func("office hours", func(*claims.Claims) bool { return false })), withToken(reader), 403, "refused denied", insufficient, ""},
		{"the zero Rule denies", requires(claims.Rule{}), withToken(reader), 403, "refused denied", insufficient, ""},
		{"the zero Rule asks for a token first", requires(claims.Rule{}), request(), 401, "refused no_token", `Bearer realm="api"`, ""},
		{"97 a bad token is a 401 before any rule", requires(allReads()), withToken("bad"), 401, "refused bad_signature", `Bearer realm="api", error="invalid_token"`, ""},
		{"RequireAccess lets GET in by the level get", access, withToken(reader), 200, "verified", "", "r"},
		{"RequireAccess lets HEAD in by the level get", access, method("HEAD", withToken(reader)), 200, "verified", "", "r"},
		{"12 RequireAccess names the level that the method wants", access, method("DELETE", withToken(reader)), 403, "refused insufficient_scope", insufficient + `, scope="delete"`, ""},
		{"RequireAccess refuses a method without a level", access, method("PROPFIND", withToken(reader)), 403, "refused denied", insufficient, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			w := serve(row.door(newGuard(t, middleware.Config{OnEvent: seen.add})), row.request)
			assert.Equal(t, row.status, w.Code)
			assert.Equal(t, []string{row.outcome}, seen.lines())
			assert.Equal(t, row.challenge, w.Header().Get("WWW-Authenticate"))
			if row.status == 200 {
				assert.Equal(t, row.body, w.Body.String())
				return
			}
			assert.Equal(t, []string{"no-store"}, w.Header()["Cache-Control"])
			assert.NotContains(t, w.Header(), "Vary")
		})
	}
}

// expected is every reason and what a caller sees of it.
var expected = map[reason.Code]struct {
	status int
	code   string
}{
	reason.NoToken: {401, ""}, reason.UnsupportedScheme: {401, ""}, reason.InvalidRequest: {400, "invalid_request"},
	reason.Malformed: {401, "invalid_token"}, reason.TooLarge: {401, "invalid_token"},
	reason.UnsupportedAlg: {401, "invalid_token"}, reason.UnsupportedType: {401, "invalid_token"},
	reason.CriticalHeader: {401, "invalid_token"}, reason.UnknownIssuer: {401, "invalid_token"},
	reason.UnknownTenant: {401, "invalid_token"}, reason.UnknownKey: {401, "invalid_token"},
	reason.BadSignature: {401, "invalid_token"}, reason.MalformedClaims: {401, "invalid_token"},
	reason.MissingClaim: {401, "invalid_token"}, reason.Expired: {401, "invalid_token"},
	reason.NotYetValid: {401, "invalid_token"}, reason.IssuedInFuture: {401, "invalid_token"},
	reason.TooOld: {401, "invalid_token"}, reason.WrongAudience: {401, "invalid_token"},
	reason.WrongClient: {401, "invalid_token"}, reason.UnsupportedBinding: {401, "invalid_token"},
	reason.Revoked:         {401, "invalid_token"},
	reason.KeysUnavailable: {503, ""}, reason.RevocationUnavailable: {503, ""}, reason.Canceled: {503, ""},
	reason.InsufficientScope: {403, "insufficient_scope"}, reason.InsufficientRole: {403, "insufficient_scope"},
	reason.WrongCaller: {403, "insufficient_scope"}, reason.Denied: {403, "insufficient_scope"},
	"a_code_of_tomorrow": {401, "invalid_token"},
}

func TestEveryReasonOfAVerifierHasItsAnswer(t *testing.T) {
	t.Parallel()
	for _, code := range declaredReasons(t) {
		require.Contains(t, expected, code, "reason.go has a code that this table does not know")
	}
	require.Len(t, declaredReasons(t), len(expected)-1)
	for code, want := range expected {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			meter := &meterProvider{}
			v := newTokens(t)
			v.errs["refused"] = &verifier.Error{Reason: code}
			v.errs["wrapped"] = fmt.Errorf("own verifier: %w", code)
			g := newGuard(t, middleware.Config{Verifier: v, MeterProvider: meter})
			answers := []*httptest.ResponseRecorder{
				serve(g.Authenticate(handler), withToken("refused")),
				serve(g.Authenticate(handler), withToken("wrapped")),
				serve(deny(g, code), request()),
				serve(deny(g, v.errs["refused"]), request()),
			}
			for _, w := range answers {
				assert.Equal(t, want.status, w.Code)
				switch {
				case want.status == 503:
					assert.NotContains(t, w.Header(), "Www-Authenticate")
					assert.Equal(t, []string{"1"}, w.Header()["Retry-After"])
				case want.code == "":
					assert.Equal(t, []string{`Bearer realm="api"`}, w.Header()["Www-Authenticate"])
				default:
					assert.Equal(t, []string{`Bearer realm="api", error="` + want.code + `"`}, w.Header()["Www-Authenticate"])
				}
				assert.Equal(t, []string{"no-store"}, w.Header()["Cache-Control"])
				assert.NotContains(t, w.Body.String(), string(code)+" ", "the reason stays inside")
			}
			counted := code
			if code == "a_code_of_tomorrow" {
				counted = "other"
			}
			assert.Equal(t, map[string]int64{"outcome=refused reason=" + string(counted): 2}, meter.counts())
		})
	}
}

func deny(g *middleware.Guard, err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Deny(w, r, err) })
}

// declaredReasons reads the codes from the source, so that a new one cannot be forgotten here.
func declaredReasons(t *testing.T) []reason.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../reason/reason.go", nil, 0)
	require.NoError(t, err)
	var codes []reason.Code
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for _, v := range spec.Values {
				text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				assert.NoError(t, err)
				codes = append(codes, reason.Code(text))
			}
		}
		return true
	})
	require.NotEmpty(t, codes)
	return codes
}

func TestTroubleOnThisSideIsNever401(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, row := range []struct {
		name   string
		ctx    context.Context
		err    error
		reason reason.Code
		retry  string
	}{
		{"keys that cannot be had, with the verifier's own delay rounded up", context.Background(), &verifier.Error{Reason: reason.KeysUnavailable, RetryAfter: 1500 * time.Millisecond}, reason.KeysUnavailable, "2"},
		{"a delay of whole seconds stays", context.Background(), &verifier.Error{Reason: reason.KeysUnavailable, RetryAfter: 30 * time.Second}, reason.KeysUnavailable, "30"},
		{"a delay of nothing is a second", context.Background(), &verifier.Error{Reason: reason.RevocationUnavailable}, reason.RevocationUnavailable, "1"},
		{"a caller that went away", canceled, &verifier.Error{Reason: reason.Canceled, Err: context.Canceled}, reason.Canceled, "1"},
		{"a caller that went away while a verifier of one's own ran", canceled, context.Canceled, reason.Canceled, "1"},
		{"an error that says nothing of the token", context.Background(), errors.New("database is down"), reason.KeysUnavailable, "1"},
		{"an error without a reason", context.Background(), &verifier.Error{}, reason.KeysUnavailable, "1"},
		{"a verifier that says nothing at all", context.Background(), nil, reason.KeysUnavailable, "1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Verifier: verifierFunc(func(context.Context, string) (*claims.Claims, error) {
				return nil, row.err
			})})
			_, c, err := g.Check(withToken(reader).WithContext(row.ctx), claims.AnyToken())
			require.ErrorIs(t, err, row.reason)
			assert.Nil(t, c)
			if row.err != nil {
				require.ErrorIs(t, err, row.err)
			}
			var e *middleware.Error
			require.ErrorAs(t, err, &e)
			assert.GreaterOrEqual(t, e.RetryAfter, time.Second)
			w := serve(g.Authenticate(handler), withToken(reader).WithContext(row.ctx))
			assert.Equal(t, 503, w.Code)
			assert.Equal(t, []string{row.retry}, w.Header()["Retry-After"])
			assert.NotContains(t, w.Header(), "Www-Authenticate")
		})
	}
}

func TestANilPointerThatComesAsAnErrorIsNoVerdict(t *testing.T) {
	t.Parallel()
	var none *verifier.Error
	g := newGuard(t, middleware.Config{Verifier: verifierFunc(func(context.Context, string) (*claims.Claims, error) {
		return parse(t, `{"sub":"nobody"}`), none
	})})
	_, c, err := g.Check(withToken(reader), claims.AnyToken())
	require.ErrorIs(t, err, reason.KeysUnavailable)
	assert.Nil(t, c)
}

func TestFaultyRulesAreFoundAtConstruction(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	assert.PanicsWithError(t, "middleware: Require: "+claims.AllScopes().Err().Error(), func() { g.Require(claims.AllScopes()) })
	_, err := claims.AccessLevels{}.Compile()
	require.Error(t, err)
	assert.PanicsWithError(t, "middleware: RequireAccess: "+err.Error(), func() { g.RequireAccess(claims.AccessLevels{}) })
	_, _, err = g.Check(withToken(reader), claims.AllScopes())
	assert.ErrorIs(t, err, reason.Denied, "a faulty rule that comes at run time denies")
}

func TestCheckWritesWhatDenySays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		request func() *http.Request
		rule    claims.Rule
	}{
		{"no token", func() *http.Request { return request() }, allReads()},
		{"a bad token", func() *http.Request { return withToken("bad") }, allReads()},
		{"a malformed header", func() *http.Request { return request("Bearer") }, allReads()},
		{"a missing scope", func() *http.Request { return withToken(reader) }, allWrites()},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{})
			want := serve(g.Require(row.rule)(handler), row.request())
			original := row.request()
			r, c, err := g.Check(original, row.rule)
			require.Error(t, err)
			assert.Nil(t, c)
			assert.Same(t, original, r, "the request comes back, so that Deny can be given it")
			got := httptest.NewRecorder()
			g.Deny(got, r, fmt.Errorf("adapter: %w", err))
			assert.Equal(t, want.Code, got.Code)
			assert.Equal(t, want.Header(), got.Header())
			assert.Equal(t, want.Body.String(), got.Body.String())
		})
	}
}

func TestCheckHandsOutClaimsAndStamp(t *testing.T) {
	t.Parallel()
	v := newTokens(t)
	g := newGuard(t, middleware.Config{Verifier: v})
	r, c, err := g.Check(withToken(reader), claims.AnyToken())
	require.NoError(t, err)
	assert.Same(t, v.claims[reader], c)
	w := serve(g.Require(allReads())(handler), r)
	assert.Equal(t, "r", w.Body.String())
	assert.EqualValues(t, 1, v.calls.Load())
}

func TestDenyOfAnyOtherError(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		err    error
		status int
	}{
		{"an error of one's own is a 403", errors.New("not your order: secret"), 403},
		{"nil is a 403", nil, 403},
		{"a nil *Error is a 403", (*middleware.Error)(nil), 403},
		{"a deadline is a 503", fmt.Errorf("own check: %w", context.DeadlineExceeded), 503},
		{"a cancellation is a 503", context.Canceled, 503},
		{"a status that is no refusal becomes the reason's", &middleware.Error{Status: 200, Reason: reason.Denied}, 403},
		{"a redirect becomes the reason's status", &middleware.Error{Status: 302, Reason: reason.NoToken}, 401},
		{"an empty Error is a 401", &middleware.Error{}, 401},
		{"another status of the right kind stays", &middleware.Error{Status: 429, RetryAfter: time.Minute}, 429},
		{"a 500 stays", &middleware.Error{Status: 500}, 500},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := serve(deny(newGuard(t, middleware.Config{}), row.err), request())
			assert.Equal(t, row.status, w.Code)
			assert.NotContains(t, w.Body.String(), "secret")
			if row.status == 429 {
				assert.Equal(t, "60", w.Header().Get("Retry-After"))
				assert.Equal(t, "Too Many Requests\n", w.Body.String())
			}
			if row.status == 500 {
				assert.NotContains(t, w.Header(), "Retry-After")
			}
		})
	}
}

func TestDenyWithoutARequest(t *testing.T) {
	t.Parallel()
	called := false
	g := newGuard(t, middleware.Config{ErrorBody: func(http.ResponseWriter, *http.Request, *middleware.Error) { called = true }})
	w := httptest.NewRecorder()
	g.Deny(w, nil, reason.NoToken)
	assert.Equal(t, 401, w.Code)
	assert.NotEmpty(t, w.Body.String())
	assert.False(t, called)
}

func TestError(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	_, _, err := g.Check(withToken(reader), allWrites())
	require.EqualError(t, err, "middleware: 403 insufficient_scope, missing "+missing(t, err))
	_, _, err = g.Check(withToken("bad"), claims.AnyToken())
	require.EqualError(t, err, `middleware: 401 bad_signature: verifier: bad_signature, issuer "https://issuer.example", kid "k1"`)
	_, _, err = g.Check(request(), claims.AnyToken())
	require.EqualError(t, err, "middleware: 401 no_token")
	var ve *verifier.Error
	_, _, err = g.Check(withToken("bad"), claims.AnyToken())
	require.ErrorAs(t, err, &ve)
	assert.NotErrorIs(t, err, reason.Expired)
}

func missing(t *testing.T, err error) string {
	t.Helper()
	var e *middleware.Error
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, e.Missing)
	out := e.Missing[0]
	for _, name := range e.Missing[1:] {
		out += " " + name
	}
	return out
}

// What one caller does to its Error must not show in the next one's.
func TestErrorsAreNotShared(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	rule := allWrites()
	for range 2 {
		_, _, err := g.Check(withToken(reader), rule)
		var e *middleware.Error
		require.ErrorAs(t, err, &e)
		assert.NotContains(t, e.Missing, "changed")
		assert.Equal(t, "api", e.Challenges[0].Params[0][1])
		e.Missing[0], e.Challenges[0].Params[0][1], e.Status = "changed", "changed", 400
	}
	h := g.Require(rule)(handler)
	for range 2 {
		w := serve(h, withToken(reader))
		for name, values := range w.Header() {
			assert.NotContains(t, values, "changed", name)
			values[0] = "changed"
		}
	}
}

func TestTheResponseWriterIsNotWrapped(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{ErrorBody: func(http.ResponseWriter, *http.Request, *middleware.Error) {}})
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": claims.AnyToken()}})
	require.NoError(t, err)
	for name, door := range map[string]func(http.Handler) http.Handler{
		"Authenticate": g.Authenticate, "Optional": g.Optional, "Require": g.Require(allReads()), "Enforce": enforce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := httptest.NewRecorder()
			door(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				assert.Same(t, in, w)
			})).ServeHTTP(in, withToken(reader))
		})
	}
}

func TestFlushAndHijackWork(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	server := httptest.NewServer(g.Require(allReads())(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		assert.NoError(t, http.NewResponseController(w).Flush())
		conn, rw, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_, _ = rw.WriteString("hijacked")
			assert.NoError(t, rw.Flush())
			assert.NoError(t, conn.Close())
		}
	})))
	t.Cleanup(server.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer %s\r\n\r\n", reader)
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	_ = res.Body.Close()
	assert.Equal(t, 200, res.StatusCode)
}

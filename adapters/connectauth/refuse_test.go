package connectauth_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// refusal is a call that is refused, by the same Guard in every protocol and in net/http.
type refusal struct {
	name          string
	down          bool // the keys cannot be had
	procedure     string
	authorization []string
	status        int
	code          connect.Code
	message       string
	reason        string
}

func refusals(iss, down *jwkstest.Issuer) []refusal {
	const (
		malformed = "the credentials are malformed"
		asked     = "a bearer access token is required"
		invalid   = "the access token is not valid here"
		lacking   = "the access token does not allow this"
		later     = "access tokens cannot be checked at the moment, try again later"
	)
	bearer := func(options ...jwkstest.TokenOption) []string { return []string{"Bearer " + iss.Token(options...)} }
	good := bearer(scope("orders.read"))[0]
	return []refusal{
		{"no token", false, listProcedure, nil, 401, connect.CodeUnauthenticated, asked, "NO_TOKEN"},
		{"another scheme", false, listProcedure, []string{"Basic dTpw"}, 401, connect.CodeUnauthenticated, asked, "UNSUPPORTED_SCHEME"},
		{"a scheme alone", false, listProcedure, []string{"Bearer"}, 400, connect.CodeInvalidArgument, malformed, "INVALID_REQUEST"},
		{"two lines", false, listProcedure, []string{good, good}, 400, connect.CodeInvalidArgument, malformed, "INVALID_REQUEST"},
		{"two lines of two schemes", false, listProcedure, []string{"Basic dTpw", good}, 400, connect.CodeInvalidArgument, malformed, "INVALID_REQUEST"},
		{"two tokens in a line", false, listProcedure, []string{good + ", " + good}, 400, connect.CodeInvalidArgument, malformed, "INVALID_REQUEST"},
		{"no token at all", false, listProcedure, []string{"Bearer x"}, 401, connect.CodeUnauthenticated, invalid, "MALFORMED"},
		{"another audience", false, listProcedure, bearer(scope("orders.read"), jwkstest.WithAudience("api://other")), 401, connect.CodeUnauthenticated, invalid, "WRONG_AUDIENCE"},
		{"a revoked token", false, listProcedure, bearer(scope("orders.read"), jwkstest.Claims{"sub": "revoked"}), 401, connect.CodeUnauthenticated, invalid, "REVOKED"},
		{"a scope that is missing", false, listProcedure, bearer(), 403, connect.CodePermissionDenied, lacking, "INSUFFICIENT_SCOPE"},
		{"no entry", false, adminProcedure, []string{good}, 403, connect.CodePermissionDenied, lacking, "DENIED"},
		{"no entry and no token", false, adminProcedure, nil, 401, connect.CodeUnauthenticated, asked, "NO_TOKEN"},
		{"no keys", true, listProcedure, []string{"Bearer " + down.Token()}, 503, connect.CodeUnavailable, later, "KEYS_UNAVAILABLE"},
		{"no revocation list", false, listProcedure, bearer(scope("orders.read"), jwkstest.Claims{"sub": "unknowable"}), 503, connect.CodeUnavailable, later, "REVOCATION_UNAVAILABLE"},
	}
}

// Each refusal has the code of its class in every protocol, and the header fields that
// the same Guard sends from net/http.
func TestRefusals(t *testing.T) {
	t.Parallel()
	iss, down := newIssuer(t), newIssuer(t)
	down.Fail(http.StatusInternalServerError)
	urls := map[bool]string{}      // behind the table, by whether keys are down
	telling := map[bool]string{}   // where reasons are told
	reference := map[bool]string{} // net/http
	for _, isDown := range []bool{false, true} {
		gate := open(t, middleware.Config{Realm: "orders"}, map[bool]*jwkstest.Issuer{false: iss, true: down}[isDown])
		p := table()
		urls[isDown] = serve(t, enforced(t, gate, p, service()))
		p.ShowReasons = true
		telling[isDown] = serve(t, enforced(t, gate, p, service()))
		enforce, err := gate.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/orders.v1.Orders/": p.Rules["/orders.v1.Orders/*"]}})
		require.NoError(t, err)
		reference[isDown] = serve(t, enforce(service()))
	}
	for _, r := range refusals(iss, down) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			want := r.post(t, reference[r.down])
			require.Equal(t, r.status, want.StatusCode, "net/http") //nolint:testifylint // what net/http answers is the measure, and is looked at too
			got := r.post(t, urls[r.down])
			assert.Equal(t, r.status, got.StatusCode, "Connect's HTTP status is the Guard's")
			for _, field := range []string{"Www-Authenticate", "Cache-Control", "X-Content-Type-Options", "Retry-After"} {
				assert.Equal(t, want.Header[field], got.Header[field], field)
			}
			for _, p := range protocols {
				if p.name == "Connect by GET" && r.procedure != listProcedure {
					continue
				}
				r.check(t, p, urls[r.down], want.Header)
				_, err := p.dial(t, telling[r.down]+r.procedure).CallUnary(t.Context(), request(r.authorization...))
				assert.Equal(t, r.service()+" "+r.reason, infoIn(t, err), p.name)
			}
		})
	}
}

// check calls the procedure and looks at the error.
func (r *refusal) check(t *testing.T, p protocol, url string, want http.Header) {
	t.Helper()
	_, err := p.dial(t, url+r.procedure).CallUnary(t.Context(), request(r.authorization...))
	var refused *connect.Error
	require.ErrorAs(t, err, &refused, p.name)
	code := r.code
	if code == connect.CodeInvalidArgument && strings.HasPrefix(p.name, "gRPC") {
		code = connect.CodeUnauthenticated
	}
	assert.Equal(t, code, refused.Code(), p.name)
	assert.Equal(t, r.message, refused.Message(), p.name)
	assert.Equal(t, want["Www-Authenticate"], refused.Meta().Values("WWW-Authenticate"), p.name)
	assert.Equal(t, want["Retry-After"], refused.Meta().Values("Retry-After"), p.name)
	assert.Equal(t, r.service()+" "+r.public(), infoIn(t, err), "%s: no reason is told", p.name)
	var delays []string
	for _, d := range details(t, err) {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			delays = append(delays, info.GetRetryDelay().AsDuration().String())
		}
	}
	if r.status == 503 {
		require.Len(t, delays, 1, p.name)
		assert.NotEqual(t, "0s", delays[0], p.name)
	} else {
		assert.Empty(t, delays, p.name)
	}
}

// post sends the call as JSON, and returns the answer of HTTP.
func (r *refusal) post(t *testing.T, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+r.procedure, strings.NewReader("{}"))
	require.NoError(t, err)
	req.Header["Content-Type"] = []string{"application/json"}
	req.Header["Authorization"] = r.authorization
	answer, err := http1(t).Do(req)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer
}

func details(t *testing.T, err error) (found []any) {
	t.Helper()
	var refused *connect.Error
	require.ErrorAs(t, err, &refused)
	for _, d := range refused.Details() {
		value, err := d.Value()
		require.NoError(t, err)
		found = append(found, value)
	}
	return found
}

// infoIn returns domain and reason of an error.
func infoIn(t *testing.T, err error) string {
	t.Helper()
	var found []string
	for _, d := range details(t, err) {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			found = append(found, info.GetDomain()+" "+info.GetReason())
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

// service is the domain of the error: named by the table, never by the caller.
func (r *refusal) service() string {
	if r.procedure == adminProcedure {
		return ""
	}
	return "orders.v1.Orders"
}

// public is what a stranger reads of the reason.
func (r *refusal) public() string {
	switch {
	case r.status == 400:
		return "INVALID_REQUEST"
	case r.status == 403:
		return "INSUFFICIENT_SCOPE"
	case r.status == 503:
		return "TEMPORARILY_UNAVAILABLE"
	case r.reason == "NO_TOKEN" || r.reason == "UNSUPPORTED_SCHEME":
		return "TOKEN_REQUIRED"
	default:
		return "INVALID_TOKEN"
	}
}

// Streams are refused as calls are, before their first message.
func TestStreamsAreRefusedBeforeTheyBegin(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	url := serve(t, enforced(t, open(t, middleware.Config{}, iss), table(), service()))
	for _, p := range protocols {
		for want, authorization := range map[connect.Code][]string{
			connect.CodeUnauthenticated:  {"Bearer x"},
			connect.CodePermissionDenied: {"Bearer " + iss.Token()},
			connect.CodeInvalidArgument:  {"Bearer x", "Bearer x"},
		} {
			stream, err := p.dial(t, url+watchProcedure).CallServerStream(t.Context(), request(authorization...))
			require.NoError(t, err, p.name)
			assert.False(t, stream.Receive(), p.name)
			if want == connect.CodeInvalidArgument && strings.HasPrefix(p.name, "gRPC") {
				want = connect.CodeUnauthenticated
			}
			assert.Equal(t, want, connect.CodeOf(stream.Err()), "%s: %v", p.name, stream.Err())
			var refused *connect.Error
			require.ErrorAs(t, stream.Err(), &refused)
			assert.NotEmpty(t, append(refused.Meta().Values("WWW-Authenticate"), stream.ResponseHeader().Values("WWW-Authenticate")...), p.name)
			require.NoError(t, stream.Close())
		}
	}
}

// What a Binding adds to a refusal reaches the caller, and a status that it makes up is no pass.
func TestARefusalOfABindingKeepsItsHeader(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	for status, code := range map[int]connect.Code{401: connect.CodeUnauthenticated, 429: connect.CodePermissionDenied, 500: connect.CodeUnavailable, 200: connect.CodeUnauthenticated, 0: connect.CodeUnauthenticated} {
		guard := open(t, middleware.Config{Bindings: []middleware.Binding{refusing{status}}}, iss)
		c := protocols[0].dial(t, serve(t, enforced(t, guard, table(), service()))+listProcedure)
		_, err := c.CallUnary(t.Context(), request("Bearer "+iss.Token(scope("orders.read"))))
		var refused *connect.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, code, refused.Code(), "%d: %v", status, err)
		assert.Equal(t, []string{"n1"}, refused.Meta().Values("DPoP-Nonce"))
	}
}

type refusing struct{ status int }

func (refusing) Confirms() []string { return []string{"jkt"} }
func (b refusing) Check(*http.Request, middleware.Credential, *claims.Claims) error {
	return &middleware.Error{Status: b.status, Reason: "use_dpop_nonce", Header: [][2]string{{"DPoP-Nonce", "n1"}}}
}

// A Guard of another kind may return any error: it is a refusal, and its words stay here.
func TestAnErrorThatSaysNothingIsARefusal(t *testing.T) {
	t.Parallel()
	guard := &failing{Guard: open(t, middleware.Config{}, newIssuer(t))}
	p := table()
	p.ShowReasons = true
	_, err := protocols[0].dial(t, serve(t, enforced(t, guard, p, service()))+listProcedure).CallUnary(t.Context(), request())
	assert.EqualError(t, err, "permission_denied: the access token does not allow this")
	assert.Equal(t, "orders.v1.Orders DENIED", infoIn(t, err))
}

type failing struct{ connectauth.Guard }

func (f *failing) Check(r *http.Request, _ claims.Rule) (*http.Request, *claims.Claims, error) {
	return r, nil, io.ErrUnexpectedEOF
}

// The Guard's own body is not sent to a call, and neither is what describes it.
func TestAnErrorBodyOfTheGuardLeavesNothingInTheHeader(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{ErrorBody: func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Content-Encoding", "br")
		_, _ = io.WriteString(w, "own")
	}}, newIssuer(t))
	url := serve(t, enforced(t, gate, table(), service()))
	for _, p := range protocols {
		_, err := p.dial(t, url+listProcedure).CallUnary(t.Context(), request())
		assert.EqualError(t, err, "unauthenticated: a bearer access token is required", p.name)
	}
}

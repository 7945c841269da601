package grpcauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

var (
	_ grpcauth.Guard = (*middleware.Guard)(nil)
	_ grpcauth.Guard = (*sallyport.Gate)(nil)
)

// row is a call and its answer, in HTTP and in gRPC.
type row struct {
	name      string
	method    string // list if ""
	lines     []string
	gate      string // "" is the usual one
	http      int
	code      codes.Code
	challenge string // without the realm
	info      string // the reason of the ErrorInfo
	decision  string
	message   string
}

func (r row) refused(status int, code codes.Code, challenge, info, message string, why reason.Code) row {
	r.http, r.code, r.challenge, r.info, r.message, r.decision = status, code, challenge, info, message, "refused "+string(why)
	return r
}

func (r row) malformed() row {
	return r.refused(400, codes.Unauthenticated, `, error="invalid_request"`, "INVALID_REQUEST", "the credentials are malformed", reason.InvalidRequest)
}

func (r row) noToken(why reason.Code) row {
	return r.refused(401, codes.Unauthenticated, "", "TOKEN_REQUIRED", "a bearer access token is required", why)
}

func (r row) badToken(why reason.Code) row {
	return r.refused(401, codes.Unauthenticated, `, error="invalid_token"`, "INVALID_TOKEN", "the access token is not valid here", why)
}

func (r row) forbidden(scope string, why reason.Code) row {
	if scope != "" {
		scope = `, scope="` + scope + `"`
	}
	return r.refused(403, codes.PermissionDenied, `, error="insufficient_scope"`+scope, "INSUFFICIENT_SCOPE", "the access token does not allow this", why)
}

func (r row) unavailable() row {
	return r.refused(503, codes.Unavailable, "", "TEMPORARILY_UNAVAILABLE", "access tokens cannot be checked at the moment, try again later", reason.KeysUnavailable)
}

func (r row) passes() row {
	r.http, r.code, r.decision = 200, codes.OK, "verified "
	return r
}

func rows(iss, down *jwkstest.Issuer) []row {
	bearer := func(options ...jwkstest.TokenOption) []string { return []string{"Bearer " + iss.Token(options...)} }
	good := bearer(reader)
	return []row{
		row{name: "a good token", lines: good}.passes(),
		row{name: "the scheme in another case", lines: []string{"bEARER " + iss.Token(reader)}}.passes(),
		row{name: "no token"}.noToken(reason.NoToken),
		row{name: "another scheme", lines: []string{"Basic eDp5"}}.noToken(reason.UnsupportedScheme),
		row{name: "two tokens", lines: append(bearer(reader), good...)}.malformed(),
		row{name: "the same token twice", lines: []string{good[0], good[0]}}.malformed(),
		row{name: "a comma between two tokens", lines: []string{good[0] + "," + good[0]}}.malformed(),
		row{name: "a scheme without a token", lines: []string{"Bearer"}}.malformed(),
		row{name: "an empty line", lines: []string{""}}.malformed(),
		row{name: "a token for another API", lines: bearer(reader, jwkstest.WithAudience("api://other"))}.badToken(reason.WrongAudience),
		row{name: "an expired token", lines: bearer(reader, jwkstest.Claims{"exp": time.Now().Add(-time.Hour)})}.badToken(reason.Expired),
		row{name: "no JWT at all", lines: []string{"Bearer x"}}.badToken(reason.Malformed),
		row{name: "a token that is bound to a key", lines: bearer(reader, iss.NewCertificate().Bound())}.badToken(reason.UnsupportedBinding),
		row{name: "a token without the scope", lines: bearer(jwkstest.Claims{"scope": "orders.watch"})}.forbidden("orders.read", reason.InsufficientScope),
		row{name: "a token with one of two scopes", method: create, lines: good}.forbidden("orders.read orders.write", reason.InsufficientScope),
		row{name: "a token with both", method: create, lines: bearer(jwkstest.Claims{"scope": "orders.write orders.read"})}.passes(),
		row{name: "keys that cannot be had", gate: "down", lines: []string{"Bearer " + down.Token(reader)}}.unavailable(),
		row{name: "no token where keys cannot be had", gate: "down"}.noToken(reason.NoToken),
	}
}

// TestConformance has every row answered by unary methods and by streams, and by the
// Guard's own net/http face: the same challenge, and the code for its status.
func TestConformance(t *testing.T) {
	t.Parallel()
	iss, down := issuerOf(t), issuerOf(t)
	down.Fail(http.StatusInternalServerError)
	gates, conns := map[string]*sallyport.Gate{}, map[string]*grpc.ClientConn{}
	for name, issuer := range map[string]*jwkstest.Issuer{"": iss, "down": down} {
		gates[name] = gateOf(t, middleware.Config{}, issuer)
		conns[name] = serve(t, newAuth(t, gates[name], policy()), &orders{})
	}
	for _, r := range rows(iss, down) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			methods, rule := []string{list, watch, load, chat}, reads
			if r.method == create {
				methods, rule = []string{create}, writes
			}
			request := httptest.NewRequest(http.MethodPost, list, http.NoBody)
			for _, line := range r.lines {
				request.Header.Add("Authorization", line)
			}
			w := httptest.NewRecorder()
			gates[r.gate].Require(rule)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, request)
			require.Equal(t, r.http, w.Code)
			for _, method := range methods {
				got := call(bearing(t.Context(), r.lines...), conns[r.gate], method)
				r.judge(t, method, got)
				assert.Equal(t, w.Header()["Www-Authenticate"], got.trailer["www-authenticate"], "%s: the challenge of HTTP", method)
			}
		})
	}
}

func (r row) judge(t *testing.T, method string, got result) {
	t.Helper()
	require.Equal(t, r.code, got.code, "%s: %s", method, got.message)
	assert.Equal(t, r.decision, got.decision, method)
	assert.Equal(t, method, got.route, "events name the entry of the policy")
	assert.Equal(t, r.message, got.message, method)
	if r.code == codes.OK {
		assert.Equal(t, "warehouse", got.caller, method)
		assert.Empty(t, got.trailer["www-authenticate"])
		return
	}
	assert.Empty(t, got.caller, "%s: the method was reached", method)
	require.NotNil(t, got.info, method)
	assert.Equal(t, r.info, got.info.GetReason(), method)
	assert.Equal(t, "orders.v1.Orders", got.info.GetDomain())
	assert.Empty(t, got.info.GetMetadata())
	if r.code == codes.Unavailable {
		require.NotNil(t, got.retry, "%s: when to try again", method)
		assert.GreaterOrEqual(t, got.retry.GetRetryDelay().AsDuration(), time.Second)
		assert.Empty(t, got.trailer["www-authenticate"], "it is not known whether the token is bad")
		return
	}
	assert.Nil(t, got.retry)
	assert.Equal(t, []string{`Bearer realm="orders"` + r.challenge}, got.trailer["www-authenticate"])
}

func TestNothingOfACallIsInItsRefusal(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	conn := serve(t, newAuth(t, gateOf(t, middleware.Config{}, iss), policy()), &orders{})
	token := iss.Token(reader, jwkstest.Claims{"aud": "api://the-secret-one", "sub": "a-person"})
	got := call(bearing(t.Context(), "Bearer "+token), conn, list)
	assert.Equal(t, "refused wrong_audience", got.decision)
	text := strings.ToLower(got.message + got.info.String() + strings.Join(got.trailer["www-authenticate"], ""))
	for _, secret := range []string{"wrong_audience", "audience", "the-secret-one", "a-person", "warehouse", iss.Issuer(), token[len(token)-20:]} {
		assert.NotContains(t, text, strings.ToLower(secret))
	}
}

func TestTheReasonIsShownByChoiceAlone(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	p := policy()
	p.ShowReasons = true
	conn := serve(t, newAuth(t, gateOf(t, middleware.Config{}, iss), p), &orders{})
	got := call(bearing(t.Context(), "Bearer "+iss.Token(reader, jwkstest.WithAudience("api://other"))), conn, list)
	assert.Equal(t, "WRONG_AUDIENCE", got.info.GetReason())
	assert.Equal(t, "the access token is not valid here", got.message, "people read the same")
}

func TestInterceptorsOfShadowModeLetThroughWithoutClaims(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	p := policy()
	delete(p.Rules, create)
	p.EndAtExpiry = true
	conn := serve(t, newAuth(t, gateOf(t, middleware.Config{Shadow: true}, iss), p), &orders{})
	for _, method := range []string{list, watch, chat} {
		got := call(t.Context(), conn, method)
		assert.Equal(t, codes.OK, got.code, "%s: %s", method, got.message)
		assert.Equal(t, "nobody", got.caller)
		assert.Equal(t, "shadow no_token", got.decision)
		got = call(bearing(t.Context(), "Bearer "+iss.Token(reader)), conn, method)
		assert.Equal(t, "warehouse", got.caller)
	}
	got := call(bearing(t.Context(), "Bearer "+iss.Token(reader)), conn, create)
	assert.Equal(t, "shadow denied", got.decision, "a method without an entry")
	assert.Equal(t, "nobody", got.caller)

	given, err := claims.Parse([]byte(`{"client_id":"somebody"}`), claims.Mapping{})
	require.NoError(t, err)
	inFront := grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		return next(claims.NewContext(ctx, given), req)
	})
	conn = serve(t, newAuth(t, gateOf(t, middleware.Config{Shadow: true}, iss), p), &orders{}, inFront)
	got = call(t.Context(), conn, list)
	assert.Equal(t, "shadow no_token", got.decision)
	assert.Equal(t, "nobody", got.caller, "claims that others have put there are not the caller's")
}

func TestWhatWasNotMadeByNewRefusesEveryCall(t *testing.T) {
	t.Parallel()
	made := newAuth(t, (*middleware.Guard)(nil), policy())
	zeroGate := newAuth(t, new(sallyport.Gate), policy())
	nilGate := newAuth(t, (*sallyport.Gate)(nil), policy())
	for name, auth := range map[string]*grpcauth.Interceptor{"nil": nil, "zero": {}, "of a nil Guard": made, "of a zero Gate": zeroGate, "of a nil Gate": nilGate} {
		o := &orders{}
		conn := serve(t, auth, o)
		for _, method := range []string{list, watch} {
			got := call(bearing(t.Context(), "Bearer x"), conn, method)
			assert.Equal(t, codes.Unavailable, got.code, "%s: %s", name, method)
		}
		assert.Zero(t, o.reached.Load(), name)
	}
	_, err := grpcauth.New(nil, policy())
	assert.EqualError(t, err, "grpcauth: the Guard is nil")
}

func TestAMethodWithoutAnEntryIsRefused(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	o := &orders{}
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), grpcauth.Policy{Rules: map[string]claims.Rule{"/orders.v1.Other/*": reads}})
	conn := serve(t, auth, o)
	for _, method := range []string{list, watch, load, chat} {
		assert.Equal(t, codes.Unauthenticated, call(t.Context(), conn, method).code, "%s: a token comes first", method)
		got := call(bearing(t.Context(), "Bearer "+iss.Token(reader)), conn, method)
		assert.Equal(t, codes.PermissionDenied, got.code, method)
		assert.Equal(t, "refused denied", got.decision)
		assert.Empty(t, got.info.GetDomain(), "the domain is a word of the policy")
	}
	assert.Zero(t, o.reached.Load())
}

// A service that is registered by another name has the methods of its own name.
func TestAServiceIsJudgedByTheNameThatItIsRegisteredBy(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	o := &orders{}
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), grpcauth.Policy{
		Rules:  map[string]claims.Rule{"/orders.v2.Orders/*": writes},
		Exempt: []string{"/orders.v1.Orders/*"},
	})
	server := grpc.NewServer(auth.ServerOptions()...)
	server.RegisterService(o.desc("orders.v2.Orders"), nil) // its code says orders.v1.Orders
	conn := connect(t, listen(t, server))
	assert.Equal(t, codes.Unauthenticated, call(t.Context(), conn, "/orders.v2.Orders/List").code)
	assert.Equal(t, codes.PermissionDenied, call(bearing(t.Context(), "Bearer "+iss.Token(reader)), conn, "/orders.v2.Orders/List").code)
	assert.Zero(t, o.reached.Load())
}

// UnknownServiceHandler is how proxies for gRPC are made.
func TestCallsOfUnknownServicesAreJudged(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	o := &orders{}
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), grpcauth.Policy{Rules: map[string]claims.Rule{"/orders.v1.Orders/*": reads}})
	conn := serve(t, auth, o, grpc.UnknownServiceHandler(o.serve))
	token := "Bearer " + iss.Token(reader)
	for method, want := range map[string]codes.Code{
		"/orders.v1.Orders/Newer":      codes.OK,
		"/orders.v1.Orders/Newer/List": codes.PermissionDenied,
		"/x/orders.v1.Orders/Newer":    codes.PermissionDenied,
		"/orders.v1.Orders/":           codes.PermissionDenied,
		"/orders.v1.Orders/*":          codes.PermissionDenied,
		"/orders.v1.Orders/%4Cist":     codes.PermissionDenied,
		"/orders.v1.Orders/Newer?x=1":  codes.PermissionDenied,
		"/orders.v1.orders/Newer":      codes.PermissionDenied,
		"//orders.v1.Orders/Newer":     codes.PermissionDenied,
	} {
		before := o.reached.Load()
		got := call(bearing(t.Context(), token), conn, method)
		assert.Equal(t, want, got.code, "%s: %s", method, got.message)
		assert.Equal(t, want == codes.OK, o.reached.Load() > before, method)
		assert.Equal(t, codes.Unauthenticated, call(t.Context(), conn, method).code, method)
	}
}

// Two calls at once have each its own claims, on one connection.
func TestClaimsAreThoseOfTheirOwnCall(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	inside, goOn := make(chan struct{}, 4), make(chan struct{})
	o := &orders{}
	o.stream = func(s grpc.ServerStream) error {
		inside <- struct{}{}
		<-goOn // until all are there
		return s.SendMsg(whoCalls(s.Context()))
	}
	o.unary = func(ctx context.Context) (any, error) {
		inside <- struct{}{}
		<-goOn
		return whoCalls(ctx), nil
	}
	conn := serve(t, newAuth(t, gateOf(t, middleware.Config{}, iss), policy()), o)
	methods := []string{list, watch, list, watch}
	got := make(chan [2]string, len(methods))
	for i, method := range methods {
		id := string(rune('a' + i))
		go func() {
			r := call(bearing(t.Context(), "Bearer "+iss.Token(reader, jwkstest.Claims{"client_id": id})), conn, method)
			got <- [2]string{id, r.caller}
		}()
	}
	for range methods {
		<-inside
	}
	close(goOn)
	for range methods {
		pair := <-got
		assert.Equal(t, pair[0], pair[1])
	}
}

// A second interceptor of the same Guard does not verify again, and finds the claims.
func TestInterceptorsFurtherInSeeTheClaims(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	seen := make(chan string, 1)
	further := grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		seen <- whoCalls(ctx).GetFields()["client_id"].GetStringValue()
		return next(ctx, req)
	})
	server := grpc.NewServer(append(newAuth(t, gateOf(t, middleware.Config{}, iss), policy()).ServerOptions(), further)...)
	server.RegisterService((&orders{}).desc("orders.v1.Orders"), nil)
	got := call(bearing(t.Context(), "Bearer "+iss.Token(reader)), connect(t, listen(t, server)), list)
	assert.Equal(t, codes.OK, got.code)
	assert.Equal(t, "warehouse", <-seen)
}

// routedAs is the transport of a call whose path a server let through.
type routedAs struct {
	grpc.ServerTransportStream
	method string
}

func (r routedAs) Method() string             { return r.method }
func (routedAs) SetHeader(metadata.MD) error  { return nil }
func (routedAs) SetTrailer(metadata.MD) error { return nil }

// GO-2026-4762: https://pkg.go.dev/vuln/GO-2026-4762
func TestAPathWithoutALeadingSlashIsRefused(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	for name, p := range map[string]grpcauth.Policy{
		"rules by method":   {Rules: map[string]claims.Rule{list: reads}},
		"rules by service":  {Rules: map[string]claims.Rule{"/orders.v1.Orders/*": reads}},
		"exempt by method":  {Exempt: []string{list}},
		"exempt by service": {Exempt: []string{"/orders.v1.Orders/*"}},
	} {
		auth := newAuth(t, gateOf(t, middleware.Config{}, iss), p)
		for _, path := range []string{"orders.v1.Orders/List", "List", "", "/List"} {
			ctx := grpc.NewContextWithServerTransportStream(t.Context(), routedAs{method: path})
			ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("authorization", "Bearer "+iss.Token(reader)))
			_, err := auth.Unary()(ctx, nil, &grpc.UnaryServerInfo{FullMethod: list}, func(context.Context, any) (any, error) {
				t.Errorf("%s: %q reached the method", name, path)
				return nil, nil
			})
			assert.Equal(t, codes.PermissionDenied, status.Code(err), "%s: %q", name, path)
			err = auth.Stream()(nil, bare{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: path}, func(any, grpc.ServerStream) error {
				t.Errorf("%s: %q reached the stream", name, path)
				return nil
			})
			assert.Equal(t, codes.PermissionDenied, status.Code(err), "%s: %q", name, path)
		}
	}
}

// bare is a stream without a connection.
type bare struct {
	grpc.ServerStream
	ctx context.Context
}

func (b bare) Context() context.Context { return b.ctx }
func (bare) SetTrailer(metadata.MD)     {}

package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestMain(m *testing.M) { testkit.Main(m, main) }

const (
	list   = "/orders.v1.Orders/List"
	create = "/orders.v1.Orders/Create"
	watch  = "/orders.v1.Orders/Watch"
)

var serving = regexp.MustCompile(`msg="serving orders" addr=(\S+)`)

// running is the program in this process, the issuer that it trusts, and a connection.
type running struct {
	*testkit.Running
	*grpc.ClientConn
	iss *jwkstest.Issuer
}

func start(t *testing.T, args ...string) *running {
	t.Helper()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"client_id": "warehouse"})
	r := testkit.Run(t, run, append([]string{"-addr", "127.0.0.1:0", "-issuer", iss.Issuer(), "-audience", "api://orders"}, args...)...)
	testkit.Until(t, &r.Stderr, "serving orders")
	conn, err := grpc.NewClient(serving.FindStringSubmatch(r.Stderr.String())[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &running{r, conn, iss}
}

// with is a context with a token of these levels.
func (r *running) with(t *testing.T, levels string, options ...jwkstest.TokenOption) context.Context {
	t.Helper()
	token := r.iss.Token(append([]jwkstest.TokenOption{jwkstest.Claims{"scope": levels}}, options...)...)
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
}

func (r *running) call(ctx context.Context, method string) (map[string]any, codes.Code) {
	answer := new(structpb.Struct)
	err := r.Invoke(ctx, method, new(emptypb.Empty), answer)
	return answer.AsMap(), status.Code(err)
}

func (r *running) watch(ctx context.Context, t *testing.T) grpc.ClientStream {
	t.Helper()
	s, err := r.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, watch)
	require.NoError(t, err)
	require.NoError(t, s.SendMsg(new(emptypb.Empty)))
	require.NoError(t, s.CloseSend())
	return s
}

func TestEachMethodWantsItsLevel(t *testing.T) {
	t.Parallel()
	r := start(t)
	answer, code := r.call(r.with(t, "get"), list)
	assert.Equal(t, codes.OK, code)
	assert.Equal(t, map[string]any{"client_id": "warehouse", "orders": []any{}}, answer)
	answer, code = r.call(r.with(t, "post"), create)
	assert.Equal(t, codes.OK, code)
	assert.Equal(t, map[string]any{"client_id": "warehouse", "id": "1"}, answer)
	answer, code = r.call(r.with(t, "get", jwkstest.Claims{"client_id": "shop"}), list)
	assert.Equal(t, codes.OK, code)
	assert.Equal(t, map[string]any{"client_id": "shop", "orders": []any{"1"}}, answer)
	for method, other := range map[string]string{list: "post", create: "get", watch: "post"} {
		_, code := r.call(r.with(t, other), method)
		assert.Equal(t, codes.PermissionDenied, code, method)
		_, code = r.call(t.Context(), method)
		assert.Equal(t, codes.Unauthenticated, code, method)
	}
	health, err := grpc_health_v1.NewHealthClient(r).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	assert.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, health.GetStatus())
	r.AssertEnds(exitOK)
}

func TestWatchSendsUntilTheServerEnds(t *testing.T) {
	t.Parallel()
	r := start(t)
	s := r.watch(r.with(t, "get"), t)
	begun := time.Now()
	for range 3 {
		message := new(structpb.Struct)
		require.NoError(t, s.RecvMsg(message))
		assert.Equal(t, map[string]any{"client_id": "warehouse", "orders": 0.0}, message.AsMap())
	}
	assert.GreaterOrEqual(t, time.Since(begun), 3*every/2, "a message every 200 ms")
	r.AssertEnds(exitOK)
	var err error
	for err == nil {
		err = s.RecvMsg(new(structpb.Struct))
	}
	assert.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
}

func TestStreamsEndWithTheirTokenByChoice(t *testing.T) {
	t.Parallel()
	r, lasting := start(t, "-end-at-expiry"), start(t)
	soon := jwkstest.Claims{"exp": time.Now().Add(-27 * time.Second)} // and 30 s of leeway
	s, longer := r.watch(r.with(t, "get", soon), t), lasting.watch(lasting.with(t, "get", soon), t)
	var err error
	for err == nil {
		err = s.RecvMsg(new(structpb.Struct))
	}
	assert.Equal(t, codes.Unauthenticated, status.Code(err), "%v", err)
	assert.Contains(t, err.Error(), "the access token has expired")
	assert.NoError(t, longer.RecvMsg(new(structpb.Struct)))
}

func TestNoForgeryGetsThrough(t *testing.T) {
	t.Parallel()
	r := start(t)
	statuses := map[codes.Code]int{codes.OK: 200, codes.Unauthenticated: 401, codes.PermissionDenied: 403, codes.Unavailable: 503}
	jwkstest.Attack(t, r.iss, func(token string) int {
		_, code := r.call(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token), list)
		return statuses[code] // 0 where no client can send it
	}, jwkstest.Claims{"scope": "get"})
}

// TestEveryMethodHasARule fails where a method is added and the table is not.
func TestEveryMethodHasARule(t *testing.T) {
	t.Parallel()
	gate, _ := testkit.Gate(t)
	auth, err := guard(gate, []string{"api://orders"}, false)
	require.NoError(t, err)
	report, err := auth.Audit(newServer(auth, nil).GetServiceInfo())
	assert.NoError(t, err)
	t.Log(report)
}

func TestWrongFlagsAreNamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		args string
		want []string
	}{
		{"an unknown flag", "-colour", []string{"-colour", "grpc -h lists the flags"}},
		{"a stray word", "-issuer https://a -audience x stray", []string{`unexpected argument "stray"`}},
		{"no issuer", "", []string{"-issuer is missing"}},
		{"an issuer without an audience", "-issuer https://a", []string{"-issuer https://a has no audience: add -audience after it"}},
		{"an audience without an issuer", "-audience x", []string{"-audience without -issuer"}},
		{"no port", "-issuer https://a -audience x -addr localhost", []string{`-addr "localhost" must be host:port`}},
		{"several at once", "-issuer https://a -addr x", []string{"-issuer https://a", "-addr"}},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), strings.Fields(row.args), &out, &errs), row.name)
		for _, want := range row.want {
			assert.Contains(t, errs.String(), want, row.name)
		}
	}
	var out, errs bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &errs))
	for _, flag := range []string{"-addr", "-audience", "-end-at-expiry", "-issuer"} {
		assert.Regexp(t, "\n  "+flag+"[ \n]", out.String())
	}
}

func TestWhatCannotBeServedIsSaid(t *testing.T) {
	t.Parallel()
	taken := testkit.Listener(t).Addr().String()
	for want, args := range map[string][]string{
		"-addr: ":   {"-addr", taken, "-issuer", "https://issuer.example", "-audience", "x"},
		"use https": {"-addr", "127.0.0.1:0", "-issuer", "http://issuer.example", "-audience", "x"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitFailed, run(t.Context(), args, &out, &errs))
		assert.Contains(t, errs.String(), want)
	}
}

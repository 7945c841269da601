package grpcauth_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestAllMistakesOfAPolicyAreReportedTogether(t *testing.T) {
	t.Parallel()
	const noMethod = `is no full method, such as /package.Service/Method, and no service, such as /package.Service/*`
	_, err := grpcauth.New(gateOf(t, middleware.Config{}, issuerOf(t)), grpcauth.Policy{
		Rules: map[string]claims.Rule{
			"orders.v1.Orders/List":       reads,
			"/orders.v1.Orders":           reads,
			"POST /orders.v1.Orders/List": reads,
			"/orders.v1.Orders/Li*":       reads,
			"/orders.v1.Orders/":          reads,
			"/*/List":                     reads,
			"/a/orders.v1.Orders/List":    reads,
			"/orders.v1.Orders/%4Cist":    reads,
			"/orders.v1.Orders/Faulty":    claims.AllScopes(),
			"/orders.v1.Orders/Twice":     reads,
		},
		Exempt: []string{"/orders.v1.Orders/Twice", "/*", ""},
	})
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	assert.ElementsMatch(t, []string{
		`grpcauth: Policy: method "orders.v1.Orders/List": a full method begins with a slash, as in /package.Service/Method`,
		`grpcauth: Policy: method "/orders.v1.Orders": the method is missing: write /orders.v1.Orders/* for every method of the service`,
		`grpcauth: Policy: method "POST /orders.v1.Orders/List": a full method begins with a slash, as in /package.Service/Method`,
		`grpcauth: Policy: method "/orders.v1.Orders/Li*": ` + noMethod,
		`grpcauth: Policy: method "/orders.v1.Orders/": ` + noMethod,
		`grpcauth: Policy: method "/*/List": ` + noMethod,
		`grpcauth: Policy: method "/a/orders.v1.Orders/List": ` + noMethod,
		`grpcauth: Policy: method "/orders.v1.Orders/%4Cist": ` + noMethod,
		`grpcauth: Policy: method "/orders.v1.Orders/Faulty": ` + claims.AllScopes().Err().Error(),
		`grpcauth: Policy: method "/orders.v1.Orders/Twice": stands there twice`,
		`grpcauth: Policy: method "/*": ` + noMethod,
		`grpcauth: Policy: method "": a full method begins with a slash, as in /package.Service/Method`,
	}, lines)
	_, err = grpcauth.New(gateOf(t, middleware.Config{}, issuerOf(t)), grpcauth.Policy{})
	assert.EqualError(t, err, "grpcauth: Policy: no method at all; name the methods and their rules")
}

func TestTheEntryOfAMethodWinsOverThatOfItsService(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	rules := map[string]claims.Rule{"/orders.v1.Orders/*": reads, create: writes}
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), grpcauth.Policy{Rules: rules, Exempt: []string{watch}})
	rules[create], rules[chat] = reads, claims.Rule{} // it was copied
	conn := serve(t, auth, &orders{})
	ctx := bearing(t.Context(), "Bearer "+iss.Token(reader))
	for method, want := range map[string]codes.Code{list: codes.OK, create: codes.PermissionDenied, load: codes.OK, chat: codes.OK} {
		assert.Equal(t, want, call(ctx, conn, method).code, method)
		assert.Equal(t, codes.Unauthenticated, call(t.Context(), conn, method).code, method)
	}
	got := call(t.Context(), conn, watch)
	assert.Equal(t, codes.OK, got.code, got.message)
	assert.Equal(t, "nobody", got.caller)
}

func TestExemptMethodsAreOpenByNameAlone(t *testing.T) {
	t.Parallel()
	const (
		list = grpc_health_v1.Health_List_FullMethodName
		v1   = grpc_reflection_v1.ServerReflection_ServerReflectionInfo_FullMethodName
		old  = grpc_reflection_v1alpha.ServerReflection_ServerReflectionInfo_FullMethodName
	)
	check, watch := grpc_health_v1.Health_Check_FullMethodName, grpc_health_v1.Health_Watch_FullMethodName
	gate := gateOf(t, middleware.Config{}, issuerOf(t))
	for _, row := range []struct {
		name   string
		exempt []string
		open   []string
	}{
		{"nothing is open by itself", nil, nil},
		{"a service", []string{"/grpc.health.v1.Health/*"}, []string{check, list, watch}},
		{"a unary method", []string{check}, []string{check}},
		{"another one", []string{list}, []string{list}},
		{"a stream", []string{watch}, []string{watch}},
		{"reflection", []string{"/grpc.reflection.v1.ServerReflection/*"}, []string{v1}},
		{"its old name", []string{"/grpc.reflection.v1alpha.ServerReflection/*"}, []string{old}},
	} {
		p := policy()
		p.Exempt = row.exempt
		server := grpc.NewServer(newAuth(t, gate, p).ServerOptions()...)
		grpc_health_v1.RegisterHealthServer(server, health.NewServer())
		reflection.Register(server)
		conn := connect(t, listen(t, server))
		for _, method := range []string{check, list, watch, v1, old} {
			assert.Equal(t, slices.Contains(row.open, method), isOpen(t, conn, method), "%s: %s", row.name, method)
		}
	}
}

// isOpen calls a method with an empty message and reports whether its own answer comes.
func isOpen(t *testing.T, conn *grpc.ClientConn, method string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	require.NoError(t, err)
	_ = s.SendMsg(new(emptypb.Empty)) // what went wrong is what RecvMsg says
	_ = s.CloseSend()
	code := status.Code(s.RecvMsg(new(emptypb.Empty)))
	isReflection := strings.HasSuffix(method, "/ServerReflectionInfo") // to which the empty message is none
	require.Contains(t, []codes.Code{codes.OK, codes.Unauthenticated, codes.InvalidArgument}, code)
	return code == codes.OK || isReflection && code == codes.InvalidArgument
}

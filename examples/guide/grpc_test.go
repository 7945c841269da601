package guide_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// served is the orders service of these tests: that of health, which is there already.
const served = "/grpc.health.v1.Health/"

// newGRPC is a grpc.Server whose methods are guarded by interceptors.
func newGRPC(gate *sallyport.Gate) (*grpc.Server, *grpcauth.Interceptor, error) {
	auth, err := grpcauth.New(gate, grpcauth.Policy{
		Rules: map[string]claims.Rule{
			served + "Check": claims.AllScopes("orders.read"),
			served + "Watch": claims.AllScopes("orders.watch"),
		},
		EndAtExpiry: true,
	})
	if err != nil {
		return nil, nil, err
	}
	return grpc.NewServer(auth.ServerOptions()...), auth, nil
}

// guardGRPC is a grpc.Server behind a table of its methods.
func guardGRPC(gate *sallyport.Gate, services *grpc.Server) (*http.Server, error) {
	enforce, err := gate.Enforce(middleware.Policy{Rules: map[string]claims.Rule{
		"POST /grpc.health.v1.Health/Check": claims.AllScopes("orders.read"), // POST /package.Service/Method
		"POST /grpc.health.v1.Health/Watch": claims.AllScopes("orders.watch"),
	}})
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: enforce(services), ReadHeaderTimeout: 5 * time.Second}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP2(true)            // for ServeTLS
	server.Protocols.SetUnencryptedHTTP2(true) // for Serve, behind a sidecar or a proxy that has the certificate
	return server, nil
}

// callerIn is what a method of a service says of its caller.
func callerIn(ctx context.Context) string {
	if c, ok := claims.FromContext(ctx); ok {
		return c.ClientID()
	}
	return ""
}

// strictGate has no leeway, so that tokens end when they say so.
func strictGate(t *testing.T, iss *jwkstest.Issuer) *sallyport.Gate {
	t.Helper()
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), iss.Audience())}}
	cfg.Verifier.Leeway = -1
	return closed(t)(sallyport.Open(cfg))
}

// both are the scopes of all methods.
var both = jwkstest.Claims{"scope": "orders.read orders.watch"}

// refusals are calls that do not pass, alike by interceptors and in front of the server
// but for a malformed request.
func refusals(t *testing.T, iss *jwkstest.Issuer, client grpc_health_v1.HealthClient, malformed codes.Code) {
	t.Helper()
	for _, row := range []struct {
		name string
		ctx  context.Context
		code codes.Code
	}{
		{"no token", t.Context(), codes.Unauthenticated},
		{"a token for another API", with(t, iss.Token(jwkstest.WithAudience("api://other"))), codes.Unauthenticated},
		{"two tokens", metadata.AppendToOutgoingContext(with(t, iss.Token(both)), "authorization", "Bearer "+iss.Token(both)), malformed},
		{"a token without the scope", with(t, iss.Token(jwkstest.Claims{"scope": "orders.watch"})), codes.PermissionDenied},
	} {
		_, err := client.Check(row.ctx, &grpc_health_v1.HealthCheckRequest{})
		assert.Equal(t, row.code, status.Code(err), "%s: %v", row.name, err)
	}
	_, err := client.List(with(t, iss.Token(both)), &grpc_health_v1.HealthListRequest{})
	assert.Equal(t, codes.PermissionDenied, status.Code(err), "a method that is not in the table: %v", err)
	stream, err := client.Watch(with(t, iss.Token(jwkstest.Claims{"scope": "orders.read"})), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = stream.Recv()
	assert.Equal(t, codes.PermissionDenied, status.Code(err), "%v", err)
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"client_id": "warehouse"})
	server, auth, err := newGRPC(strictGate(t, iss))
	require.NoError(t, err)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	l := listener(t)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	client := dial(t, l)

	answer, err := client.Check(with(t, iss.Token(both)), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.GetStatus())
	refusals(t, iss, client, codes.Unauthenticated)

	var trailer metadata.MD
	_, err = client.Check(with(t, iss.Token()), &grpc_health_v1.HealthCheckRequest{}, grpc.Trailer(&trailer))
	assert.Equal(t, codes.PermissionDenied, status.Code(err))
	assert.Equal(t, []string{`Bearer realm="api", error="insufficient_scope", scope="orders.read"`}, trailer["www-authenticate"])

	stream, err := client.Watch(with(t, iss.Token(both, jwkstest.Claims{"exp": time.Now().Add(2 * time.Second)})), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	answer, err = stream.Recv()
	require.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.GetStatus())
	_, err = stream.Recv() // nothing changes until the token ends
	assert.Equal(t, codes.Unauthenticated, status.Code(err), "%v", err)
	assert.Equal(t, "the access token has expired", status.Convert(err).Message())

	report, err := auth.Audit(server.GetServiceInfo())
	assert.ErrorContains(t, err, "no rule protects POST /grpc.health.v1.Health/List")
	assert.Len(t, report, 3)
}

func TestGRPCBehindTheGuard(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"client_id": "warehouse"})
	callers := make(chan string, 1)
	services := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		callers <- callerIn(ctx)
		return next(ctx, req)
	}))
	grpc_health_v1.RegisterHealthServer(services, health.NewServer())
	client := behind(t, strictGate(t, iss), services)
	_, err := client.Check(with(t, iss.Token(both)), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	assert.Equal(t, "warehouse", <-callers)
	refusals(t, iss, client, codes.Internal)
	assert.Empty(t, callers, "what is refused reaches no service")
}

func TestGRPCWithoutKeysIsUnavailable(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	iss.Fail(http.StatusServiceUnavailable)
	client := behind(t, closed(t)(sallyport.New(iss.Issuer(), iss.Audience())), grpc.NewServer())
	_, err := client.Check(with(t, iss.Token()), &grpc_health_v1.HealthCheckRequest{})
	assert.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
}

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

// behind serves behind the Guard on a free port and returns a client.
func behind(t *testing.T, gate *sallyport.Gate, services *grpc.Server) grpc_health_v1.HealthClient {
	t.Helper()
	server, err := guardGRPC(gate, services)
	require.NoError(t, err)
	l := listener(t)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return dial(t, l)
}

func dial(t *testing.T, l net.Listener) grpc_health_v1.HealthClient {
	t.Helper()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return grpc_health_v1.NewHealthClient(conn)
}

// with is how a client sends its token.
func with(t *testing.T, token string) context.Context {
	t.Helper()
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
}

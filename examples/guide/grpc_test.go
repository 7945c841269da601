package guide_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport"
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

func TestGRPC(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"client_id": "warehouse"})
	callers := make(chan string, 10)
	services := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		callers <- callerIn(ctx)
		return next(ctx, req)
	}))
	grpc_health_v1.RegisterHealthServer(services, health.NewServer())
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), iss.Audience())}}
	cfg.Verifier.Leeway = -1
	cfg.Guard.EndAtExpiry = true
	client := dial(t, closed(t)(sallyport.Open(cfg)), services)
	both := jwkstest.Claims{"scope": "orders.read orders.watch"}

	answer, err := client.Check(with(t, iss.Token(both)), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.GetStatus())
	assert.Equal(t, "warehouse", <-callers)

	for _, row := range []struct {
		name string
		ctx  context.Context
		code codes.Code
	}{
		{"no token", t.Context(), codes.Unauthenticated},
		{"a token for another API", with(t, iss.Token(jwkstest.WithAudience("api://other"))), codes.Unauthenticated},
		{"two tokens", metadata.AppendToOutgoingContext(with(t, iss.Token(both)), "authorization", "Bearer "+iss.Token(both)), codes.Internal},
		{"a token without the scope", with(t, iss.Token(jwkstest.Claims{"scope": "orders.watch"})), codes.PermissionDenied},
	} {
		_, err := client.Check(row.ctx, &grpc_health_v1.HealthCheckRequest{})
		assert.Equal(t, row.code, status.Code(err), "%s: %v", row.name, err)
	}
	_, err = client.List(with(t, iss.Token(both)), &grpc_health_v1.HealthListRequest{})
	assert.Equal(t, codes.PermissionDenied, status.Code(err), "a method that is not in the table: %v", err)
	assert.Empty(t, callers, "what is refused reaches no service")

	stream, err := client.Watch(with(t, iss.Token(both, jwkstest.Claims{"exp": time.Now().Add(2 * time.Second)})), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	answer, err = stream.Recv()
	require.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.GetStatus())
	_, err = stream.Recv()                                                                        // nothing changes until the token ends
	assert.Contains(t, []codes.Code{codes.Canceled, codes.Internal}, status.Code(err), "%v", err) // by who notices first: the service, or net/http
	stream, err = client.Watch(with(t, iss.Token(jwkstest.Claims{"scope": "orders.read"})), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = stream.Recv()
	assert.Equal(t, codes.PermissionDenied, status.Code(err), "%v", err)
}

func TestGRPCWithoutKeysIsUnavailable(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	iss.Fail(http.StatusServiceUnavailable)
	client := dial(t, closed(t)(sallyport.New(iss.Issuer(), iss.Audience())), grpc.NewServer())
	_, err := client.Check(with(t, iss.Token()), &grpc_health_v1.HealthCheckRequest{})
	assert.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
}

// dial serves on a free port and returns a client.
func dial(t *testing.T, gate *sallyport.Gate, services *grpc.Server) grpc_health_v1.HealthClient {
	t.Helper()
	server, err := guardGRPC(gate, services)
	require.NoError(t, err)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
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

package grpcauth_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// one is a Verifier that knows one token.
type one struct{}

func (one) Verify(_ context.Context, token string) (*claims.Claims, error) {
	if token != "good" {
		return nil, reason.BadSignature
	}
	return claims.Parse([]byte(`{"client_id":"warehouse","scope":"orders.read"}`), claims.Mapping{})
}

// demoGate has the place of sallyport.New("https://issuer.example/", "api://orders").
func demoGate() *middleware.Guard {
	guard, err := middleware.New(middleware.Config{Verifier: one{}})
	if err != nil {
		log.Fatal(err)
	}
	return guard
}

func ExampleNew() {
	auth, err := grpcauth.New(demoGate(), grpcauth.Policy{
		Rules: map[string]claims.Rule{
			"/grpc.health.v1.Health/Check": claims.AllScopes("orders.read"),
			"/grpc.health.v1.Health/List":  claims.AllScopes("orders.write"),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(auth.ServerOptions()...)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer()) // and your own services
	defer server.Stop()
	conn := dial(server)
	defer conn.Close()
	client := grpc_health_v1.NewHealthClient(conn)

	for _, token := range []string{"", "forged", "good"} {
		ctx := context.Background()
		if token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		_, check := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		_, list := client.List(ctx, &grpc_health_v1.HealthListRequest{})
		fmt.Println(status.Code(check), status.Code(list))
	}
	// Output:
	// Unauthenticated Unauthenticated
	// Unauthenticated Unauthenticated
	// OK PermissionDenied
}

// dial serves on a free port and returns a connection to it.
func dial(server *grpc.Server) *grpc.ClientConn {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	return conn
}

func ExampleInterceptor_Audit() {
	auth, err := grpcauth.New(demoGate(), grpcauth.Policy{
		Rules:  map[string]claims.Rule{"/grpc.health.v1.Health/Watch": claims.AllScopes("orders.read")},
		Exempt: []string{"/grpc.health.v1.Health/Check"},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(auth.ServerOptions()...)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())

	report, err := auth.Audit(server.GetServiceInfo()) // in a test
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// POST  /grpc.health.v1.Health/Check  -> open to everybody
	// POST  /grpc.health.v1.Health/List   -> FORGOTTEN: nobody, for no entry of the policy names it
	// POST  /grpc.health.v1.Health/Watch  -> all scopes orders.read
	// audit: no rule protects POST /grpc.health.v1.Health/List (it requires nobody, for no entry of the policy names it)
}

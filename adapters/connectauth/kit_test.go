package connectauth_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The procedures of the service of these tests. The table knows all but the last.
const (
	listProcedure   = "/orders.v1.Orders/List"
	createProcedure = "/orders.v1.Orders/Create"
	watchProcedure  = "/orders.v1.Orders/Watch"
	chatProcedure   = "/orders.v1.Orders/Chat"
	adminProcedure  = "/orders.v1.Admin/Forgotten"
	healthProcedure = "/grpc.health.v1.Health/Check"
)

const audience = "api://orders"

// table is the policy of the service.
func table() connectauth.Policy {
	return connectauth.Policy{
		Rules: map[string]claims.Rule{
			"/orders.v1.Orders/*": claims.AllScopes("orders.read"),
			createProcedure:       claims.AllScopes("orders.write"),
		},
		Exempt: []string{healthProcedure},
	}
}

// callerOf is who calls, as a procedure sees it: "-" for nobody.
func callerOf(ctx context.Context) string {
	if c, ok := claims.FromContext(ctx); ok {
		return c.ClientID()
	}
	return "-"
}

func says(ctx context.Context) *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{"client_id": structpb.NewStringValue(callerOf(ctx))}}
}

// service serves the procedures. Watch and Chat last until their context ends.
func service(options ...connect.HandlerOption) *http.ServeMux {
	mux := http.NewServeMux()
	unary := func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[structpb.Struct], error) {
		return connect.NewResponse(says(ctx)), nil
	}
	safe := append([]connect.HandlerOption{connect.WithIdempotency(connect.IdempotencyNoSideEffects)}, options...)
	mux.Handle(listProcedure, connect.NewUnaryHandler(listProcedure, unary, safe...))
	for _, procedure := range []string{createProcedure, adminProcedure, healthProcedure} {
		mux.Handle(procedure, connect.NewUnaryHandler(procedure, unary, options...))
	}
	mux.Handle(watchProcedure, connect.NewServerStreamHandler(watchProcedure, func(ctx context.Context, _ *connect.Request[emptypb.Empty], stream *connect.ServerStream[structpb.Struct]) error {
		if err := stream.Send(says(ctx)); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}, options...))
	mux.Handle(chatProcedure, connect.NewBidiStreamHandler(chatProcedure, func(ctx context.Context, stream *connect.BidiStream[emptypb.Empty, structpb.Struct]) error {
		if err := stream.Send(says(ctx)); err != nil {
			return err
		}
		for {
			if _, err := stream.Receive(); err != nil {
				return err
			}
		}
	}, options...))
	return mux
}

// now is when everything here happens, for issuers and Gates: a token that ends soon
// is good for the start of a call, however slow the machine.
var now = time.Now().Truncate(time.Second)

func newIssuer(t *testing.T, options ...jwkstest.Option) *jwkstest.Issuer {
	t.Helper()
	clock := jwkstest.WithClock(func() time.Time { return now })
	return jwkstest.New(t, append([]jwkstest.Option{jwkstest.WithAudience(audience), jwkstest.Claims{"client_id": "warehouse"}, clock}, options...)...)
}

func scope(names ...string) jwkstest.Claims {
	return jwkstest.Claims{"scope": strings.Join(names, " ")}
}

// open opens a Gate for issuers that leaves nothing to clocks that differ.
func open(t *testing.T, guard middleware.Config, issuers ...*jwkstest.Issuer) *sallyport.Gate {
	t.Helper()
	cfg := sallyport.Config{Guard: guard}
	cfg.Verifier.Leeway = -1
	cfg.Verifier.Now = func() time.Time { return now }
	cfg.Verifier.Revoked = func(_ context.Context, c *claims.Claims) (bool, error) {
		if c.Subject() == "unknowable" {
			return false, errors.New("the list cannot be had")
		}
		return c.Subject() == "revoked", nil
	}
	for _, iss := range issuers {
		cfg.Providers = append(cfg.Providers, providers.Generic(iss.Issuer(), audience))
	}
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gate.Close()) })
	return gate
}

// enforced is the service behind a table.
func enforced(t *testing.T, guard connectauth.Guard, p connectauth.Policy, next http.Handler) http.Handler {
	t.Helper()
	enforce, err := connectauth.Enforce(guard, p)
	require.NoError(t, err)
	return enforce(next)
}

// serve serves HTTP/1.1 and HTTP/2 without TLS on a free port, and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return serveOn(t, l, h)
}

func serveOn(t *testing.T, l net.Listener, h http.Handler) string {
	t.Helper()
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, Protocols: new(http.Protocols)}}
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// http2 is a client that speaks HTTP/2 without TLS.
func http2(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// http1 is a client that speaks HTTP/1.1.
func http1(t *testing.T) *http.Client {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// protocol is one that clients speak.
type protocol struct {
	name    string
	options []connect.ClientOption
	client  func(*testing.T) *http.Client
}

var protocols = []protocol{
	{"Connect", nil, http1},
	{"Connect over HTTP/2", nil, http2},
	{"Connect with JSON", []connect.ClientOption{connect.WithProtoJSON()}, http1},
	{"Connect by GET", []connect.ClientOption{connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects)}, http1},
	{"gRPC", []connect.ClientOption{connect.WithGRPC()}, http2},
	{"gRPC-Web", []connect.ClientOption{connect.WithGRPCWeb()}, http1},
}

type client = connect.Client[emptypb.Empty, structpb.Struct]

func (p protocol) dial(t *testing.T, url string) *client {
	t.Helper()
	return connect.NewClient[emptypb.Empty, structpb.Struct](p.client(t), url, p.options...)
}

// request is a request with these Authorization lines.
func request(authorization ...string) *connect.Request[emptypb.Empty] {
	r := connect.NewRequest(&emptypb.Empty{})
	if len(authorization) > 0 {
		r.Header()["Authorization"] = authorization
	}
	return r
}

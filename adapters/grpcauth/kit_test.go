package grpcauth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	audience = "api://orders"

	list   = "/orders.v1.Orders/List"
	create = "/orders.v1.Orders/Create"
	watch  = "/orders.v1.Orders/Watch"
	load   = "/orders.v1.Orders/Load"
	chat   = "/orders.v1.Orders/Chat"
)

var (
	reads  = claims.AllScopes("orders.read")
	writes = claims.AllScopes("orders.read", "orders.write")
	reader = jwkstest.Claims{"scope": "orders.read"}
)

// orders is the service behind the door. Its methods are what the tests give it.
type orders struct {
	reached atomic.Int64
	decoded atomic.Int64 // messages of unary methods
	unary   func(context.Context) (any, error)
	stream  func(grpc.ServerStream) error
}

// whoCalls says who calls, as every method does unless a test says otherwise.
func whoCalls(ctx context.Context) *structpb.Struct {
	id := "nobody"
	if c, ok := claims.FromContext(ctx); ok {
		id = c.ClientID()
	}
	return &structpb.Struct{Fields: map[string]*structpb.Value{"client_id": structpb.NewStringValue(id)}}
}

func (o *orders) answer(ctx context.Context) (any, error) {
	o.reached.Add(1)
	if o.unary != nil {
		return o.unary(ctx)
	}
	return whoCalls(ctx), nil
}

func (o *orders) serve(_ any, s grpc.ServerStream) error {
	o.reached.Add(1)
	if o.stream != nil {
		return o.stream(s)
	}
	if err := s.RecvMsg(new(emptypb.Empty)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return s.SendMsg(whoCalls(s.Context()))
}

// method is a unary method, as generated code has it.
func (o *orders) method(name string) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := new(emptypb.Empty)
		if err := decode(in); err != nil {
			return nil, err
		}
		o.decoded.Add(1)
		handler := func(ctx context.Context, _ any) (any, error) { return o.answer(ctx) }
		if interceptor == nil {
			return handler(ctx, in)
		}
		return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/orders.v1.Orders/" + name}, handler)
	}}
}

func (o *orders) desc(name string) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: name,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{o.method("List"), o.method("Create")},
		Streams: []grpc.StreamDesc{
			{StreamName: "Watch", Handler: o.serve, ServerStreams: true},
			{StreamName: "Load", Handler: o.serve, ClientStreams: true},
			{StreamName: "Chat", Handler: o.serve, ClientStreams: true, ServerStreams: true},
		},
	}
}

// issuerOf is an authorization server whose tokens are for these tests.
func issuerOf(t *testing.T, options ...jwkstest.Option) *jwkstest.Issuer {
	t.Helper()
	return jwkstest.New(t, append([]jwkstest.Option{jwkstest.WithAudience(audience), jwkstest.Claims{"client_id": "warehouse"}}, options...)...)
}

// gateOf is a Gate for tokens of issuers. What it decides comes in the header
// x-decision of the answer.
func gateOf(t *testing.T, cfg middleware.Config, issuers ...*jwkstest.Issuer) *sallyport.Gate {
	t.Helper()
	cfg.Realm = "orders"
	cfg.OnEvent = func(ctx context.Context, ev middleware.Event) {
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-decision", string(ev.Outcome)+" "+string(ev.Reason), "x-route", ev.Route)) // not in HTTP
	}
	all := sallyport.Config{Guard: cfg}
	all.Verifier.Leeway = -1
	for _, iss := range issuers {
		all.Providers = append(all.Providers, providers.Generic(iss.Issuer(), audience))
	}
	gate, err := sallyport.Open(all)
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	return gate
}

func policy() grpcauth.Policy {
	return grpcauth.Policy{Rules: map[string]claims.Rule{list: reads, create: writes, watch: reads, load: reads, chat: reads}}
}

func newAuth(t *testing.T, guard grpcauth.Guard, p grpcauth.Policy) *grpcauth.Interceptor {
	t.Helper()
	auth, err := grpcauth.New(guard, p)
	require.NoError(t, err)
	return auth
}

// listen serves on a free port of the loopback interface and returns the address.
func listen(t *testing.T, server *grpc.Server) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return serveOn(t, l, server)
}

func serveOn(t *testing.T, l net.Listener, server *grpc.Server) string {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return l.Addr().String()
}

// serve serves the orders behind auth, and returns a connection to them.
func serve(t *testing.T, auth *grpcauth.Interceptor, o *orders, options ...grpc.ServerOption) *grpc.ClientConn {
	t.Helper()
	server := grpc.NewServer(append(options, auth.ServerOptions()...)...)
	server.RegisterService(o.desc("orders.v1.Orders"), nil)
	return connect(t, listen(t, server))
}

func connect(t *testing.T, addr string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	if len(options) == 0 {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	conn, err := grpc.NewClient(addr, options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// bearing is a context with these authorization lines.
func bearing(ctx context.Context, lines ...string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.MD{"authorization": lines})
}

// result is what a client gets.
type result struct {
	code     codes.Code
	message  string
	caller   string // client_id of the answer
	decision string
	route    string
	header   metadata.MD
	trailer  metadata.MD
	info     *errdetails.ErrorInfo
	retry    *errdetails.RetryInfo
}

var kinds = map[string]grpc.StreamDesc{
	watch: {ServerStreams: true}, load: {ClientStreams: true}, chat: {ClientStreams: true, ServerStreams: true},
}

// call calls a method once, with one message each way.
func call(ctx context.Context, conn *grpc.ClientConn, method string) result {
	var r result
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer := new(structpb.Struct)
	kind, isStream := kinds[method]
	if !isStream {
		err := conn.Invoke(ctx, method, new(emptypb.Empty), answer, grpc.Header(&r.header), grpc.Trailer(&r.trailer))
		return r.of(answer, err)
	}
	s, err := conn.NewStream(ctx, &kind, method)
	if err != nil {
		return r.of(answer, err)
	}
	_ = s.SendMsg(new(emptypb.Empty)) // what went wrong is what RecvMsg says
	_ = s.CloseSend()
	err = s.RecvMsg(answer)
	r.header, _ = s.Header()
	if err == nil {
		if err = s.RecvMsg(new(structpb.Struct)); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	r.trailer = s.Trailer()
	return r.of(answer, err)
}

func (r result) of(answer *structpb.Struct, err error) result {
	st := status.Convert(err)
	r.code, r.message = st.Code(), st.Message()
	r.caller = answer.GetFields()["client_id"].GetStringValue()
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			r.info = d
		case *errdetails.RetryInfo:
			r.retry = d
		}
	}
	if v := r.header.Get("x-decision"); len(v) == 1 {
		r.decision = v[0]
	}
	if v := r.header.Get("x-route"); len(v) == 1 {
		r.route = v[0]
	}
	return r
}

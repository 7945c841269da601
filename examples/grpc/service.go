package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sallyport-go/sallyport/claims"
)

// every is the time between two messages of Watch.
const every = 200 * time.Millisecond

// maxOrders is how many are kept: it is an example, and anybody with the level adds.
const maxOrders = 100

// orders is the service of orders.proto. It is written by hand so that the example
// needs no compiler of protobuf.
type orders struct {
	ending <-chan struct{} // closed when the server ends: streams must not hold it up

	mu      sync.Mutex
	created int
}

// caller says who calls.
func caller(ctx context.Context) string {
	if c, ok := claims.FromContext(ctx); ok {
		return c.ClientID()
	}
	return ""
}

// answer is an answer to a call, with the id of the client that made it.
func answer(ctx context.Context, members map[string]any) (*structpb.Struct, error) {
	members["client_id"] = caller(ctx)
	return structpb.NewStruct(members)
}

func (o *orders) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.created
}

func (o *orders) list(ctx context.Context) (*structpb.Struct, error) {
	last := o.count()
	ids := []any{}
	for id := max(1, last-maxOrders+1); id <= last; id++ {
		ids = append(ids, strconv.Itoa(id))
	}
	return answer(ctx, map[string]any{"orders": ids})
}

func (o *orders) create(ctx context.Context) (*structpb.Struct, error) {
	o.mu.Lock()
	o.created++
	id := strconv.Itoa(o.created)
	o.mu.Unlock()
	return answer(ctx, map[string]any{"id": id})
}

// watch sends until its caller leaves, its token expires or the server ends.
func (o *orders) watch(_ any, s grpc.ServerStream) error {
	if err := s.RecvMsg(new(emptypb.Empty)); err != nil {
		return err
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		message, err := answer(s.Context(), map[string]any{"orders": o.count()})
		if err != nil {
			return err
		}
		if err := s.SendMsg(message); err != nil {
			return err
		}
		select {
		case <-s.Context().Done():
			return s.Context().Err()
		case <-o.ending:
			return status.Error(codes.Unavailable, "the server is ending")
		case <-ticker.C:
		}
	}
}

// service is what a compiler would make of orders.proto.
func (o *orders) service() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: "orders.v1.Orders",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{unary("List", o.list), unary("Create", o.create)},
		Streams:     []grpc.StreamDesc{{StreamName: "Watch", Handler: o.watch, ServerStreams: true}},
		Metadata:    "orders.proto",
	}
}

func unary(name string, method func(context.Context) (*structpb.Struct, error)) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(server any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		request := new(emptypb.Empty)
		if err := decode(request); err != nil {
			return nil, err
		}
		handler := func(ctx context.Context, _ any) (any, error) { return method(ctx) }
		if interceptor == nil {
			return handler(ctx, request)
		}
		return interceptor(ctx, request, &grpc.UnaryServerInfo{Server: server, FullMethod: "/orders.v1.Orders/" + name}, handler)
	}}
}

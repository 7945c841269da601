package grpcauth

import (
	"context"
	"slices"

	"google.golang.org/grpc"
)

// Registrar returns a registrar of server by which methods without a stream are judged
// before their message is received, as streams always are:
//
//	ordersv1.RegisterOrdersServer(auth.Registrar(server), service)
//
// The message of a caller that is refused is neither received nor unpacked, and the
// refusal does not wait for it. The interceptors are needed all the same
// ([Interceptor.ServerOptions]), for streams and for services that are registered
// otherwise; they do not verify again what passed here. Interceptors of the server see
// no call that is refused here.
func (i *Interceptor) Registrar(server grpc.ServiceRegistrar) grpc.ServiceRegistrar {
	return &registrar{server, i.orZero()}
}

type registrar struct {
	server grpc.ServiceRegistrar
	i      *Interceptor
}

// RegisterService registers a service with its methods guarded. The description, which
// generated code shares, stays as it is.
func (r *registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	own := *desc
	own.Methods = slices.Clone(desc.Methods)
	for k, m := range own.Methods {
		own.Methods[k].Handler = r.i.early("/"+desc.ServiceName+"/"+m.MethodName, m.Handler)
	}
	r.server.RegisterService(&own, impl)
}

// early returns the handler of a method that is asked for its message when the call
// was admitted. A message that does not come is awaited no longer than the token is
// good, where calls end with it.
func (i *Interceptor) early(full string, next grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, receive func(any) error, further grpc.UnaryServerInterceptor) (any, error) {
		info := &grpc.UnaryServerInfo{Server: srv, FullMethod: full}
		return i.unary(ctx, nil, info, func(admitted context.Context, _ any) (any, error) {
			ends := endsBefore(admitted, ctx)
			admitted = context.WithValue(admitted, earlyKey{i}, grpc.ServerTransportStreamFromContext(ctx))
			return next(srv, admitted, func(m any) error {
				return untilExpiry(admitted, ends, func() error { return receive(m) })
			}, further)
		})
	}
}

// earlyKey finds the transport of the call that an Interceptor has judged early.
type earlyKey struct{ by *Interceptor }

// judged reports whether this very call was judged before its message. A context that
// went on into another call has the transport of that one.
func (i *Interceptor) judged(ctx context.Context) bool {
	at := ctx.Value(earlyKey{i})
	return at != nil && at == any(grpc.ServerTransportStreamFromContext(ctx))
}

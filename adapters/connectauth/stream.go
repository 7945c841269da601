package connectauth

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// ExpiryInterceptor returns an interceptor for handlers of calls that end with their
// token ([Policy.EndAtExpiry]). Their callers get unauthenticated, with the
// challenge for an expired token, instead of a deadline that they have not set, and
// a Send of a stream fails from then on:
//
//	ordersv1connect.NewOrdersHandler(service, connect.WithInterceptors(connectauth.ExpiryInterceptor(gate)))
//
// An error of the handler that says something else is left as it is, and so is its
// success. It decides about no call, and does nothing in a client. It panics if guard
// is nil.
func ExpiryInterceptor(guard Guard) connect.Interceptor {
	if isNil(guard) {
		panic(errNilGuard)
	}
	return &expiry{guard}
}

type expiry struct{ guard Guard }

// WrapUnary implements [connect.Interceptor].
func (e *expiry) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		return res, e.explain(ctx, err, req)
	}
}

// WrapStreamingClient implements [connect.Interceptor].
func (*expiry) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements [connect.Interceptor].
func (e *expiry) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return e.explain(ctx, next(ctx, &sending{conn, ctx}), conn)
	}
}

// sending is a stream that sends nothing when its token has ended.
type sending struct {
	connect.StreamingHandlerConn
	ctx context.Context //nolint:containedctx // that of the stream, which Send is not given
}

// Send sends a message. The one answer to an upload is sent in any case.
func (s *sending) Send(message any) error {
	if s.Spec().StreamType&connect.StreamTypeServer != 0 && errors.Is(context.Cause(s.ctx), middleware.ErrTokenExpired) {
		return connect.NewError(connect.CodeDeadlineExceeded, middleware.ErrTokenExpired)
	}
	return s.StreamingHandlerConn.Send(message)
}

// explain returns the error of a call that was ended by the end of its token.
func (e *expiry) explain(ctx context.Context, err error, call interface{ Peer() connect.Peer }) error {
	if err == nil || !errors.Is(context.Cause(ctx), middleware.ErrTokenExpired) {
		return err
	}
	var own *connect.Error
	if errors.As(err, &own) && own.Code() != connect.CodeCanceled && own.Code() != connect.CodeDeadlineExceeded {
		return err
	}
	ended := connect.NewError(connect.CodeUnauthenticated, errors.New("the access token of this call has expired"))
	if call.Peer().Protocol == connect.ProtocolGRPC { // its trailers are those of net/http, which logs what it does not let in
		return ended
	}
	a := answer{header: make(http.Header)}
	e.guard.Deny(&a, nil, reason.Expired)
	ended.Meta()["Www-Authenticate"] = a.header["Www-Authenticate"]
	return ended
}

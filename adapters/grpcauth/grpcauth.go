// Package grpcauth has interceptors that put a Guard in front of the methods of a
// [grpc.Server].
//
//	auth, err := grpcauth.New(gate, grpcauth.Policy{
//		Rules:  map[string]claims.Rule{"/orders.v1.Orders/*": claims.AllScopes("orders.read")},
//		Exempt: []string{"/grpc.health.v1.Health/*"},
//	})
//	...
//	server := grpc.NewServer(auth.ServerOptions()...)
//
// The decision is the Guard's own: credential, verification, bindings (DPoP,
// certificates of clients), rule, log, events and metrics are those of net/http. It
// judges a call as the POST request to /package.Service/Method that it is. Methods
// and interceptors further in find the claims by [claims.FromContext].
//
// A method that no entry of the [Policy] names is refused. [Interceptor.Audit], in a
// test, finds those that were forgotten.
//
// # What a client gets
//
//	400, 401   Unauthenticated, with the challenges in the trailer www-authenticate
//	403        PermissionDenied, with the challenge too, which names the scopes
//	503        Unavailable, with google.rpc.RetryInfo
//
// A call that its own caller gave up is Canceled or DeadlineExceeded. Each refusal
// has a google.rpc.ErrorInfo; neither it nor the message says why a token was
// refused, unless [Policy.ShowReasons] is set.
//
// grpc-go receives the message of a unary call before it asks an interceptor: up to
// [grpc.MaxRecvMsgSize], 4 MB unless set, comes in with a call that is refused. With
// services registered by [Interceptor.Registrar] nothing of it is received. Streams
// are judged before their first message.
package grpcauth

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/grpc"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// Guard is a *middleware.Guard or a *sallyport.Gate.
type Guard interface {
	Check(r *http.Request, rule claims.Rule) (*http.Request, *claims.Claims, error)
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	UntilExpiry(ctx context.Context, who *claims.Claims) (context.Context, context.CancelFunc)
}

// Interceptor guards the methods of a server by a [Policy]. It is immutable and safe
// for concurrent use, also by several servers. The zero Interceptor, and a nil one,
// refuses every call as Unavailable; [New] makes one that works.
type Interceptor struct {
	guard       Guard
	table       *table
	endAtExpiry bool
	showReasons bool
}

// New returns an Interceptor, or every mistake of the policy at once.
func New(guard Guard, p Policy) (*Interceptor, error) {
	if guard == nil {
		return nil, errors.New("grpcauth: the Guard is nil")
	}
	t, err := compile(guard, p)
	if err != nil {
		return nil, err
	}
	return &Interceptor{guard: guard, table: t, endAtExpiry: p.EndAtExpiry, showReasons: p.ShowReasons}, nil
}

// ServerOptions returns what a server needs for all of its methods to be guarded:
// [Interceptor.Unary] and [Interceptor.Stream]. Interceptors of options further left
// run before them and see every call, those further right see what passed.
func (i *Interceptor) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(i.Unary()), grpc.ChainStreamInterceptor(i.Stream())}
}

// Unary returns the interceptor for methods without a stream. A server with streams
// needs [Interceptor.Stream] too, and is open without it.
func (i *Interceptor) Unary() grpc.UnaryServerInterceptor { return i.orZero().unary }

// Stream returns the interceptor for methods with a stream, of the client or of the
// server. A server with other methods needs [Interceptor.Unary] too, and is open
// without it.
func (i *Interceptor) Stream() grpc.StreamServerInterceptor { return i.orZero().stream }

var zeroInterceptor = Interceptor{guard: (*middleware.Guard)(nil), table: &table{}}

// orZero returns the Interceptor that refuses everything for one that is nil or zero.
func (i *Interceptor) orZero() *Interceptor {
	if i == nil || i.guard == nil {
		return &zeroInterceptor
	}
	return i
}

func (i *Interceptor) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	c := i.call(ctx, info.FullMethod)
	if c.entry.exempt || i.judged(ctx) {
		return next(ctx, req)
	}
	admitted, end, refused := c.admit(ctx)
	if refused != nil {
		_ = grpc.SetTrailer(ctx, refused.trailer) // fails only where no server sends it
		return nil, refused.err
	}
	defer end()
	answer, err := next(admitted, req)
	if err != nil && tokenExpired(admitted) { // what the method did to its end is answered
		refused = c.expired(ctx)
		_ = grpc.SetTrailer(ctx, refused.trailer)
		return nil, refused.err
	}
	return answer, err
}

func (i *Interceptor) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx := s.Context()
	c := i.call(ctx, info.FullMethod)
	if c.entry.exempt {
		return next(srv, s)
	}
	admitted, end, refused := c.admit(ctx)
	if refused != nil {
		s.SetTrailer(refused.trailer)
		return refused.err
	}
	defer end()
	own := &stream{ServerStream: s, ctx: admitted, ends: endsBefore(admitted, ctx), isServerStream: info.IsServerStream}
	err := next(srv, own)
	if tokenExpired(admitted) && (err != nil || !own.answered()) {
		refused = c.expired(ctx)
		s.SetTrailer(refused.trailer)
		return refused.err
	}
	return err
}

package grpcauth_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

const lifetime = 30 * time.Second // of a token in a bubble

// bubble is a server and its client in a bubble of synctest, where time is not the
// wall's.
type bubble struct {
	*grpc.ClientConn
	*orders
	iss *jwkstest.Issuer
}

func newBubble(t *testing.T, endsWith string, options ...grpc.ServerOption) *bubble {
	t.Helper()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"), jwkstest.WithAudience(audience))
	v, err := verifier.New(verifier.Config{Leeway: -1, Issuers: []verifier.Issuer{{Name: iss.Issuer(), Audiences: []string{audience}, Keys: iss.KeySet()}}})
	require.NoError(t, err)
	guard, err := middleware.New(middleware.Config{Verifier: v, EndAtExpiry: endsWith == "the Guard"})
	require.NoError(t, err)
	p := policy()
	p.EndAtExpiry = strings.HasPrefix(endsWith, "the policy")
	b := bubbleOf(t, guard, p, strings.HasSuffix(endsWith, "early"), options...)
	b.iss = iss
	return b
}

func bubbleOf(t *testing.T, guard grpcauth.Guard, p grpcauth.Policy, early bool, options ...grpc.ServerOption) *bubble {
	t.Helper()
	b := &bubble{orders: &orders{}}
	auth := newAuth(t, guard, p)
	server := grpc.NewServer(append(options, auth.ServerOptions()...)...)
	var to grpc.ServiceRegistrar = server
	if early {
		to = auth.Registrar(server)
	}
	to.RegisterService(b.desc("orders.v1.Orders"), nil)
	l := bufconn.Listen(1 << 10)
	serveOn(t, l, server)
	b.ClientConn = connect(t, "passthrough:///orders", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	return b
}

// bearing is a context with a token that is good for a lifetime. What does not end with it
// ends much later.
func (b *bubble) bearing(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*lifetime)
	t.Cleanup(cancel)
	return bearing(ctx, "Bearer "+b.iss.Token(reader, jwkstest.Claims{"exp": time.Now().Add(lifetime)}))
}

// open opens a stream and sends the first message.
func (b *bubble) open(ctx context.Context, t *testing.T, method string) grpc.ClientStream {
	t.Helper()
	kind := kinds[method]
	s, err := b.NewStream(ctx, &kind, method)
	require.NoError(t, err)
	require.NoError(t, s.SendMsg(new(emptypb.Empty)))
	if !kind.ClientStreams {
		require.NoError(t, s.CloseSend())
	}
	return s
}

// endOf is how a stream ended.
func endOf(s grpc.ClientStream, err error) result { return result{trailer: s.Trailer()}.of(nil, err) }

func assertExpired(t *testing.T, got result) {
	t.Helper()
	assert.Equal(t, codes.Unauthenticated, got.code, got.message)
	assert.Equal(t, "the access token has expired", got.message)
	assert.Equal(t, "INVALID_TOKEN", got.info.GetReason())
	assert.Equal(t, []string{`Bearer error="invalid_token"`}, got.trailer["www-authenticate"])
}

// lasting are methods that last, each with its own way to wait.
var lasting = map[string]struct {
	method string
	serve  func(s grpc.ServerStream) error
}{
	"it waits for its context and says so": {watch, func(s grpc.ServerStream) error {
		<-s.Context().Done()
		return s.Context().Err()
	}},
	"it waits for its context and ends well": {watch, func(s grpc.ServerStream) error {
		<-s.Context().Done()
		return nil
	}},
	"it says something else": {watch, func(s grpc.ServerStream) error {
		<-s.Context().Done()
		return status.Error(codes.Internal, "the database is gone")
	}},
	"it sends and sends": {watch, func(s grpc.ServerStream) error {
		for {
			time.Sleep(time.Second)
			if err := s.SendMsg(whoCalls(s.Context())); err != nil {
				return err
			}
		}
	}},
	"it sends and does not look whether it could": {watch, func(s grpc.ServerStream) error {
		for range 100 {
			time.Sleep(time.Second)
			_ = s.SendMsg(whoCalls(s.Context()))
		}
		return nil
	}},
	"it waits for a message": {chat, func(s grpc.ServerStream) error {
		for {
			if err := s.RecvMsg(new(emptypb.Empty)); err != nil {
				return err
			}
		}
	}},
	"it waits for a message that ends an upload": {load, func(s grpc.ServerStream) error {
		for {
			if err := s.RecvMsg(new(emptypb.Empty)); err != nil {
				return err
			}
		}
	}},
}

func TestStreamsEndWithTheirToken(t *testing.T) {
	t.Parallel()
	for name, row := range lasting {
		for _, endsWith := range []string{"the policy", "the Guard"} {
			t.Run(name+", by "+endsWith, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBubble(t, endsWith)
					b.stream = row.serve
					begun := time.Now()
					s := b.open(b.bearing(t), t, row.method)
					var err error
					for err == nil {
						err = s.RecvMsg(new(structpb.Struct))
					}
					assertExpired(t, endOf(s, err))
					assert.LessOrEqual(t, lifetime-time.Since(begun), time.Second, "it ended too early")
					assert.Less(t, time.Since(begun), lifetime+100*time.Second)
				})
			})
		}
	}
}

// A peer that takes nothing does not keep a stream beyond its token.
func TestAStreamThatNobodyReadsEndsWithItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, "the policy")
		ended := make(chan time.Time, 1)
		b.stream = func(s grpc.ServerStream) error {
			defer func() { ended <- time.Now() }()
			for {
				if err := s.SendMsg(wrapperspb.Bytes(make([]byte, 1<<20))); err != nil {
					assert.Equal(t, codes.Unauthenticated, status.Code(err))
					return err
				}
			}
		}
		begun := time.Now()
		s := b.open(b.bearing(t), t, watch)
		assert.Equal(t, lifetime, (<-ended).Sub(begun).Truncate(time.Second))
		var err error
		for err == nil {
			err = s.RecvMsg(new(wrapperspb.BytesValue))
		}
		assertExpired(t, endOf(s, err))
	})
}

func TestNothingIsSentBehindTheEndOfTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, "the policy")
		var errs []error
		ended := make(chan struct{})
		b.stream = func(s grpc.ServerStream) error {
			defer close(ended)
			time.Sleep(lifetime + time.Second)
			errs = append(errs, s.SendMsg(whoCalls(s.Context())), s.RecvMsg(new(emptypb.Empty)))
			time.Sleep(time.Second) // what was begun would be sent meanwhile
			return nil
		}
		s := b.open(b.bearing(t), t, chat)
		err := s.RecvMsg(new(structpb.Struct))
		assertExpired(t, endOf(s, err))
		<-ended
		for _, err := range errs {
			assert.Equal(t, codes.Unauthenticated, status.Code(err))
		}
	})
}

func TestUnaryMethodsEndWithTheirToken(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		unary func(context.Context) (any, error)
		want  codes.Code
	}{
		"one that heeds its context": {func(ctx context.Context) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, codes.Unauthenticated},
		"one that has done its work all the same": {func(ctx context.Context) (any, error) {
			<-ctx.Done()
			return whoCalls(ctx), nil
		}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, endsWith := range []string{"the policy", "the policy, early"} {
					b := newBubble(t, endsWith)
					b.unary = row.unary
					begun := time.Now()
					got := call(b.bearing(t), b.ClientConn, list)
					assert.Equal(t, row.want, got.code, got.message)
					assert.Equal(t, lifetime, time.Since(begun).Truncate(time.Second))
					if row.want == codes.Unauthenticated {
						assertExpired(t, got)
					}
				}
			})
		})
	}
}

// The answer to an upload is not taken back.
func TestAnUploadThatWasAnsweredIsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, "the policy")
		b.stream = func(s grpc.ServerStream) error {
			err := s.SendMsg(whoCalls(s.Context()))
			<-s.Context().Done()
			return err
		}
		s := b.open(b.bearing(t), t, load)
		require.NoError(t, s.RecvMsg(new(structpb.Struct)))
		assert.ErrorIs(t, s.RecvMsg(new(structpb.Struct)), io.EOF)
	})
}

func TestStreamsOutliveTheirTokenUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, "nothing")
		b.stream = func(s grpc.ServerStream) error {
			time.Sleep(10 * lifetime)
			return s.SendMsg(whoCalls(s.Context()))
		}
		s := b.open(b.bearing(t), t, watch)
		assert.NoError(t, s.RecvMsg(new(structpb.Struct)))
		assert.ErrorIs(t, s.RecvMsg(new(structpb.Struct)), io.EOF)
	})
}

var waysToGiveUp = []struct {
	name string
	end  func(context.Context) (context.Context, context.CancelFunc)
	want codes.Code
}{
	{"by a deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, lifetime/2)
	}, codes.DeadlineExceeded},
	{"by giving up", func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		stop := time.AfterFunc(lifetime/2, cancel)
		return ctx, func() { stop.Stop(); cancel() }
	}, codes.Canceled},
}

// reporting has what the server itself says of each call sent to answers.
func reporting(answers chan<- error) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			answer, err := next(ctx, req)
			answers <- err
			return answer, err
		}),
		grpc.StreamInterceptor(func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			err := next(srv, s)
			answers <- err
			return err
		}),
	}
}

// What its own caller ends is no matter of the token.
func TestACallThatItsCallerEndsIsNotUnauthenticated(t *testing.T) {
	t.Parallel()
	for _, way := range waysToGiveUp {
		for method, serve := range map[string]func(s grpc.ServerStream) error{
			watch: lasting["it waits for its context and says so"].serve,
			chat:  lasting["it waits for a message"].serve,
		} {
			t.Run(way.name+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					answers := make(chan error, 1)
					b := newBubble(t, "the policy", reporting(answers)...)
					b.stream = serve
					ctx, cancel := way.end(b.bearing(t))
					defer cancel()
					s := b.open(ctx, t, method)
					assert.Equal(t, way.want, status.Code(s.RecvMsg(new(structpb.Struct))))
					assert.Contains(t, []codes.Code{codes.Canceled, codes.DeadlineExceeded}, codeOf(<-answers), "the server's own word")
				})
			})
		}
	}
}

// codeOf is the code that grpc-go makes of an error.
func codeOf(err error) codes.Code {
	if st, ok := status.FromError(err); ok {
		return st.Code()
	}
	return status.FromContextError(err).Code()
}

// A panic of a codec goes where the interceptors of the method can recover it.
func TestAPanicWhileSendingIsThatOfTheMethod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, "the policy")
		recovered := make(chan any, 1)
		b.stream = func(s grpc.ServerStream) (err error) {
			defer func() { recovered <- recover() }()
			return s.SendMsg(panics{})
		}
		s := b.open(b.bearing(t), t, watch)
		_ = s.RecvMsg(new(structpb.Struct))
		assert.Contains(t, <-recovered, "a codec of the user")
	})
}

// panics is a message that cannot be encoded.
type panics struct{}

func (panics) ProtoReflect() protoreflect.Message { panic("a codec of the user") }

// A codec that ends its goroutine has sent nothing.
func TestAGoroutineThatEndsWhileSendingIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, "the policy")
		b.stream = func(s grpc.ServerStream) error { return s.SendMsg(exits{}) }
		s := b.open(b.bearing(t), t, watch)
		assert.Equal(t, codes.Internal, status.Code(s.RecvMsg(new(structpb.Struct))))
	})
}

type exits struct{}

func (exits) ProtoReflect() protoreflect.Message { runtime.Goexit(); return nil }

// waiting is a Verifier whose keys do not come.
type waiting struct{}

func (waiting) Verify(ctx context.Context, _ string) (*claims.Claims, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// While keys are awaited a caller may give up: that is no verdict on its token.
func TestACallerThatGivesUpWhileKeysAreAwaitedIsCanceled(t *testing.T) {
	t.Parallel()
	for _, method := range []string{list, watch, chat} {
		for _, way := range waysToGiveUp {
			t.Run(way.name+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					guard, err := middleware.New(middleware.Config{Verifier: waiting{}})
					require.NoError(t, err)
					answers := make(chan error, 1)
					b := bubbleOf(t, guard, policy(), false, reporting(answers)...)
					ctx, cancel := way.end(t.Context())
					defer cancel()
					assert.Equal(t, way.want, call(bearing(ctx, "Bearer x"), b.ClientConn, method).code)
					assert.Contains(t, []codes.Code{codes.Canceled, codes.DeadlineExceeded}, codeOf(<-answers), "the server's own word")
					assert.Zero(t, b.reached.Load())
				})
			})
		}
	}
}

// A stream ends with its token over a socket too, by the wall's clock.
func TestAStreamOverASocketEndsWithItsToken(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	p := policy()
	p.EndAtExpiry = true
	o := &orders{stream: lasting["it waits for a message"].serve}
	conn := serve(t, newAuth(t, gateOf(t, middleware.Config{}, iss), p), o)
	kind := kinds[chat]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := conn.NewStream(bearing(ctx, "Bearer "+iss.Token(reader, jwkstest.Claims{"exp": time.Now().Add(2 * time.Second)})), &kind, chat)
	require.NoError(t, err)
	err = s.RecvMsg(new(structpb.Struct))
	assertExpired(t, endOf(s, err))
	assert.EqualValues(t, 1, o.reached.Load(), "it ended in the method")
}

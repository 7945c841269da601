package connectauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// ending is the table, with the option that ends calls with their token.
func ending() connectauth.Policy {
	p := table()
	p.EndAtExpiry = true
	return p
}

// short is a token that ends a second after a call with it has begun.
func short(iss *jwkstest.Issuer) string {
	return "Bearer " + iss.Token(scope("orders.read", "orders.write"), jwkstest.Claims{"exp": now.Add(time.Second).Unix()})
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{Realm: "orders"}, iss)
	telling := serve(t, enforced(t, gate, ending(), service(connect.WithInterceptors(connectauth.ExpiryInterceptor(gate)))))
	plain := serve(t, enforced(t, gate, ending(), service()))
	byGuard := serve(t, enforced(t, open(t, middleware.Config{EndAtExpiry: true}, iss), table(), service()))
	challenge := []string{`Bearer realm="orders", error="invalid_token"`}
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			err := p.watch(t, telling, short(iss))
			assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err), "%v", err)
			assert.ErrorContains(t, err, "the access token of this call has expired")
			var ended *connect.Error
			require.ErrorAs(t, err, &ended)
			if p.name != "gRPC" { // whose trailers net/http does not let have it
				assert.Equal(t, challenge, ended.Meta().Values("WWW-Authenticate"))
			}
			assert.Equal(t, connect.CodeDeadlineExceeded, connect.CodeOf(p.watch(t, plain, short(iss))), "without the interceptor")
			assert.Equal(t, connect.CodeDeadlineExceeded, connect.CodeOf(p.watch(t, byGuard, short(iss))), "by the option of the Guard")
		})
	}
}

// watch reads a stream to its end, and returns the error that ended it.
func (p protocol) watch(t *testing.T, url, authorization string) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(20*time.Second, cancel).Stop()
	stream, err := p.dial(t, url+watchProcedure).CallServerStream(ctx, request(authorization))
	require.NoError(t, err)
	defer func() { require.NoError(t, stream.Close()) }()
	require.True(t, stream.Receive(), "%v", stream.Err())
	assert.Equal(t, "warehouse", stream.Msg().GetFields()["client_id"].GetStringValue())
	assert.False(t, stream.Receive())
	return stream.Err()
}

// A handler that waits for the next message of its caller does not look at its context.
func TestAWaitForMessagesEndsWithTheToken(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	url := serve(t, enforced(t, gate, ending(), service(connect.WithInterceptors(connectauth.ExpiryInterceptor(gate)))))
	for _, p := range []protocol{protocols[1], protocols[4]} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer time.AfterFunc(20*time.Second, cancel).Stop()
			stream := p.dial(t, url+chatProcedure).CallBidiStream(ctx)
			stream.RequestHeader().Set("Authorization", short(iss))
			require.NoError(t, stream.Send(&emptypb.Empty{}))
			_, err := stream.Receive()
			require.NoError(t, err)
			_, err = stream.Receive()
			assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err), "%v", err)
			_ = stream.CloseRequest()
			require.NoError(t, stream.CloseResponse())
		})
	}
}

func TestAStreamGoesOnWithoutTheOption(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	expired := make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle(watchProcedure, connect.NewServerStreamHandler(watchProcedure, func(ctx context.Context, _ *connect.Request[emptypb.Empty], stream *connect.ServerStream[structpb.Struct]) error {
		if err := stream.Send(says(ctx)); err != nil {
			return err
		}
		<-expired
		return errors.Join(ctx.Err(), stream.Send(says(ctx)))
	}))
	url := serve(t, enforced(t, open(t, middleware.Config{}, iss), table(), mux))
	token := short(iss)
	stream, err := protocols[0].dial(t, url+watchProcedure).CallServerStream(t.Context(), request(token))
	require.NoError(t, err)
	require.True(t, stream.Receive(), "%v", stream.Err())

	// Another one with this token, that began later and was to end with it, has ended.
	ends := serve(t, enforced(t, open(t, middleware.Config{}, iss), ending(), service()))
	require.Error(t, protocols[0].watch(t, ends, token))
	close(expired)
	assert.True(t, stream.Receive(), "%v", stream.Err())
	assert.False(t, stream.Receive())
	require.NoError(t, stream.Err())
	require.NoError(t, stream.Close())
}

// ended is a context that a token has ended, and one that something else has.
func ended(t *testing.T, cause error) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	return ctx
}

// conn is a stream that is not used.
type conn struct{ connect.StreamingHandlerConn }

func (conn) Peer() connect.Peer { return connect.Peer{} }

func TestTheInterceptorExplainsTheEndOfATokenAlone(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	i := connectauth.ExpiryInterceptor(open(t, middleware.Config{}, iss))
	byToken := ended(t, middleware.ErrTokenExpired)
	notFound := connect.NewError(connect.CodeNotFound, errors.New("no such order"))
	for _, row := range []struct {
		name string
		ctx  context.Context
		err  error
		code connect.Code // 0: what the handler returned
	}{
		{"the end of the context", byToken, context.DeadlineExceeded, connect.CodeUnauthenticated},
		{"its end as Connect calls it", byToken, connect.NewError(connect.CodeDeadlineExceeded, context.DeadlineExceeded), connect.CodeUnauthenticated},
		{"the end of a query", byToken, connect.NewError(connect.CodeCanceled, context.Canceled), connect.CodeUnauthenticated},
		{"an error without a code", byToken, io.ErrUnexpectedEOF, connect.CodeUnauthenticated},
		{"the handler's own error", byToken, notFound, 0},
		{"the handler's success", byToken, nil, 0},
		{"a caller that is gone", ended(t, context.Canceled), context.Canceled, 0},
		{"a context that goes on", t.Context(), connect.NewError(connect.CodeDeadlineExceeded, context.DeadlineExceeded), 0},
	} {
		_, unary := i.WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) { return nil, row.err })(row.ctx, request())
		stream := i.WrapStreamingHandler(func(context.Context, connect.StreamingHandlerConn) error { return row.err })(row.ctx, conn{})
		for _, err := range []error{unary, stream} {
			if row.code == 0 {
				assert.Equal(t, row.err, err, row.name)
				continue
			}
			assert.Equal(t, row.code, connect.CodeOf(err), row.name)
		}
	}
	called := false
	i.WrapStreamingClient(func(context.Context, connect.Spec) connect.StreamingClientConn { called = true; return nil })(t.Context(), connect.Spec{})
	assert.True(t, called)
}

// stream is one of a kind, that counts what it sends.
type stream struct {
	conn
	kind connect.StreamType
	sent int
}

func (s *stream) Spec() connect.Spec { return connect.Spec{StreamType: s.kind} }
func (s *stream) Send(any) error     { s.sent++; return nil }

// The answer to an upload is sent, for the work is done. What has no end ends.
func TestBehindTheEndAnAnswerIsSentAndNoMessageOfAStream(t *testing.T) {
	t.Parallel()
	i := connectauth.ExpiryInterceptor(open(t, middleware.Config{}, newIssuer(t)))
	for kind, want := range map[connect.StreamType]int{connect.StreamTypeClient: 1, connect.StreamTypeServer: 0, connect.StreamTypeBidi: 0} {
		for name, ctx := range map[string]context.Context{"by its token": ended(t, middleware.ErrTokenExpired), "by its caller": ended(t, context.Canceled), "not at all": t.Context()} {
			s := &stream{kind: kind}
			err := i.WrapStreamingHandler(func(_ context.Context, conn connect.StreamingHandlerConn) error { return conn.Send(nil) })(ctx, s)
			if name != "by its token" || want == 1 {
				assert.NoError(t, err, name)
				assert.Equal(t, 1, s.sent, name)
				continue
			}
			assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err))
			assert.Zero(t, s.sent)
		}
	}
}

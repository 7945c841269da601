package grpcauth_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// counting is a listener that counts what its connections read.
type counting struct {
	net.Listener
	read atomic.Int64
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countedConn{conn, &c.read}, nil
}

type countedConn struct {
	net.Conn
	read *atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// early serves the orders by the registrar of auth.
func early(t *testing.T, auth *grpcauth.Interceptor, o *orders) (*grpc.ClientConn, *counting) {
	t.Helper()
	server := grpc.NewServer(auth.ServerOptions()...)
	auth.Registrar(server).RegisterService(o.desc("orders.v1.Orders"), nil)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &counting{Listener: l}
	return connect(t, serveOn(t, c, server)), c
}

func TestTheMessageOfAStrangerIsNotReceived(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	iss := issuerOf(t)
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), policy())
	message := wrapperspb.Bytes(make([]byte, size))
	for _, row := range []struct {
		name   string
		lines  []string
		method string
		code   codes.Code
	}{
		{"no token", nil, list, codes.Unauthenticated},
		{"a bad token", []string{"Bearer x"}, list, codes.Unauthenticated},
		{"a token that does not allow it", []string{"Bearer " + iss.Token(reader)}, create, codes.PermissionDenied},
		{"a good token", []string{"Bearer " + iss.Token(reader)}, list, codes.OK},
	} {
		o := &orders{}
		conn, received := early(t, auth, o)
		err := conn.Invoke(bearing(t.Context(), row.lines...), row.method, message, new(structpb.Struct))
		assert.Equal(t, row.code, status.Code(err), "%s: %v", row.name, err)
		if row.code == codes.OK {
			assert.EqualValues(t, 1, o.decoded.Load(), row.name)
			assert.Greater(t, received.read.Load(), int64(size), "this counts")
			continue
		}
		assert.Zero(t, o.decoded.Load(), row.name)
		assert.Less(t, received.read.Load(), int64(size/4), row.name)
	}
}

// Who has not sent a message yet gets the refusal.
func TestARefusalDoesNotWaitForTheMessage(t *testing.T) {
	t.Parallel()
	conn, _ := early(t, newAuth(t, gateOf(t, middleware.Config{}, issuerOf(t)), policy()), &orders{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, list)
	require.NoError(t, err)
	assert.Equal(t, codes.Unauthenticated, status.Code(s.RecvMsg(new(structpb.Struct))))
}

// What is judged before its message gets the answers of what is judged behind it, and
// one event.
func TestACallThatIsJudgedEarlyIsAnsweredAlike(t *testing.T) {
	t.Parallel()
	iss, down := issuerOf(t), issuerOf(t)
	down.Fail(http.StatusInternalServerError)
	conns := map[string]*grpc.ClientConn{}
	conns[""], _ = early(t, newAuth(t, gateOf(t, middleware.Config{}, iss), policy()), &orders{})
	conns["down"], _ = early(t, newAuth(t, gateOf(t, middleware.Config{}, down), policy()), &orders{})
	for _, r := range rows(iss, down) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			methods := []string{list, watch}
			if r.method == create {
				methods = []string{create}
			}
			for _, method := range methods {
				r.judge(t, method, call(bearing(t.Context(), r.lines...), conns[r.gate], method))
			}
		})
	}
	for name, auth := range map[string]*grpcauth.Interceptor{"nil": nil, "zero": {}} {
		conn, _ := early(t, auth, &orders{})
		assert.Equal(t, codes.Unavailable, call(bearing(t.Context(), "Bearer x"), conn, list).code, name)
	}
	p := policy()
	delete(p.Rules, list)
	p.Exempt = []string{list}
	open, _ := early(t, newAuth(t, gateOf(t, middleware.Config{}, iss), p), &orders{})
	assert.Equal(t, "nobody", call(t.Context(), open, list).caller, "an exempt method")
	shadow, _ := early(t, newAuth(t, gateOf(t, middleware.Config{Shadow: true}, iss), policy()), &orders{})
	got := call(t.Context(), shadow, list)
	assert.Equal(t, "nobody", got.caller, "shadow mode")
	assert.Equal(t, "shadow no_token", got.decision)
}

// A message that does not come is not awaited for ever.
func TestAWaitForTheMessageEndsWithTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, "the policy, early")
		begun := time.Now()
		s, err := b.NewStream(b.bearing(t), &grpc.StreamDesc{ClientStreams: true}, list)
		require.NoError(t, err)
		err = s.RecvMsg(new(structpb.Struct))
		assertExpired(t, endOf(s, err))
		assert.Equal(t, lifetime, time.Since(begun).Truncate(time.Second))
		assert.Zero(t, b.reached.Load())
	})
}

// The description is shared by all servers of a program.
func TestTheDescriptionOfAServiceStaysAsItIs(t *testing.T) {
	t.Parallel()
	auth := newAuth(t, gateOf(t, middleware.Config{}, issuerOf(t)), policy())
	desc := (&orders{}).desc("orders.v1.Orders")
	guarded, open := grpc.NewServer(auth.ServerOptions()...), grpc.NewServer()
	auth.Registrar(guarded).RegisterService(desc, nil)
	open.RegisterService(desc, nil)
	const service = "orders.v1.Orders"
	assert.ElementsMatch(t, open.GetServiceInfo()[service].Methods, guarded.GetServiceInfo()[service].Methods, "what the audit is told")
	assert.Equal(t, codes.Unauthenticated, call(t.Context(), connect(t, listen(t, guarded)), list).code)
	assert.Equal(t, codes.OK, call(t.Context(), connect(t, listen(t, open)), list).code)
}

// checks is a Guard that counts what it is asked.
type checks struct {
	grpcauth.Guard
	asked atomic.Int64
}

func (c *checks) Check(r *http.Request, rule claims.Rule) (*http.Request, *claims.Claims, error) {
	c.asked.Add(1)
	return c.Guard.Check(r, rule)
}

func TestACallThatIsJudgedEarlyIsJudgedOnce(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	guard := &checks{Guard: gateOf(t, middleware.Config{}, iss)}
	conn, _ := early(t, newAuth(t, guard, policy()), &orders{})
	assert.Equal(t, codes.OK, call(bearing(t.Context(), "Bearer "+iss.Token(reader)), conn, list).code)
	assert.EqualValues(t, 1, guard.asked.Load())
}

// What was judged is that call, and none that its context went on into.
func TestACallThatGoesOnIntoAnotherIsJudgedAgain(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), policy())
	further := make(chan codes.Code, 1)
	conn, _ := early(t, auth, &orders{unary: func(ctx context.Context) (any, error) {
		other := grpc.NewContextWithServerTransportStream(ctx, routedAs{method: create})
		_, err := auth.Unary()(other, nil, &grpc.UnaryServerInfo{FullMethod: create}, func(context.Context, any) (any, error) { return nil, nil })
		further <- status.Code(err)
		return whoCalls(ctx), nil
	}})
	assert.Equal(t, codes.OK, call(bearing(t.Context(), "Bearer "+iss.Token(reader)), conn, list).code)
	assert.Equal(t, codes.PermissionDenied, <-further)
	_, err := auth.Unary()(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: list}, func(context.Context, any) (any, error) { return nil, nil })
	assert.Equal(t, codes.Unauthenticated, status.Code(err), "a call without a transport")
}

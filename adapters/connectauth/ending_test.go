package connectauth_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
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

// watching is a service whose Watch is what a test gives it.
func watching(watch func(context.Context, *connect.ServerStream[structpb.Struct]) error, options ...connect.HandlerOption) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(watchProcedure, connect.NewServerStreamHandler(watchProcedure, func(ctx context.Context, _ *connect.Request[emptypb.Empty], stream *connect.ServerStream[structpb.Struct]) error {
		return watch(ctx, stream)
	}, options...))
	return mux
}

// A caller that takes nothing, or all that it gets, does not keep a stream beyond its token.
func TestASendEndsWithTheToken(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	long := &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewStringValue(strings.Repeat("x", 1<<20))}}
	for _, p := range protocols {
		for _, row := range []struct {
			name    string
			reads   bool
			late    bool // the answer begins when the token has ended
			options []connect.HandlerOption
			want    connect.Code
		}{
			{"to a caller that takes nothing", false, false, nil, 0},
			{"to a caller that takes nothing, too late", false, true, nil, 0},
			{"to a caller that takes all", true, false, nil, 0},
			{"to a caller that takes all, with the interceptor", true, false, []connect.HandlerOption{connect.WithInterceptors(connectauth.ExpiryInterceptor(gate))}, connect.CodeUnauthenticated},
		} {
			t.Run(p.name+", "+row.name, func(t *testing.T) {
				t.Parallel()
				returned := make(chan error, 1)
				h := watching(func(ctx context.Context, stream *connect.ServerStream[structpb.Struct]) (err error) {
					defer func() { returned <- err }()
					if row.late {
						<-ctx.Done()
					}
					pace := time.NewTicker(time.Millisecond)
					defer pace.Stop()
					for ; err == nil; <-pace.C {
						err = stream.Send(map[bool]*structpb.Struct{true: says(ctx), false: long}[row.reads])
					}
					return err
				}, append(row.options, connect.WithCompressMinBytes(1<<30))...)
				url := serve(t, enforced(t, gate, ending(), h))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stream, err := p.dial(t, url+watchProcedure).CallServerStream(ctx, request(short(iss)))
				require.NoError(t, err)
				require.True(t, stream.Receive(), "%v", stream.Err())
				for row.reads && stream.Receive() { // until it ends
				}
				select {
				case err := <-returned:
					assert.Error(t, err)
				case <-time.After(2 * time.Minute):
					t.Error("the handler still waits for its caller")
				}
				if row.want != 0 {
					assert.Equal(t, row.want, connect.CodeOf(stream.Err()), "%v", stream.Err())
				}
				cancel()
				_ = stream.Close()
			})
		}
	}
}

// What comes after the end of a call on its connection is another call, of another
// caller where a proxy has it.
func TestTheConnectionGoesOnBehindTheEndOfAToken(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	url := serve(t, enforced(t, gate, ending(), service(connect.WithInterceptors(connectauth.ExpiryInterceptor(gate)))))
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			same := p.client(t)
			p.client = func(*testing.T) *http.Client { return same }
			assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(p.watch(t, url, short(iss))))
			reused := false
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { reused = got.Reused }})
			answer, err := p.dial(t, url+listProcedure).CallUnary(ctx, request("Bearer "+iss.Token(scope("orders.read"))))
			require.NoError(t, err)
			assert.Equal(t, "warehouse", answer.Msg.GetFields()["client_id"].GetStringValue())
			assert.True(t, reused, "it was another connection")
		})
	}
}

// What remains of a message that was not awaited is no request.
func TestTheConnectionEndsInTheMiddleOfAMessage(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	url := serve(t, enforced(t, gate, ending(), service(connect.WithInterceptors(connectauth.ExpiryInterceptor(gate)))))
	for contentType, procedure := range map[string]string{"application/proto": createProcedure, "application/connect+json": watchProcedure, "application/grpc-web+proto": createProcedure} {
		t.Run(contentType, func(t *testing.T) {
			t.Parallel()
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(2*time.Minute)))
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: api\r\nContent-Type: %s\r\nContent-Length: 1000\r\nAuthorization: %s\r\n\r\n", procedure, contentType, short(iss))
			require.NoError(t, err)
			in := bufio.NewReader(conn)
			answer, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			assert.True(t, answer.Close)
			_, _ = io.WriteString(conn, "GET /smuggled HTTP/1.1\r\nHost: api\r\n\r\n")
			rest, _ := io.ReadAll(in)
			assert.Empty(t, string(rest), "an answer to what was in the message")
		})
	}
}

// A procedure that does not heed its context answers when it is done: for its callers it
// has done its work. This one takes longer than what is left for an answer that has begun.
func TestAnAnswerThatBeginsBehindTheEndArrives(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	over := make(chan struct{})
	time.AfterFunc(7*time.Second, func() { close(over) }) // it is of the wall's clock, as the deadlines of sockets
	mux := http.NewServeMux()
	mux.Handle(listProcedure, connect.NewUnaryHandler(listProcedure, func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[structpb.Struct], error) {
		<-ctx.Done()
		<-over
		return connect.NewResponse(says(ctx)), nil
	}, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	url := serve(t, enforced(t, open(t, middleware.Config{}, iss), ending(), mux))
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			c := p.dial(t, url+listProcedure)
			answer, err := c.CallUnary(t.Context(), request(short(iss)))
			require.NoError(t, err)
			assert.Equal(t, "warehouse", answer.Msg.GetFields()["client_id"].GetStringValue())
			answer, err = c.CallUnary(t.Context(), request("Bearer "+iss.Token(scope("orders.read"), jwkstest.Claims{"exp": now.Add(2 * time.Second).Unix()})))
			require.NoError(t, err, "a connection that is closed is not used again")
			assert.Equal(t, "warehouse", answer.Msg.GetFields()["client_id"].GetStringValue())
		})
	}
}

// slow is a ResponseWriter that counts deadlines for the answer.
type slow struct {
	*httptest.ResponseRecorder
	deadlines atomic.Int64
}

func (s *slow) SetWriteDeadline(time.Time) error { s.deadlines.Add(1); return nil }

// The deadline of the server's owner is not put off.
func TestAServerWithAWriteTimeoutKeepsIt(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	for timeout, want := range map[time.Duration]int64{0: 1, time.Hour: 0} {
		h := enforced(t, open(t, middleware.Config{}, iss), ending(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			_, _ = io.WriteString(w, "{}")
			_, _ = io.WriteString(w, "{}")
		}))
		server := &http.Server{WriteTimeout: timeout, ReadHeaderTimeout: time.Minute}
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.ServerContextKey, server), http.MethodPost, listProcedure, http.NoBody)
		r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {short(iss)}}
		w := &slow{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, r)
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, want, w.deadlines.Load(), timeout)
	}
}

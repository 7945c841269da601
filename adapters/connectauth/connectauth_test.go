package connectauth_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/middleware/mtls"
)

// bomb returns a message of 64 MiB as a client may send it: 64 KiB on the wire.
func bomb(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	require.NoError(t, err)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, err = w.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return packed.Bytes()
}

// counted counts what handlers read of bodies.
func counted(next http.Handler, read *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = &countedBody{r.Body, read}
		next.ServeHTTP(w, r)
	})
}

type countedBody struct {
	io.ReadCloser
	read *atomic.Int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// It is not parallel: it counts what is allocated.
func TestNothingOfTheMessageOfAStrangerIsReadOrUnpacked(t *testing.T) {
	iss := newIssuer(t)
	good := iss.Token(scope("orders.read", "orders.write"))
	var read atomic.Int64
	url := serve(t, counted(enforced(t, open(t, middleware.Config{}, iss), table(), service()), &read))
	packed := bomb(t)
	client := http1(t)
	send := func(token string) (status int, allocated uint64) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+createProcedure, bytes.NewReader(packed))
		require.NoError(t, err)
		r.Header = http.Header{"Content-Type": {"application/proto"}, "Content-Encoding": {"gzip"}, "Authorization": {"Bearer " + token}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		answer, err := client.Do(r)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		runtime.ReadMemStats(&after)
		return answer.StatusCode, after.TotalAlloc - before.TotalAlloc
	}

	status, _ := send(good + "x") // the keys are there now
	require.Equal(t, 401, status)
	for _, row := range []struct {
		name, token string
		status      int
	}{
		{"a bad token", good + "x", 401},
		{"a good token that may not", iss.Token(scope("orders.read")), 403},
	} {
		status, allocated := send(row.token)
		assert.Equal(t, row.status, status, row.name)
		assert.Less(t, allocated, uint64(8<<20), "%s: what was allocated", row.name)
	}
	assert.Zero(t, read.Load(), "bytes that were read of messages of strangers")

	_, allocated := send(good) // a message that is no Empty, which shows only after it was unpacked
	assert.GreaterOrEqual(t, read.Load(), int64(len(packed)), "this counts")
	assert.Greater(t, allocated, uint64(64<<20), "and so does this")
}

// A caller that has not sent its message gets its answer, in every protocol.
func TestARefusalDoesNotWaitForTheMessage(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	url := serve(t, enforced(t, open(t, middleware.Config{}, iss), table(), service()))
	for _, contentType := range []string{"application/proto", "application/json", "application/connect+proto", "application/grpc-web+proto", "application/grpc"} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: api\r\nContent-Type: %s\r\nContent-Length: 1000000\r\nAuthorization: Bearer x\r\n\r\n", createProcedure, contentType)
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, contentType)
		assert.Equal(t, `Bearer realm="api", error="invalid_token"`, answer.Header.Get("WWW-Authenticate"), contentType)
		require.NoError(t, answer.Body.Close())
	}
}

func TestAProcedureIsJudgedByItsOwnEntry(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	url := serve(t, enforced(t, open(t, middleware.Config{}, iss), table(), service()))
	reader, writer := "Bearer "+iss.Token(scope("orders.read")), "Bearer "+iss.Token(scope("orders.write"))
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, row := range []struct {
				name, procedure, authorization string
				code                           connect.Code // 0: it passes
				caller                         string
			}{
				{"the entry of the service", listProcedure, reader, 0, "warehouse"},
				{"the entry of the service, without the scope", listProcedure, writer, connect.CodePermissionDenied, ""},
				{"the entry of the procedure wins", createProcedure, writer, 0, "warehouse"},
				{"so that the service's does not do", createProcedure, reader, connect.CodePermissionDenied, ""},
				{"no entry at all", adminProcedure, reader, connect.CodePermissionDenied, ""},
				{"no entry and no token", adminProcedure, "", connect.CodeUnauthenticated, ""},
				{"an exempt procedure", healthProcedure, "", 0, "-"},
				{"an exempt procedure, with a token", healthProcedure, reader, 0, "-"},
			} {
				if row.procedure != listProcedure && p.name == "Connect by GET" {
					continue // the others have side effects
				}
				var lines []string
				if row.authorization != "" {
					lines = []string{row.authorization}
				}
				answer, err := p.dial(t, url+row.procedure).CallUnary(t.Context(), request(lines...))
				if row.code != 0 {
					assert.Equal(t, row.code, connect.CodeOf(err), "%s: %v", row.name, err)
					continue
				}
				require.NoError(t, err, row.name)
				assert.Equal(t, row.caller, answer.Msg.GetFields()["client_id"].GetStringValue(), row.name)
			}
		})
	}
}

// What is no exact name of a procedure has no entry, whatever the router behind would make of it.
func TestAPathThatIsNotWrittenAsTheProcedureIsRefused(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	p := table()
	p.Exempt = append(p.Exempt, "/public.v1.Open/*")
	h := enforced(t, open(t, middleware.Config{}, iss), p, reached)
	token := iss.Token(scope("orders.read"))
	for path, status := range map[string]int{
		listProcedure:                                200,
		"/orders.v1.Orders/Anything":                 200, // the service decides
		"/public.v1.Open/Anything":                   200,
		"/orders.v1.Orders/":                         403,
		"/orders.v1.Orders":                          403,
		"/":                                          403,
		"//List":                                     403,
		"/orders.v1.Orders//List":                    403,
		"//orders.v1.Orders/List":                    403,
		"/orders.v1.Orders/List/":                    403,
		"/orders.v1.Orders/List/x":                   403,
		"/orders.v1.Orders/./List":                   403,
		"/x/../orders.v1.Orders/List":                403,
		"/public.v1.Open/../orders.v1.Orders/":       403,
		"/public.v1.Open/%2e%2e":                     403,
		"/public.v1.Open%2fAnything":                 403,
		"/public.v1.%4fpen/Anything":                 403,
		"/orders.v1.Orders/%4cist":                   403,
		"/orders.v1.orders/List":                     403,
		"/api/orders.v1.Orders/List":                 403,
		"/orders.v1.Orders/List?x=/":                 200,
		"http://other.example/orders.v1.Orders/List": 200, // a host is no part of the name
	} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("POST " + path + " HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token + "\r\n\r\n")))
		require.NoError(t, err, path)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, status, w.Code, path)
	}
	for name, target := range map[string]*url.URL{"no URL at all": nil, "a key of the table, as a middleware may set it": {Path: "/orders.v1.Orders/*"}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{Method: http.MethodPost, URL: target, Header: http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}})
		assert.Equal(t, 403, w.Code, name)
	}
}

// The claims of a call are in its own context, and in no other of the connection.
func TestClaimsAreThoseOfTheCall(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	url := serve(t, enforced(t, open(t, middleware.Config{}, iss), table(), service()))
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			c := p.dial(t, url+listProcedure)
			var wg sync.WaitGroup
			for i := range 40 {
				wg.Go(func() {
					who := "client-" + strconv.Itoa(i)
					answer, err := c.CallUnary(t.Context(), request("Bearer "+iss.Token(scope("orders.read"), jwkstest.Claims{"client_id": who})))
					if assert.NoError(t, err) {
						assert.Equal(t, who, answer.Msg.GetFields()["client_id"].GetStringValue())
					}
					_, err = c.CallUnary(t.Context(), request())
					assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err))
				})
			}
			wg.Wait()
		})
	}
}

func TestEveryForgeryIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ method, target, contentType string }{
		{http.MethodPost, listProcedure, "application/json"},
		{http.MethodPost, listProcedure, "application/proto"},
		{http.MethodGet, listProcedure + "?connect=v1&encoding=json&message=%7B%7D", ""},
	} {
		t.Run(row.method+" "+row.contentType, func(t *testing.T) {
			t.Parallel()
			iss := newIssuer(t, jwkstest.WithAlgorithm("ES256"))
			var body io.Reader = http.NoBody
			if row.contentType == "application/json" {
				body = strings.NewReader("{}")
			}
			r := httptest.NewRequest(row.method, row.target, body)
			if row.contentType != "" {
				r.Header.Set("Content-Type", row.contentType)
			}
			h := enforced(t, open(t, middleware.Config{}, iss), table(), service())
			if row.contentType == "application/json" { // the body of the one request is for all of them
				next := h
				h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.Body = io.NopCloser(strings.NewReader("{}"))
					next.ServeHTTP(w, r)
				})
			}
			jwkstest.AttackHandler(t, iss, h, r, scope("orders.read"))
		})
	}
	t.Run("gRPC over a socket", func(t *testing.T) {
		t.Parallel()
		iss := newIssuer(t, jwkstest.WithAlgorithm("ES256"))
		c := protocols[4].dial(t, serve(t, enforced(t, open(t, middleware.Config{}, iss), table(), service()))+listProcedure)
		jwkstest.Attack(t, iss, func(token string) int {
			_, err := c.CallUnary(t.Context(), request("Bearer "+token))
			switch code := connect.CodeOf(err); {
			case err == nil:
				return 200
			case code == connect.CodeUnauthenticated:
				return 401
			case code == connect.CodeInvalidArgument:
				return 400
			case code == connect.CodePermissionDenied:
				return 403
			case strings.Contains(err.Error(), "invalid header field value"):
				return 0 // this client sends no such token
			default:
				t.Logf("%v", err)
				return 500
			}
		}, scope("orders.read"))
	})
}

func TestAGuardThatIsNoneRefuses(t *testing.T) {
	t.Parallel()
	for name, guard := range map[string]connectauth.Guard{"nil": nil, "a nil Guard": (*middleware.Guard)(nil), "a nil Gate": (*sallyport.Gate)(nil)} {
		_, err := connectauth.Enforce(guard, table())
		assert.EqualError(t, err, "connectauth: the Guard is nil", name)
		assert.Panics(t, func() { connectauth.ExpiryInterceptor(guard) }, name)
	}
	for name, guard := range map[string]connectauth.Guard{"a Guard that New did not make": new(middleware.Guard), "a zero Gate": new(sallyport.Gate)} {
		url := serve(t, enforced(t, guard, table(), service()))
		for _, p := range protocols {
			_, err := p.dial(t, url+listProcedure).CallUnary(t.Context(), request("Bearer x"))
			assert.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "%s, %s: %v", name, p.name, err)
		}
	}
}

func TestShadowModeLetsThroughWithoutClaims(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	var events []string
	var mu sync.Mutex
	gate := open(t, middleware.Config{Shadow: true, OnEvent: func(_ context.Context, ev middleware.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, string(ev.Outcome)+" "+string(ev.Reason))
	}}, iss)
	c := protocols[0].dial(t, serve(t, enforced(t, gate, table(), service()))+createProcedure)
	for _, token := range []string{iss.Token(scope("orders.read")), iss.Token(scope("orders.write"))} {
		_, err := c.CallUnary(t.Context(), request("Bearer "+token))
		require.NoError(t, err)
	}
	answer, err := c.CallUnary(t.Context(), request("Bearer x"))
	require.NoError(t, err)
	assert.Equal(t, "-", answer.Msg.GetFields()["client_id"].GetStringValue())
	assert.Equal(t, []string{"shadow insufficient_scope", "verified ", "shadow malformed"}, events, "one event a call")
}

// A call that passes is verified once and reported once.
func TestACallIsJudgedOnce(t *testing.T) {
	t.Parallel()
	var verified, events atomic.Int64
	guard, err := middleware.New(middleware.Config{
		Verifier: verifierFunc(func(context.Context, string) (*claims.Claims, error) {
			verified.Add(1)
			return claims.Parse([]byte(`{"scope":"orders.read"}`), claims.Mapping{})
		}),
		OnEvent: func(context.Context, middleware.Event) { events.Add(1) },
	})
	require.NoError(t, err)
	_, err = protocols[0].dial(t, serve(t, enforced(t, guard, table(), service()))+listProcedure).CallUnary(t.Context(), request("Bearer x"))
	require.NoError(t, err)
	assert.Equal(t, int64(1), verified.Load())
	assert.Equal(t, int64(1), events.Load())
}

type verifierFunc func(context.Context, string) (*claims.Claims, error)

func (f verifierFunc) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	return f(ctx, token)
}

// The preflight of a browser and what speaks no protocol of RPC get what net/http would answer.
func TestWhatIsNoCallGetsTheGuardsOwnAnswer(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{
		Preflight: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
				w.WriteHeader(http.StatusNoContent)
			})
		},
		ErrorBody: func(w http.ResponseWriter, _ *http.Request, _ *middleware.Error) { _, _ = io.WriteString(w, "own") },
	}, iss)
	h := enforced(t, gate, table(), service())
	ask := func(method, contentType, token string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, listProcedure, http.NoBody)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	preflight := ask(http.MethodOptions, "", "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST")
	assert.Equal(t, 204, preflight.Code)
	assert.Equal(t, "https://app.example", preflight.Header().Get("Access-Control-Allow-Origin"))
	exempt := httptest.NewRequest(http.MethodOptions, healthProcedure, http.NoBody)
	exempt.Header = http.Header{"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"POST"}}
	answered := httptest.NewRecorder()
	h.ServeHTTP(answered, exempt)
	assert.Equal(t, 204, answered.Code, "of an exempt procedure too")
	assert.Equal(t, 401, ask(http.MethodOptions, "", "").Code, "OPTIONS that is no preflight")
	form := ask(http.MethodPost, "multipart/form-data", "")
	assert.Equal(t, "401 own", fmt.Sprint(form.Code, " ", form.Body))
	assert.Equal(t, []string{`Bearer realm="api"`}, form.Header()["Www-Authenticate"])
	assert.Equal(t, 415, ask(http.MethodPost, "multipart/form-data", iss.Token(scope("orders.read"))).Code, "Connect's own, behind the rule")
	assert.Equal(t, 403, ask(http.MethodPost, "text/plain", iss.Token()).Code)
	call := ask(http.MethodPost, "application/json", "")
	assert.Contains(t, call.Body.String(), `{"code":"unauthenticated","message":"a bearer access token is required",`, "a call gets an error of its protocol all the same")
	assert.Equal(t, "application/json", call.Header().Get("Content-Type"))
}

func TestACallerThatIsGoneIsNotUnauthenticated(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	iss.Hang()
	h := enforced(t, open(t, middleware.Config{}, iss), table(), service())
	for want, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"canceled": context.WithCancel,
		"deadline_exceeded": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(0, 0))
		},
	} {
		ctx, cancel := end(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, listProcedure, http.NoBody)
		r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + iss.Token(scope("orders.read"))}}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Contains(t, w.Body.String(), `"code":"`+want+`"`)
		assert.Empty(t, w.Header()["Www-Authenticate"])
	}
}

// A call is judged as the request that it is: proofs of DPoP are for its URL, and the
// next nonce comes with the answer.
func TestABoundTokenPassesWithItsProofAlone(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example", Now: func() time.Time { return now }})
	require.NoError(t, err)
	h := enforced(t, open(t, middleware.Config{Bindings: []middleware.Binding{proofs, offering{}}}, iss), table(), service())
	prover := iss.NewProver("ES256")
	token := iss.Token(scope("orders.read"), prover.Bound())
	call := func(prove func(*http.Request)) string {
		r := httptest.NewRequest(http.MethodPost, "https://api.example"+listProcedure, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		prove(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return fmt.Sprint(w.Code, w.Header()["X-Next-Nonce"])
	}
	assert.Equal(t, "200 [n2]", call(func(r *http.Request) { prover.SetProof(r, token) }))
	assert.Equal(t, "401 []", call(func(r *http.Request) { r.Header.Set("Authorization", "DPoP "+token) }), "no proof")
	assert.Equal(t, "401 []", call(func(r *http.Request) {
		prover.SetProof(r, token)
		r.Header.Set("DPoP", prover.Proof(http.MethodPost, "https://api.example"+createProcedure, token))
	}), "the proof of another procedure")
}

// offering is a Binding that has something to tell those who pass.
type offering struct{}

func (offering) Confirms() []string                                               { return []string{"kid"} }
func (offering) Check(*http.Request, middleware.Credential, *claims.Claims) error { return nil }
func (offering) Offer(*http.Request) [][2]string                                  { return [][2]string{{"X-Next-Nonce", "n2"}} }

// The certificate of a client is that of its TLS connection.
func TestACertificateBoundTokenPassesWithItsCertificateAlone(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	binding, err := mtls.New(mtls.Config{})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(enforced(t, open(t, middleware.Config{Bindings: []middleware.Binding{binding}}, iss), table(), service()))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	own := iss.NewCertificate()
	for _, row := range []struct {
		name         string
		certificates []tls.Certificate
		code         connect.Code
	}{
		{"its own", []tls.Certificate{own.TLS()}, 0},
		{"that of another", []tls.Certificate{iss.NewCertificate().TLS()}, connect.CodeUnauthenticated},
		{"none", nil, connect.CodeUnauthenticated},
	} {
		transport := server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = row.certificates
		t.Cleanup(transport.CloseIdleConnections)
		for _, p := range protocols {
			c := connect.NewClient[emptypb.Empty, structpb.Struct](&http.Client{Transport: transport}, server.URL+listProcedure, p.options...)
			_, err := c.CallUnary(t.Context(), request("Bearer "+iss.Token(scope("orders.read"), own.Bound())))
			if row.code == 0 {
				assert.NoError(t, err, "%s: %s", p.name, row.name)
			} else {
				assert.Equal(t, row.code, connect.CodeOf(err), "%s: %s: %v", p.name, row.name, err)
			}
		}
	}
}

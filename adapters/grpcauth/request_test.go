package grpcauth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/middleware/mtls"
)

// asHTTP is an API whose requests become calls of a gRPC server, for attacks that
// speak HTTP.
func asHTTP(conn *grpc.ClientConn, method string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := call(metadata.NewOutgoingContext(r.Context(), metadataOf(r)), conn, method)
		writeAnswer(w, got.code, got.trailer)
	})
}

func metadataOf(r *http.Request) metadata.MD {
	md := metadata.MD{}
	for name, values := range r.Header {
		md.Append(name, values...)
	}
	return md
}

func writeAnswer(w http.ResponseWriter, code codes.Code, trailer metadata.MD) {
	for name, values := range trailer {
		for _, v := range values {
			w.Header().Add(name, v)
		}
	}
	w.WriteHeader(map[codes.Code]int{
		codes.OK: 200, codes.Unauthenticated: 401, codes.PermissionDenied: 403, codes.Unavailable: 503,
		codes.Internal: 400, // a token that no client can send
	}[code])
}

// inProcess is the interceptor alone, which a server would call with what it read of a
// request, for what no client lets through.
func inProcess(auth *grpcauth.Interceptor) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711}}
		if r.TLS != nil {
			p.AuthInfo = credentials.TLSInfo{State: *r.TLS}
		}
		md := metadataOf(r)
		md.Set(":authority", r.Host)
		sent := &trailers{routedAs: routedAs{method: list}}
		ctx := grpc.NewContextWithServerTransportStream(peer.NewContext(metadata.NewIncomingContext(r.Context(), md), p), sent)
		_, err := auth.Unary()(ctx, nil, &grpc.UnaryServerInfo{FullMethod: list}, func(context.Context, any) (any, error) { return nil, nil })
		writeAnswer(w, status.Code(err), sent.md)
	})
}

type trailers struct {
	routedAs
	md metadata.MD
}

func (t *trailers) SetTrailer(md metadata.MD) error {
	t.md = metadata.Join(t.md, md)
	return nil
}

// TestEveryForgeryIsRefused sends all that can be forged of a token to the server, and
// what no client sends to the interceptor.
func TestEveryForgeryIsRefused(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			iss := issuerOf(t, jwkstest.WithAlgorithm(alg))
			auth := newAuth(t, gateOf(t, middleware.Config{}, iss), policy())
			conn := serve(t, auth, &orders{})
			request := httptest.NewRequest(http.MethodPost, list, http.NoBody)
			for name, api := range map[string]http.Handler{"unary": asHTTP(conn, list), "stream": asHTTP(conn, watch), "in process": inProcess(auth)} {
				t.Run(name, func(t *testing.T) { jwkstest.AttackHandler(t, iss, api, request, reader) })
			}
			for name, forgery := range iss.Forgeries(reader) {
				if got := call(bearing(t.Context(), "Bearer "+forgery.Token), conn, list); got.decision != "" && !strings.ContainsAny(forgery.Token, " ,\t") {
					assert.Equal(t, "refused "+string(forgery.Reason), got.decision, name)
				}
			}
		})
	}
}

// TestProofsAreCheckedAgainstTheCall has DPoP work over gRPC: the proof is for the
// address of the method, and what a client must know of the nonce comes in trailers.
func TestProofsAreCheckedAgainstTheCall(t *testing.T) {
	t.Parallel()
	const address = "https://api.example" + list
	iss := issuerOf(t)
	binding, err := dpop.New(dpop.Config{Origin: "https://api.example"})
	require.NoError(t, err)
	conn := serve(t, newAuth(t, gateOf(t, middleware.Config{Bindings: []middleware.Binding{binding}}, iss), policy()), &orders{})
	request := httptest.NewRequest(http.MethodPost, address, http.NoBody)
	jwkstest.AttackHandler(t, iss, asHTTP(conn, list), request, reader)

	client := iss.NewProver("ES256")
	token := iss.Token(reader, client.Bound())
	send := func(proofs ...string) result {
		md := metadata.Pairs("authorization", "DPoP "+token)
		md.Append("dpop", proofs...)
		return call(metadata.NewOutgoingContext(t.Context(), md), conn, list)
	}
	proof := client.Proof(http.MethodPost, address, token)
	assert.Equal(t, codes.OK, send(proof).code)
	got := send(proof)
	assert.Equal(t, "refused replayed_dpop_proof", got.decision)
	assert.Equal(t, "INVALID_DPOP_PROOF", got.info.GetReason())
	assert.Equal(t, "the DPoP proof is not valid for this request", got.message)
	for name, other := range map[string]string{
		"of another method":      client.Proof(http.MethodPost, "https://api.example"+create, token),
		"of another HTTP method": client.Proof(http.MethodGet, address, token),
		"of another host":        client.Proof(http.MethodPost, "https://other.example"+list, token),
	} {
		assert.Equal(t, "refused invalid_dpop_proof", send(other).decision, "a proof %s", name)
	}
	a, b := client.Proof(http.MethodPost, address, token), client.Proof(http.MethodPost, address, token)
	assert.Equal(t, "refused invalid_dpop_proof", send(a, b).decision, "two proofs")
}

func TestANonceComesInATrailer(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	nonces, err := dpop.SharedNonces([]byte(strings.Repeat("s", 32)))
	require.NoError(t, err)
	binding, err := dpop.New(dpop.Config{Origin: "https://api.example", Nonces: nonces})
	require.NoError(t, err)
	conn := serve(t, newAuth(t, gateOf(t, middleware.Config{Bindings: []middleware.Binding{binding}}, iss), policy()), &orders{})
	client := iss.NewProver("ES256")
	token := iss.Token(reader, client.Bound())
	send := func(method string, options ...jwkstest.TokenOption) result {
		md := metadata.Pairs("authorization", "DPoP "+token, "dpop", client.Proof(http.MethodPost, "https://api.example"+method, token, options...))
		return call(metadata.NewOutgoingContext(t.Context(), md), conn, method)
	}
	for _, method := range []string{list, watch} {
		got := send(method)
		assert.Equal(t, "USE_DPOP_NONCE", got.info.GetReason())
		require.Len(t, got.trailer["dpop-nonce"], 1)
		assert.Equal(t, codes.OK, send(method, jwkstest.Claims{"nonce": got.trailer["dpop-nonce"][0]}).code)
	}
}

// TestCertificatesOfClientsAreSeen takes the certificate from the connection.
func TestCertificatesOfClientsAreSeen(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	binding, err := mtls.New(mtls.Config{Required: true})
	require.NoError(t, err)
	auth := newAuth(t, gateOf(t, middleware.Config{Bindings: []middleware.Binding{binding}}, iss), policy())
	own, client, other := iss.NewCertificate(), iss.NewCertificate(), iss.NewCertificate()
	server := grpc.NewServer(append(auth.ServerOptions(), grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own.TLS()}, ClientAuth: tls.RequestClientCert,
	})))...)
	server.RegisterService((&orders{}).desc("orders.v1.Orders"), nil)
	addr := listen(t, server)
	with := func(certificates ...tls.Certificate) *grpc.ClientConn {
		return connect(t, addr, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: certificates, InsecureSkipVerify: true,
			VerifyConnection: func(s tls.ConnectionState) error { // it has no name
				require.Equal(t, own.X509().Raw, s.PeerCertificates[0].Raw)
				return nil
			},
		})))
	}
	for _, method := range []string{list, watch} {
		for _, row := range []struct {
			name     string
			conn     *grpc.ClientConn
			token    string
			decision string
		}{
			{"the certificate of the token", with(client.TLS()), iss.Token(reader, client.Bound()), "verified "},
			{"another certificate", with(other.TLS()), iss.Token(reader, client.Bound()), "refused wrong_certificate"},
			{"no certificate", with(), iss.Token(reader, client.Bound()), "refused wrong_certificate"},
			{"a token that is bound to none", with(client.TLS()), iss.Token(reader), "refused unsupported_binding"},
		} {
			got := call(bearing(t.Context(), "Bearer "+row.token), row.conn, method)
			assert.Equal(t, row.decision, got.decision, "%s: %s", row.name, got.message)
		}
	}
	request := client.On(httptest.NewRequest(http.MethodPost, list, http.NoBody))
	jwkstest.AttackHandler(t, iss, inProcess(auth), request, reader, client.Bound())
	request.TLS.PeerCertificates = []*x509.Certificate{other.X509()}
	w := httptest.NewRecorder()
	request.Header.Set("Authorization", "Bearer "+iss.Token(reader, client.Bound()))
	inProcess(auth).ServeHTTP(w, request)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}

// TestRulesSeeTheCallAsItCame shows rules all values of metadata, the host, the peer
// and the method.
func TestRulesSeeTheCallAsItCame(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	seen := make(chan *http.Request, 1)
	look := claims.FuncCall("any", func(_ *claims.Claims, asked claims.Call) bool {
		r, ok := middleware.RequestOf(asked)
		if ok {
			seen <- r
		}
		return ok && asked.Param("tenant") == ""
	})
	p := policy()
	p.Rules[list], p.Rules[watch] = look, look
	conn := serve(t, newAuth(t, gateOf(t, middleware.Config{}, iss), p), &orders{})
	for _, method := range []string{list, watch} {
		md := metadata.Pairs("authorization", "Bearer "+iss.Token(), "x-tenant", "a", "x-tenant", "b", "x-raw-bin", "\x00\x01")
		assert.Equal(t, codes.OK, call(metadata.NewOutgoingContext(t.Context(), md), conn, method).code)
		r := <-seen
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, method, r.URL.Path)
		assert.Equal(t, method, r.RequestURI)
		assert.Equal(t, conn.Target(), r.Host)
		assert.Equal(t, []string{"a", "b"}, r.Header["X-Tenant"])
		assert.Equal(t, []string{"\x00\x01"}, r.Header["X-Raw-Bin"])
		assert.Regexp(t, `^127\.0\.0\.1:\d+$`, r.RemoteAddr)
		assert.NotContains(t, r.Header, ":authority")
		assert.Nil(t, r.TLS)
	}
}

// TestTokensAreFoundWhereTheGuardLooks has a Guard read its tokens elsewhere.
func TestTokensAreFoundWhereTheGuardLooks(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	own := middleware.Config{Credentials: func(r *http.Request) (middleware.Credential, error) {
		return middleware.Credential{Token: r.Header.Get("X-Forwarded-Access-Token")}, nil
	}}
	conn := serve(t, newAuth(t, gateOf(t, own, iss), policy()), &orders{})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-forwarded-access-token", iss.Token(reader))
	assert.Equal(t, codes.OK, call(ctx, conn, list).code)
	assert.Equal(t, codes.Unauthenticated, call(bearing(t.Context(), "Bearer "+iss.Token(reader)), conn, list).code)
}

// A path without its slash comes over the wire as any other.
//
// GO-2026-4762: https://pkg.go.dev/vuln/GO-2026-4762
func TestAPathWithoutALeadingSlashReachesNothing(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	o := &orders{}
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), grpcauth.Policy{Exempt: []string{"/orders.v1.Orders/*"}})
	server := grpc.NewServer(append(auth.ServerOptions(), grpc.UnknownServiceHandler(o.serve))...)
	server.RegisterService(o.desc("orders.v1.Orders"), nil)
	addr := listen(t, server)
	assert.NotEqual(t, "0", rawCall(t, addr, "orders.v1.Orders/List"))
	assert.Zero(t, o.reached.Load())
	assert.Equal(t, "0", rawCall(t, addr, list), "the call is otherwise good")
	assert.EqualValues(t, 1, o.reached.Load())
}

// rawCall sends a call frame by frame and returns the grpc-status of its answer.
func rawCall(t *testing.T, addr, path string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte(http2.ClientPreface))
	require.NoError(t, err)
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	require.NoError(t, framer.WriteSettings())
	var block strings.Builder
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "api.example"}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndHeaders: true}))
	require.NoError(t, framer.WriteData(1, true, make([]byte, 5))) // one empty message
	for {
		frame, err := framer.ReadFrame()
		require.NoError(t, err)
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range f.Fields {
				if field.Name == "grpc-status" {
					return field.Value
				}
			}
		case *http2.RSTStreamFrame:
			return f.ErrCode.String()
		}
	}
}

// A server that net/http serves has the same interceptors: calls are judged alike, but
// net/http sends no challenge in a trailer.
func TestCallsThatNetHTTPServesAreJudged(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	server := grpc.NewServer(newAuth(t, gateOf(t, middleware.Config{}, iss), policy()).ServerOptions()...)
	server.RegisterService((&orders{}).desc("orders.v1.Orders"), nil)
	api := httptest.NewUnstartedServer(server)
	api.Config.Protocols = new(http.Protocols)
	api.Config.Protocols.SetUnencryptedHTTP2(true)
	api.Start()
	t.Cleanup(api.Close)
	conn := connect(t, api.Listener.Addr().String())
	t.Cleanup(func() { _ = conn.Close() }) // before the server, which waits for it
	for _, method := range []string{list, watch} {
		got := call(bearing(t.Context(), "Bearer "+iss.Token(reader)), conn, method)
		assert.Equal(t, "warehouse", got.caller, got.message)
		got = call(t.Context(), conn, method)
		assert.Equal(t, codes.Unauthenticated, got.code)
		assert.Equal(t, "TOKEN_REQUIRED", got.info.GetReason())
		assert.Empty(t, got.trailer["www-authenticate"])
		token := "Bearer " + iss.Token(reader)
		assert.Equal(t, codes.Unauthenticated, call(bearing(t.Context(), token, token), conn, method).code)
	}
}

// Of two names of the host none is the host.
func TestAHostThatIsDoubledIsNone(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	p := policy()
	p.Rules[list] = claims.FuncCall("no host", func(_ *claims.Claims, asked claims.Call) bool {
		r, ok := middleware.RequestOf(asked)
		return ok && r.Host == ""
	})
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), p)
	md := metadata.Pairs(":authority", "a.example", ":authority", "b.example", "authorization", "Bearer "+iss.Token())
	_, err := auth.Unary()(metadata.NewIncomingContext(t.Context(), md), nil, &grpc.UnaryServerInfo{FullMethod: list},
		func(context.Context, any) (any, error) { return nil, nil })
	assert.NoError(t, err)
}

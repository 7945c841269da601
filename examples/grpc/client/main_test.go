package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/internal/trust"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an authorization server with its log, and a gRPC API that trusts it.
type world struct {
	auth *devauth.Server
	log  testkit.Buffer
	addr string
}

func newWorld(t *testing.T, rule claims.Rule) *world {
	t.Helper()
	w := &world{}
	w.auth = testkit.Auth(t, devauth.Config{Logger: slog.New(slog.NewTextHandler(&w.log, nil))})
	var issuers []trust.Issuer
	trusted := w.auth.Issuers()
	for i := range trusted {
		issuers = append(issuers, trust.Issuer{Name: trusted[i].Issuer, Audiences: trusted[i].Audiences})
	}
	gate, err := sallyport.NewFrom(trust.Providers(issuers, "")...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	w.addr = serve(t, gate, rule)
	return w
}

// serve serves any method, guarded by one rule.
func serve(t *testing.T, gate *sallyport.Gate, rule claims.Rule) string {
	t.Helper()
	auth, err := grpcauth.New(gate, grpcauth.Policy{Rules: map[string]claims.Rule{"/orders.v1.Orders/*": rule}})
	require.NoError(t, err)
	server := grpc.NewServer(append(auth.ServerOptions(), grpc.UnknownServiceHandler(answer))...)
	l := testkit.Listener(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return l.Addr().String()
}

// answer says who calls: once, or for Watch until the caller leaves.
func answer(_ any, s grpc.ServerStream) error {
	if err := s.RecvMsg(new(emptypb.Empty)); err != nil {
		return err
	}
	method, _ := grpc.MethodFromServerStream(s)
	who, _ := claims.FromContext(s.Context())
	text := &structpb.Struct{Fields: map[string]*structpb.Value{"client_id": structpb.NewStringValue(who.ClientID())}}
	for {
		if err := s.SendMsg(text); err != nil || !strings.HasSuffix(method, "/Watch") {
			return err
		}
	}
}

// flags are those of a client of the messaging platform, but for the secret.
func (w *world) flags(t *testing.T) (flags []string, who devauth.Client) {
	t.Helper()
	who, err := w.auth.Client(devauth.Messaging, devauth.GetOnly)
	require.NoError(t, err)
	return []string{"-addr", w.addr, "-auth-style", "header", "-token-url", w.auth.TokenRequest(who).URL, "-client-id", who.ID}, who
}

// program runs the client and returns its exit status and what it printed.
func program(ctx context.Context, secret string, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(ctx, args, func(string) string { return secret }, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestOneTokenIsFetchedForAllCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claims.AnyToken())
	flags, who := w.flags(t)
	code, out, errs := program(t.Context(), who.Secret, append(flags, "-n", "2")...)
	require.Equal(t, exitOK, code, errs)
	assert.Equal(t, 1, strings.Count(w.log.String(), "devauth: token "), "token requests")
	answer := "map[client_id:" + who.ID + "]"
	assert.Equal(t, []string{"List " + answer, "Create " + answer, "List " + answer, "Watch " + answer, "Watch " + answer}, strings.Split(strings.TrimSpace(out), "\n"))
}

func TestACallThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	forbidden, open := newWorld(t, claims.AllScopes("orders.admin")), newWorld(t, claims.AnyToken())
	away := jwkstest.New(t)
	away.Fail(http.StatusInternalServerError)
	gate, err := sallyport.New(away.Issuer(), away.Audience())
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	for _, row := range []struct {
		name   string
		w      *world
		args   []string
		secret string
		want   []string
	}{
		{"a token that may not", forbidden, nil, "", []string{"List: ", "PermissionDenied", "reason: INSUFFICIENT_SCOPE"}},
		{"another API's token", open, []string{"-addr", serve(t, gate, claims.AnyToken())}, "", []string{"Unauthenticated", "reason: INVALID_TOKEN"}},
		{"no token", open, nil, "not-the-secret", []string{"Unavailable", "no token", "invalid_client"}},
		{"nobody there", open, []string{"-addr", testkit.FreeAddr(t)}, "", []string{"Unavailable"}},
	} {
		flags, who := row.w.flags(t)
		if row.secret != "" {
			who.Secret = row.secret
		}
		code, out, errs := program(t.Context(), who.Secret, append(slices.Clone(flags), row.args...)...)
		assert.Equal(t, exitFailed, code, row.name)
		assert.Empty(t, out, row.name)
		for _, want := range row.want {
			assert.Contains(t, errs, want, row.name)
		}
		assert.NotContains(t, errs, who.Secret, row.name)
	}
}

func TestARefusalThatMayEndSaysWhenToTryAgain(t *testing.T) {
	t.Parallel()
	unavailable, err := status.New(codes.Unavailable, "no keys").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(2 * time.Second)})
	require.NoError(t, err)
	assert.Contains(t, explain(fmt.Errorf("List: %w", unavailable.Err())), "\ntry again in 2s")
}

// The token of a call does not leave this machine in the clear.
func TestAServerElsewhereIsCalledWithTLS(t *testing.T) {
	t.Parallel()
	for host, plain := range map[string]bool{"127.0.0.1": true, "localhost": true, "::1": true, "api.example": false, "10.0.0.1": false, "localhost.example": false} {
		assert.Equal(t, plain, isLoopback(host), host)
		assert.Equal(t, plain, !perCall{plain: isLoopback(host)}.RequireTransportSecurity())
	}
}

func TestWrongFlagsAreNamedTogether(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][]string{
		"-auth-style body stray":                                    {"-token-url must be", "-client-id is missing", `-auth-style "body" must be params or header`, "CLIENT_SECRET", `"stray"`},
		"-client-id c -token-url http://issuer.example/token":       {"-token-url must be an https URL"},
		"-client-id c -token-url https://issuer.example/t -n=seven": {"-n"},
	} {
		code, out, errs := program(t.Context(), "", strings.Fields(args)...)
		assert.Equal(t, exitUsage, code, args)
		for _, want := range want {
			assert.Contains(t, errs, want, args)
		}
		assert.Empty(t, out)
	}
	code, _, errs := program(t.Context(), "", "-h")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, errs, "-token-url")
}

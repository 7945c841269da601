package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/trust"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// call calls a procedure by Connect over HTTP/1.1.
func call(t *testing.T, url, procedure, token string) (map[string]any, error) {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	client := connect.NewClient[emptypb.Empty, structpb.Struct](&http.Client{Transport: transport}, url+procedure)
	r := connect.NewRequest(&emptypb.Empty{})
	if token != "" {
		r.Header().Set("Authorization", "Bearer "+token)
	}
	answer, err := client.CallUnary(t.Context(), r)
	if err != nil {
		return nil, err
	}
	return answer.Msg.AsMap(), nil
}

func TestTheLevelsOfTheProcedures(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	url := started(t, iss)
	get, post := iss.Token(level("get")), iss.Token(level("post"))
	for _, row := range []struct {
		name, procedure, token string
		code                   connect.Code // 0: it passes
		want                   map[string]any
	}{
		{"List with get", listProcedure, get, 0, map[string]any{"client_id": "warehouse", "orders": []any{}}},
		{"List with post", listProcedure, post, connect.CodePermissionDenied, nil},
		{"List with nothing", listProcedure, "", connect.CodeUnauthenticated, nil},
		{"Create with get", createProcedure, get, connect.CodePermissionDenied, nil},
		{"Create with post", createProcedure, post, 0, map[string]any{"client_id": "warehouse"}},
		{"List shows it", listProcedure, get, 0, map[string]any{"client_id": "warehouse", "orders": []any{"1"}}},
		{"what is not there", "/orders.v1.Orders/Delete", post, connect.CodePermissionDenied, nil},
		{"a token for another API", listProcedure, iss.Token(level("get"), jwkstest.WithAudience("api://other")), connect.CodeUnauthenticated, nil},
	} {
		got, err := call(t, url, row.procedure, row.token)
		if row.code != 0 {
			assert.Equal(t, row.code, connect.CodeOf(err), "%s: %v", row.name, err)
			continue
		}
		require.NoError(t, err, row.name)
		assert.Equal(t, row.want, got, row.name)
	}
}

func TestEveryProcedureHasARule(t *testing.T) {
	t.Parallel()
	api, err := newAPI(new(sallyport.Gate), config{issuers: []trust.Issuer{{Name: "https://issuer.example", Audiences: []string{audience}}}})
	require.NoError(t, err)
	report, err := connectauth.Audit(api, listProcedure, createProcedure, watchProcedure)
	require.NoError(t, err)
	assert.Len(t, report, 3)
}

// The client of grpc-go sees the codes of gRPC, and the challenge in the header.
func TestAClientOfGRPC(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	conn, err := grpc.NewClient(strings.TrimPrefix(started(t, iss), "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	for _, row := range []struct {
		name, procedure string
		authorization   []string
		code            codes.Code
		challenge       []string
	}{
		{"a good token", listProcedure, []string{"Bearer " + iss.Token(level("get"))}, codes.OK, nil},
		{"no token", listProcedure, nil, codes.Unauthenticated, []string{`Bearer realm="api"`}},
		{"a bad token", listProcedure, []string{"Bearer x"}, codes.Unauthenticated, []string{`Bearer realm="api", error="invalid_token"`}},
		{"two tokens", listProcedure, []string{"Bearer x", "Bearer x"}, codes.Unauthenticated, []string{`Bearer realm="api", error="invalid_request"`}},
		{"a level that is missing", createProcedure, []string{"Bearer " + iss.Token(level("get"))}, codes.PermissionDenied, []string{`Bearer realm="api", error="insufficient_scope", scope="post"`}},
	} {
		ctx := metadata.NewOutgoingContext(t.Context(), metadata.MD{"authorization": row.authorization})
		var answer structpb.Struct
		var header metadata.MD
		err := conn.Invoke(ctx, row.procedure, &emptypb.Empty{}, &answer, grpc.Header(&header))
		assert.Equal(t, row.code, status.Code(err), "%s: %v", row.name, err)
		assert.Equal(t, row.challenge, header.Get("www-authenticate"), row.name)
		if row.code == codes.OK {
			assert.Equal(t, "warehouse", answer.GetFields()["client_id"].GetStringValue())
		}
	}
}

// watch reads up to so many messages of a stream by the client of grpc-go.
func watch(t *testing.T, url, token string, most int) (messages int, err error) {
	t.Helper()
	conn, err := grpc.NewClient(strings.TrimPrefix(url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token))
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, watchProcedure)
	require.NoError(t, err)
	require.NoError(t, stream.SendMsg(&emptypb.Empty{}))
	require.NoError(t, stream.CloseSend())
	for ; messages < most; messages++ {
		var message structpb.Struct
		if err := stream.RecvMsg(&message); err != nil {
			return messages, err
		}
		assert.Equal(t, fmt.Sprint(map[string]any{"client_id": "warehouse"}), fmt.Sprint(message.AsMap()))
	}
	return messages, nil
}

func TestWatch(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	url := started(t, iss)
	messages, err := watch(t, url, iss.Token(level("get")), 3)
	require.NoError(t, err)
	assert.Equal(t, 3, messages)
	_, err = watch(t, url, iss.Token(level("post")), 3)
	assert.Equal(t, codes.PermissionDenied, status.Code(err), "%v", err)
}

// The token is good by the leeway of the Gate alone, and for no longer than a second: on
// a slow machine it may take more than one try to begin a stream with it.
func TestWatchEndsWithTheToken(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	url := started(t, iss, "-end-at-expiry")
	require.Eventually(t, func() bool {
		_, err := watch(t, url, iss.Token(level("get"), jwkstest.Claims{"exp": time.Now().Add(-29 * time.Second).Unix()}), 1000)
		return status.Code(err) == codes.Unauthenticated && strings.Contains(err.Error(), "has expired")
	}, waitFor, tick)
}

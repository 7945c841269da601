package grpcauth_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// says is a Guard that refuses every call with an error.
type says struct {
	*middleware.Guard
	err error
}

func (s says) Check(r *http.Request, _ claims.Rule) (*http.Request, *claims.Claims, error) {
	return r, nil, s.err
}

// What the Guard's error says is sent, and nothing of it that is not meant for callers.
func TestErrorsOfAGuardBecomeStatuses(t *testing.T) {
	t.Parallel()
	challenge := middleware.Challenge{Scheme: "Bearer", Params: [][2]string{{"realm", "api"}, {"error", "insufficient_scope"}, {"scope", "\"\r\nx: y"}}}
	for _, row := range []struct {
		name    string
		err     error
		code    codes.Code
		info    string
		retry   time.Duration
		trailer metadata.MD
	}{
		{"another error than the Guard's", errors.New("a secret"), codes.PermissionDenied, "INSUFFICIENT_SCOPE", 0, metadata.MD{"www-authenticate": {`Bearer error="insufficient_scope"`}}},
		{"an error of the Guard's that is none", (*middleware.Error)(nil), codes.PermissionDenied, "INSUFFICIENT_SCOPE", 0, metadata.MD{"www-authenticate": {`Bearer error="insufficient_scope"`}}},
		{"a status that is none", &middleware.Error{Reason: reason.Malformed}, codes.Unauthenticated, "INVALID_TOKEN", 0, metadata.MD{"www-authenticate": {`Bearer error="invalid_token"`}}},
		{"another status of the 4xx", &middleware.Error{Status: 429}, codes.Unauthenticated, "INVALID_TOKEN", 0, metadata.MD{"www-authenticate": {`Bearer error="invalid_token"`}}},
		{"an error of a server", &middleware.Error{Status: 500}, codes.Unavailable, "TEMPORARILY_UNAVAILABLE", time.Second, metadata.MD{}},
		{"a time to wait", &middleware.Error{Status: 503, RetryAfter: time.Minute}, codes.Unavailable, "TEMPORARILY_UNAVAILABLE", time.Minute, metadata.MD{}},
		{"a challenge beside it", &middleware.Error{Status: 503, Challenges: []middleware.Challenge{challenge}}, codes.Unavailable, "TEMPORARILY_UNAVAILABLE", time.Second, metadata.MD{}},
		{"a call that was not given up", &middleware.Error{Status: 503, Reason: reason.Canceled}, codes.Unavailable, "TEMPORARILY_UNAVAILABLE", time.Second, metadata.MD{}},
		{
			"two challenges, in order", &middleware.Error{Status: 403, Challenges: []middleware.Challenge{challenge, {Scheme: "DPoP", Params: [][2]string{{"algs", "ES256"}}}, {Scheme: "no scheme"}}},
			codes.PermissionDenied, "INSUFFICIENT_SCOPE", 0,
			metadata.MD{"www-authenticate": {`Bearer realm="api", error="insufficient_scope", scope="\"x: y"`, `DPoP algs="ES256"`}},
		},
		{
			"fields of the header", &middleware.Error{Status: 401, Header: [][2]string{{"DPoP-Nonce", "n"}, {"Grpc-Status", "0"}, {"WWW-Authenticate", "None"}}},
			codes.Unauthenticated, "INVALID_TOKEN", 0,
			metadata.MD{"dpop-nonce": {"n"}, "www-authenticate": {`Bearer error="invalid_token"`}},
		},
	} {
		o := &orders{}
		conn := serve(t, newAuth(t, says{err: row.err}, policy()), o)
		for _, method := range []string{list, watch} {
			got := call(t.Context(), conn, method)
			assert.Equal(t, row.code, got.code, row.name)
			assert.Equal(t, row.info, got.info.GetReason(), row.name)
			assert.Equal(t, row.retry, got.retry.GetRetryDelay().AsDuration(), row.name)
			assert.NotContains(t, got.message, "secret")
			delete(got.trailer, "content-type") // of an answer that is trailers alone
			delete(got.trailer, "grpc-status-details-bin")
			assert.Equal(t, row.trailer, got.trailer, row.name)
		}
		assert.Zero(t, o.reached.Load(), row.name)
	}
}

// The challenge of a call that its token ended is of the scheme that the token came by.
func TestTheEndOfABoundTokenIsChallengedByItsScheme(t *testing.T) {
	t.Parallel()
	p := policy()
	p.EndAtExpiry = true
	conn := serve(t, newAuth(t, ended{}, p), &orders{stream: lasting["it waits for its context and says so"].serve, unary: func(ctx context.Context) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	for line, want := range map[string]string{"dpop x": "DPoP", "Bearer x": "Bearer", "Other x": "Bearer"} {
		for _, method := range []string{list, watch} {
			got := call(bearing(t.Context(), line), conn, method)
			assert.Equal(t, []string{want + ` error="invalid_token"`}, got.trailer["www-authenticate"], line)
			assert.Equal(t, codes.Unauthenticated, got.code)
		}
	}
}

// ended is a Guard of tokens that have just expired.
type ended struct{ *middleware.Guard }

func (ended) Check(r *http.Request, _ claims.Rule) (*http.Request, *claims.Claims, error) {
	return r, nil, nil
}

func (ended) UntilExpiry(ctx context.Context, _ *claims.Claims) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, 0, middleware.ErrTokenExpired)
}

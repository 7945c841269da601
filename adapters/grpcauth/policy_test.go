package grpcauth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestAllMistakesOfAPolicyAreReportedTogether(t *testing.T) {
	t.Parallel()
	const noMethod = `is no full method, such as /package.Service/Method, and no service, such as /package.Service/*`
	_, err := grpcauth.New(gateOf(t, middleware.Config{}, issuerOf(t)), grpcauth.Policy{
		Rules: map[string]claims.Rule{
			"orders.v1.Orders/List":       reads,
			"/orders.v1.Orders":           reads,
			"POST /orders.v1.Orders/List": reads,
			"/orders.v1.Orders/Li*":       reads,
			"/orders.v1.Orders/":          reads,
			"/*/List":                     reads,
			"/a/orders.v1.Orders/List":    reads,
			"/orders.v1.Orders/%4Cist":    reads,
			"/orders.v1.Orders/Faulty":    claims.AllScopes(),
			"/orders.v1.Orders/Twice":     reads,
		},
		Exempt: []string{"/orders.v1.Orders/Twice", "/*", ""},
	})
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	assert.ElementsMatch(t, []string{
		`grpcauth: Policy: method "orders.v1.Orders/List": a full method begins with a slash, as in /package.Service/Method`,
		`grpcauth: Policy: method "/orders.v1.Orders": the method is missing: write /orders.v1.Orders/* for every method of the service`,
		`grpcauth: Policy: method "POST /orders.v1.Orders/List": a full method begins with a slash, as in /package.Service/Method`,
		`grpcauth: Policy: method "/orders.v1.Orders/Li*": ` + noMethod,
		`grpcauth: Policy: method "/orders.v1.Orders/": ` + noMethod,
		`grpcauth: Policy: method "/*/List": ` + noMethod,
		`grpcauth: Policy: method "/a/orders.v1.Orders/List": ` + noMethod,
		`grpcauth: Policy: method "/orders.v1.Orders/%4Cist": ` + noMethod,
		`grpcauth: Policy: method "/orders.v1.Orders/Faulty": ` + claims.AllScopes().Err().Error(),
		`grpcauth: Policy: method "/orders.v1.Orders/Twice": stands there twice`,
		`grpcauth: Policy: method "/*": ` + noMethod,
		`grpcauth: Policy: method "": a full method begins with a slash, as in /package.Service/Method`,
	}, lines)
	_, err = grpcauth.New(gateOf(t, middleware.Config{}, issuerOf(t)), grpcauth.Policy{})
	assert.EqualError(t, err, "grpcauth: Policy: no method at all; name the methods and their rules")
}

func TestTheEntryOfAMethodWinsOverThatOfItsService(t *testing.T) {
	t.Parallel()
	iss := issuerOf(t)
	rules := map[string]claims.Rule{"/orders.v1.Orders/*": reads, create: writes}
	auth := newAuth(t, gateOf(t, middleware.Config{}, iss), grpcauth.Policy{Rules: rules, Exempt: []string{watch}})
	rules[create], rules[chat] = reads, claims.Rule{} // it was copied
	conn := serve(t, auth, &orders{})
	ctx := bearing(t.Context(), "Bearer "+iss.Token(reader))
	for method, want := range map[string]codes.Code{list: codes.OK, create: codes.PermissionDenied, load: codes.OK, chat: codes.OK} {
		assert.Equal(t, want, call(ctx, conn, method).code, method)
		assert.Equal(t, codes.Unauthenticated, call(t.Context(), conn, method).code, method)
	}
	got := call(t.Context(), conn, watch)
	assert.Equal(t, codes.OK, got.code, got.message)
	assert.Equal(t, "nobody", got.caller)
}

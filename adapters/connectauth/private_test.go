package connectauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sallyport-go/sallyport/middleware"
)

// By GET, which caches may store, an answer is for its caller alone unless the handler says otherwise.
func TestAnAnswerToGETIsPrivate(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	answer := func(header ...string) http.Handler {
		return connect.NewUnaryHandler(listProcedure, func(context.Context, *connect.Request[emptypb.Empty]) (*connect.Response[structpb.Struct], error) {
			res := connect.NewResponse(&structpb.Struct{})
			for _, value := range header {
				res.Header().Add("Cache-Control", value)
			}
			return res, nil
		}, connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	}
	for _, row := range []struct {
		name, method string
		guard        middleware.Config
		next         http.Handler
		want         []string
	}{
		{"a handler that says nothing", http.MethodGet, middleware.Config{}, answer(), []string{"private"}},
		{"one that says otherwise", http.MethodGet, middleware.Config{}, answer("public, max-age=60"), []string{"public, max-age=60"}},
		{"one that writes nothing", http.MethodGet, middleware.Config{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), []string{"private"}},
		{"one that flushes", http.MethodGet, middleware.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }), []string{"private"}},
		{"one that flushes as handlers should", http.MethodGet, middleware.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() }), []string{"private"}},
		{"POST, which caches do not store unasked", http.MethodPost, middleware.Config{}, answer(), nil},
		{"shadow mode without a token", http.MethodGet, middleware.Config{Shadow: true}, answer(), nil},
	} {
		var r *http.Request
		if row.method == http.MethodGet {
			r = httptest.NewRequest(row.method, listProcedure+"?connect=v1&encoding=json&message=%7B%7D", http.NoBody)
		} else {
			r = httptest.NewRequest(row.method, listProcedure, strings.NewReader("{}"))
			r.Header.Set("Content-Type", "application/json")
		}
		if !row.guard.Shadow {
			r.Header.Set("Authorization", "Bearer "+iss.Token(scope("orders.read")))
		}
		w := httptest.NewRecorder()
		enforced(t, open(t, row.guard, iss), table(), row.next).ServeHTTP(w, r)
		require.Equal(t, 200, w.Code, row.name)
		assert.Equal(t, row.want, w.Result().Header["Cache-Control"], row.name)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, listProcedure+"?connect=v1&encoding=json&message=%7B%7D", http.NoBody)
	enforced(t, open(t, middleware.Config{}, iss), table(), answer()).ServeHTTP(w, r)
	assert.Equal(t, []string{"no-store"}, w.Result().Header["Cache-Control"], "a refusal")
}

package openapiauth_test

import (
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/openapiauth"
)

// Two paths that one request matches, neither of which is the concrete one: kin-openapi
// takes the one, and Chi, Gin and Echo the other.
func TestPathsThatRoutersTakeForOneAnotherAskForTheSame(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const laxer, stricter = `security: [{oauth: []}]`, `security: [{oauth: [orders.admin]}]`
	for _, row := range []struct {
		name, one, other string
		mistake          bool
	}{
		{"a parameter in front, and one behind", "/orders/{id}", "/{kind}/secret", true},
		{"the same under two names", "/orders/{id}", "/orders/{no}", true},
		{"a parameter, and a part of a segment", "/{name}", "/{a}-{b}", true},
		{"a part of a segment, and another", "/a/v{x}", "/a/{y}.json", true},
		{"parameters in the middle", "/a/{b}/c/{d}", "/{a}/b/{c}/d", true},
		{"a part of a segment that matches", "/orders/r{x}", "/{kind}/report", true},
		{"a part of a segment that does not", "/orders/x{x}", "/{kind}/report", false},
		{"one in front that does not", "/orders/{id}", "/x{x}/secret", false},
		{"a concrete one", "/orders/{id}", "/orders/export", false},
		{"a concrete one in front", "/{kind}/{id}", "/orders/{id}", false},
		{"a concrete one, and a part of a segment", "/report.{format}", "/report.json", false},
		{"paths of two lengths", "/orders/{id}", "/{kind}/secret/x", false},
		{"paths that nothing matches both", "/orders/{id}", "/stock/{id}", false},
		{"no parameter and nothing", "/orders/", "/{kind}/x", false},
	} {
		for method, conflicts := range map[string]bool{"get": row.mistake, "delete": false} {
			doc := load(t, schemes+"paths:\n  "+row.one+": {get: {"+laxer+"}}\n  "+row.other+": {"+method+": {"+stricter+"}}\n")
			_, err := openapiauth.Protect(a, doc, openapiauth.Config{})
			if !conflicts {
				assert.NoError(t, err, "%s, %s", row.name, method)
				continue
			}
			assert.ErrorContains(t, err, "openapiauth: Protect: a request may be for GET /", row.name)
			assert.ErrorContains(t, err, row.one+", which asks for any token", row.name)
			assert.ErrorContains(t, err, row.other+", which asks for orders.admin", row.name)
		}
		doc := load(t, schemes+"paths:\n  "+row.one+": {get: {"+laxer+"}}\n  "+row.other+": {get: {"+laxer+"}}\n")
		_, err := openapiauth.Protect(a, doc, openapiauth.Config{})
		assert.NoError(t, err, "%s, but they ask for the same", row.name)
	}
}

// A letter that is escaped needs no escape: net/http's ServeMux, Gin and Echo go by the
// path without it, kin-openapi and Chi by the path as it came.
func TestAPathThatIsAnotherOnesOnceDecodedIsRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	door, err := openapiauth.Protect(a, load(t, schemes+`
paths:
  /orders/export: {get: {security: [{oauth: [orders.admin]}]}}
  /orders/all:export: {get: {security: [{oauth: [orders.admin]}]}}
  /orders/{id}: {get: {security: [{oauth: [orders.read]}]}}
  /open: {get: {security: []}}
`), openapiauth.Config{})
	require.NoError(t, err)
	mux := http.NewServeMux()
	reached := ""
	for _, pattern := range []string{"/orders/export", "/orders/all:export", "/orders/{id}", "/open"} {
		mux.HandleFunc("GET "+pattern, func(http.ResponseWriter, *http.Request) { reached = pattern })
	}
	for _, row := range []struct {
		path    string
		status  int
		reached string
	}{
		{"/orders/7", 200, "/orders/{id}"},
		{"/orders/%37", 200, "/orders/{id}"},
		{"/orders/a%2Cb%40c", 200, "/orders/{id}"},
		{"/orders/export", 403, ""},
		{"/orders/%65xport", 403, ""},
		{"/orders/all%3Aexport", 403, ""},
		{"/%6frders/7", 403, ""}, // it is refused for nothing, but then no client writes it
		{"/%6fpen", 403, ""},
	} {
		reached = ""
		assert.Equal(t, row.status, serve(door(mux), request("GET", row.path, a.bearer("orders.read"), nil)).StatusCode, row.path)
		assert.Equal(t, row.reached, reached, row.path)
	}
}

func TestADocumentWithoutPathsOpensNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, doc := range []*openapi3.T{{}, {Paths: openapi3.NewPaths()}} {
		h := protect(t, a, doc, openapiauth.Config{})
		assert.Equal(t, 403, serve(h, request("GET", "/", a.bearer(""), nil)).StatusCode)
		assert.Empty(t, a.take())
	}
}

package params_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/params"
)

type key struct{}

func value(text string) func(string) string { return func(string) string { return text } }

func TestTake(t *testing.T) {
	t.Parallel()
	of := func() *http.Request {
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), key{}, "kept"), http.MethodGet, "/", nil)
		r.SetPathValue("id", "of net/http")
		return r
	}
	for name, row := range map[string]struct {
		request *http.Request
		want    string
		after   string // of a second Take
	}{
		"without a router's own it is PathValue":                         {of(), "of net/http", "of net/http"},
		"a router's own comes before PathValue, once":                    {params.With(of(), value("own")), "own", "of net/http"},
		"the outermost counts":                                           {params.With(params.With(of(), value("inner")), value("outer")), "outer", "inner"},
		"one beneath another context is of another route, and not taken": {of().WithContext(context.WithValue(params.With(of(), value("own")).Context(), key{}, "kept")), "of net/http", "of net/http"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, param := params.Take(row.request)
			assert.Equal(t, row.want, param("id"))
			assert.Equal(t, "kept", r.Context().Value(key{}))
			_, param = params.Take(r)
			assert.Equal(t, row.after, param("id"))
		})
	}
}

package routed_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/routed"
)

var _ = routed.Register(func(r *http.Request) routed.Reading {
	return routed.Reading{Method: r.Header.Get("Routed-By")}
})

func TestTheReadingIsThatOfTheRouterThatTheRequestHasComeTo(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/orders", nil)
	assert.Equal(t, routed.Reading{}, routed.Of(r), "no router that is known")
	r.Header.Set("Routed-By", http.MethodDelete)
	assert.Equal(t, routed.Reading{Method: http.MethodDelete}, routed.Of(r))
}

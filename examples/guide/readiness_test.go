package guide_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestReadiness(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.Claims{"scope": "orders.read"})
	release := iss.Hang()
	gate := closed(t)(sallyport.New(iss.Issuer(), iss.Audience()))
	mux, orders := http.NewServeMux(), ok

	mux.Handle("GET /readyz", gate.ReadinessHandler())
	mux.Handle("/orders", gate.Require(claims.AllScopes("orders.read"))(orders))

	early := call(mux, "GET", "/readyz", "")
	assert.Equal(t, 503, early.Code)
	assert.True(t, json.Valid(early.Body.Bytes()))
	assert.Contains(t, early.Body.String(), "waiting for the first fetch")
	release()
	assert.NoError(t, gate.Ready(t.Context()))
	assert.Equal(t, 200, call(mux, "GET", "/readyz", "").Code)
	assert.Equal(t, 200, call(mux, "GET", "/orders", iss.Token()).Code)
}

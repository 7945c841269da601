package guide_test

import (
	"log"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/providers"
)

// fiveLines are what a preset takes. They reach no network: nothing is fetched
// before a token comes whose iss is the preset's.
func fiveLines(mux *http.ServeMux, orders http.Handler, try func()) {
	gate, err := sallyport.NewFrom(providers.Okta("https://acme.okta.com/oauth2/default", "api://default"))
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(orders))
	try()
}

func TestAPresetInFiveLines(t *testing.T) {
	t.Parallel()
	stranger := issuerNamed(t, "https://stranger.example/", "api://default")
	mux := http.NewServeMux()
	fiveLines(mux, ok, func() {
		assert.Equal(t, 401, call(mux, "GET", "/orders", "").Code)
		assert.Equal(t, 401, call(mux, "GET", "/orders", stranger.Token()).Code)
	})
}

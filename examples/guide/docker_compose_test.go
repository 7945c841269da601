package guide_test

import (
	"net/http"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
)

// compose is the server of a compose file, by a name that has no TLS.
func compose(issuer *http.Client) (*sallyport.Gate, error) {
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic("http://keycloak:8080/realms/orders", "api://orders")}}
	cfg.Keys.DangerouslyPlainHTTP = []string{"keycloak:8080"}
	cfg.Keys.Client = issuer
	return sallyport.Open(cfg)
}

func TestAServerWithoutTLS(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "http://keycloak:8080/realms/orders", "api://orders")
	gate := closed(t)(compose(iss.Client()))
	assert.Equal(t, 200, call(gate.Authenticate(ok), "GET", "/orders", iss.Token()).Code)
}

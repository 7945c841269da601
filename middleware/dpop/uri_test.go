package dpop_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/reason"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{}, "EdDSA")
	local := newAPI(t, dpop.Config{Origin: "http://[::1]:8080"}, "EdDSA")
	for name, row := range map[string]struct {
		api         *api
		target, htu string
		same        bool
	}{
		"58 a query of the request is ignored":               {a, "/orders?x=/y", address, true},
		"58 a query of htu is ignored":                       {a, "/orders", address + "?x=1", true},
		"58 a fragment of htu is ignored":                    {a, "/orders", address + "#x", true},
		"58 a path in the query is none":                     {a, "/orders", host + "/?/orders", false},
		"59 the case of scheme and host is ignored":          {a, "/orders", "HTTPS://API.Example/orders", true},
		"59 the case of the path is not":                     {a, "/orders", host + "/Orders", false},
		"59 the default port is ignored":                     {a, "/orders", "https://api.example:443/orders", true},
		"59 an empty port is the default one":                {a, "/orders", "https://api.example:/orders", true},
		"59 another port is not":                             {a, "/orders", "https://api.example:80/orders", false},
		"59 an escape of an unreserved character":            {a, "/%7Eorders", host + "/~orders", true},
		"59 the case of an escape":                           {a, "/a%2fb", host + "/a%2Fb", true},
		"59 an escaped slash is no slash":                    {a, "/a%2Fb", host + "/a/b", false},
		"59 dot segments":                                    {a, "/orders", host + "/x/../orders", true},
		"59 dot segments of the request":                     {a, "/x/./../orders", address, true},
		"59 an escaped dot segment":                          {a, "/orders", host + "/x/%2e%2E/orders", true},
		"59 dot segments end at the root":                    {a, "/orders", host + "/../../orders", true},
		"59 a dot segment at the end":                        {a, "/orders/", host + "/orders/x/..", true},
		"59 an empty path is the root":                       {a, "/", host, true},
		"59 a slash at the end is a difference":              {a, "/orders", address + "/", false},
		"59 a doubled slash is a difference":                 {a, "/orders", host + "//orders", false},
		"a dot in a name is no segment":                      {a, "/.well-known/x..y/...", host + "/.well-known/x..y/...", true},
		"an absolute target: its path counts":                {a, "http://other.example/orders?x", address, true},
		"the host of an absolute target does not":            {a, "http://other.example/orders", "http://other.example/orders", false},
		"the Host of the request is never asked":             {a, "/orders", "http://example.com/orders", false},
		"a user in htu":                                      {a, "/orders", "https://user@api.example/orders", false},
		"plain http for https":                               {a, "/orders", "http://api.example/orders", false},
		"an escape that is none":                             {a, "/orders", address + "%2", false},
		"a backslash for a slash":                            {a, "/orders", host + `\orders`, false},
		"59 a literal address":                               {local, "/orders", "http://[::1]:8080/orders", true},
		"59 without its brackets it is none":                 {local, "/orders", "http://::1:8080/orders", false},
		"59 the port of a literal address":                   {local, "/orders", "http://[::1]/orders", false},
		"another scheme":                                     {a, "/orders", "ftp://api.example/orders", false},
		"a space in the path":                                {a, "/orders", address + "/a b", false},
		"a path that another one begins with, one character": {a, "/orders", address + "2", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, row.target, nil)
			r.Header.Set("Authorization", "DPoP "+row.api.token)
			r.Header.Set("DPoP", row.api.proof(jwkstest.Claims{"htu": row.htu}))
			e := row.api.refused(t, r)
			if row.same {
				assert.Nil(t, e)
				return
			}
			if assert.NotNil(t, e) {
				assert.ErrorContains(t, e, "htu is not the address of the request")
				assert.Equal(t, reason.InvalidDPoPProof, e.Reason)
			}
		})
	}
}

// A proof is for the address that was asked for, whatever a middleware made of it.
func TestTheAddressIsThatOfTheRequestLine(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{}, "EdDSA")
	r := httptest.NewRequest(http.MethodGet, "/v1/orders", nil)
	r.URL.Path = "/orders" // as by http.StripPrefix
	r.Header.Set("Authorization", "DPoP "+a.token)
	r.Header.Set("DPoP", a.proof(jwkstest.Claims{"htu": host + "/v1/orders"}))
	assert.Nil(t, a.refused(t, r))
	r.Header.Set("DPoP", a.proof())
	assert.NotNil(t, a.refused(t, r))
	r.RequestURI = "" // of a test that made it by itself
	r.Header.Set("DPoP", a.proof())
	assert.Nil(t, a.refused(t, r))
	r.RequestURI, r.Method = "*", "OPTIONS"
	r.Header.Set("DPoP", a.proof(jwkstest.Claims{"htm": "OPTIONS", "htu": host + "/*"}))
	assert.NotNil(t, a.refused(t, r))
}

package adapters_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// TestEveryForgeryIsRefusedInEveryFramework sends all that can be forged of a
// token over sockets: the same bytes come back from every framework, for the
// reason that the forgery was made for. What other libraries make of the same
// forgeries is asked in the module trust.
func TestEveryForgeryIsRefusedInEveryFramework(t *testing.T) {
	t.Parallel()
	for alg, wiring := range map[string]string{"RS256": "routes", "PS256": "table", "ES256": "table", "EdDSA": "routes"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			f := bareFixture()
			f.issuer = newIssuer(t, jwkstest.WithAlgorithm(alg))
			forgeries := f.issuer.Forgeries(scope("orders.read")) // before keys are fetched: some publish one
			f.serve(t, "plain", sallyport.Config{Providers: []providers.Provider{providers.Generic(f.issuer.Issuer(), audience)}})
			f.check(t, row{name: "the token that they forge", token: f.good()}.accepted(hello), wiring)

			unsent := 0
			for name, forgery := range forgeries {
				r := row{name: name, token: forgery.Token}
				switch how := carriage(forgery.Token); how {
				case asItIs:
					f.check(t, r.invalidToken(forgery.Reason), wiring)
				case asNoCredentials:
					f.check(t, r.invalidRequest(), wiring)
				case asNoRequest:
					f.checkNoRequest(t, r, wiring)
				default:
					unsent++
				}
				f.checkUnsent(t, r, forgery.Reason, wiring)
			}
			assert.Less(t, unsent, 20, "nearly all of them can be sent")
			f.check(t, row{name: "and good ones still pass", token: f.good()}.accepted(hello), wiring)
			assert.Zero(t, f.issuer.Strays(), "what a forgery points at was fetched")
		})
	}
}

// How a token gets over the wire in an Authorization header.
const (
	asItIs          = iota
	asNoCredentials // the Guard: 400
	asNoRequest     // net/http: 400, no handler at all
	asAnotherToken  // cut at a line's end, or trimmed
)

func carriage(token string) int {
	switch {
	case strings.ContainsAny(token, "\r\n") || token != strings.Trim(token, " \t"):
		return asAnotherToken
	case strings.ContainsAny(token, "\x00\x7f"):
		return asNoRequest
	case breaksCredentials(token):
		return asNoCredentials
	default:
		return asItIs
	}
}

// breaksCredentials: no b64token of RFC 6750 section 2.1 goes on behind these.
func breaksCredentials(token string) bool { return strings.ContainsAny(token, " ,\t\r\n\x00\x7f") }

// checkNoRequest wants net/http's own 400, and no Guard that was asked.
func (f *fixture) checkNoRequest(t *testing.T, r row, wiring string) {
	t.Helper()
	for _, fw := range frameworks {
		id := strings.Join([]string{r.name, wiring, fw.name}, "/")
		got := exchange(t, f.servers[site{"plain", wiring, fw.name}], r.request(id))
		assert.Equal(t, "HTTP/1.1 400 Bad Request", got.statusLine, "%s: %s", fw.name, r.name)
		assert.Empty(t, got.header["X-Handler"], "%s: %s", fw.name, r.name)
		assert.Empty(t, f.decisions.of(id), "%s: %s", fw.name, r.name)
	}
}

// checkUnsent hands the header to the handlers themselves, as a server would
// that lets through more than net/http's.
func (f *fixture) checkUnsent(t *testing.T, r row, why reason.Code, wiring string) {
	t.Helper()
	status := http.StatusUnauthorized
	if breaksCredentials(r.token) {
		status, why = http.StatusBadRequest, reason.InvalidRequest
	}
	var first string
	for _, fw := range frameworks {
		id := strings.Join([]string{"unsent", r.name, wiring, fw.name}, "/")
		req := httptest.NewRequest(http.MethodGet, "/orders", http.NoBody)
		req.Header["Authorization"], req.Header["X-Row"] = []string{"Bearer " + r.token}, []string{id}
		w := httptest.NewRecorder()
		f.handlers[site{"plain", wiring, fw.name}].ServeHTTP(w, req)
		require.Equal(t, status, w.Code, "%s: %s", fw.name, r.name)
		assert.Equal(t, []string{"refused " + string(why)}, f.decisions.of(id), "%s: %s", fw.name, r.name)
		answer := fmt.Sprint(w.Code, w.Header(), w.Body)
		if first == "" {
			first = answer
		}
		assert.Equal(t, first, answer, "%s: %s: not what net/http answers", fw.name, r.name)
	}
}

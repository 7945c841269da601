package sallyport_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
)

func TestTheStatusOfEachIssuersKeysIsReadAsJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up, _, g := twoIssuers(t)
		states := func() (found []string) {
			code, body := probe(g.StatusHandler())
			require.Equal(t, 200, code, "a status page is there whatever it shows")
			var read struct {
				Issuers []struct {
					Issuer, State, URL string
					LastError          string `json:"last_error"`
					Keys               []struct{ Kid string }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(body), &read))
			for _, i := range read.Issuers {
				line := i.Issuer + ": " + i.State
				for _, k := range i.Keys {
					line += ", " + k.Kid
				}
				if i.LastError != "" {
					line += ", and why"
				}
				found = append(found, line)
			}
			return found
		}
		assert.Equal(t, []string{"https://up.example: not started", "https://down.example: not started"}, states())
		synctest.Wait()
		assert.Zero(t, up.Fetches(), "it starts no fetch")
		require.Error(t, g.Readiness())
		synctest.Wait()
		assert.Equal(t, []string{"https://up.example: usable, " + up.Key().ID(), "https://down.example: no keys yet, fetches failed, and why"}, states())
	})
}

func TestStatusIsOnlyRead(t *testing.T) {
	t.Parallel()
	g := anyGate(t)
	for method, code := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		g.StatusHandler().ServeHTTP(w, httptest.NewRequest(method, "/status", nil))
		assert.Equal(t, code, w.Code, method)
		assert.Equal(t, method == http.MethodHead, w.Body.Len() == 0, method)
		if code == 200 {
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), method)
			assert.Equal(t, "application/json", w.Header().Get("Content-Type"), method)
		}
	}
}

// anyGate is one for one issuer, closed with the test.
func anyGate(t *testing.T) *sallyport.Gate {
	t.Helper()
	g, err := sallyport.New(newIssuer(t).Issuer(), audience)
	return closing(t, g, err)
}

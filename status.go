package sallyport

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/sallyport-go/sallyport/jwks"
)

// StatusHandler returns a handler that answers [Gate.Keys] as JSON, for a status
// page or a person on call: {"issuers":[...]}, one member for each issuer whose
// keys are fetched. It is always 200, starts no fetch, and holds addresses, key
// ids and the errors of fetches: mount it behind a rule, or on a port that is
// private. For a probe there is [Gate.ReadinessHandler].
func (g *Gate) StatusHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if readOnly(w, r) {
			answerJSON(w, r, http.StatusOK, struct {
				Issuers []jwks.Status `json:"issuers"`
			}{g.Keys()})
		}
	})
}

// readOnly answers methods that change something with 405.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	return false
}

// answerJSON writes a state of now, which no cache may keep.
func answerJSON(w http.ResponseWriter, r *http.Request, status int, state any) {
	body, err := json.Marshal(state)
	if err != nil { // there is nothing in a state that could fail
		body, status = []byte(`{}`), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(body, '\n'))
	}
}

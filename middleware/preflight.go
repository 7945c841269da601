package middleware

import (
	"errors"
	"net/http"

	"github.com/sallyport-go/sallyport/internal/routed"
	"github.com/sallyport-go/sallyport/reason"
)

// preflighted is what stands behind the handler of Config.Preflight: it answers
// what that handler hands on, so that no handler of the API is reached.
var preflighted = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

// answersPreflight reports whether the request is a browser's question whether
// it may send another request, and has it answered.
func (g *guard) answersPreflight(w http.ResponseWriter, r *http.Request) bool {
	if !g.isPreflight(r) {
		return false
	}
	g.preflight.ServeHTTP(w, r)
	return true
}

// isPreflight reports whether a request is a CORS preflight, as browsers send
// it: without credentials. What might be taken for another request is none.
//
// CORS-preflight request: https://fetch.spec.whatwg.org/#cors-preflight-request
// CORS protocol and credentials: https://fetch.spec.whatwg.org/#cors-protocol-and-credentials
func (g *guard) isPreflight(r *http.Request) bool {
	if r.Method != http.MethodOptions || !one(r.Header["Origin"]) || !one(r.Header["Access-Control-Request-Method"]) {
		return false
	}
	if len(r.Header["Authorization"]) > 0 || !routedByItsMethod(r) || routed.Overrides(r.Header) != nil {
		return false
	}
	credential, err := g.credentials(r)
	return errors.Is(withoutNil(err), reason.NoToken) || err == nil && credential.Token == ""
}

// one reports whether a header has one line that says something.
func one(lines []string) bool { return len(lines) == 1 && lines[0] != "" }

// serveExempt serves a request that a pattern exempts.
func (g *guard) serveExempt(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if g.preflight == nil || !g.answersPreflight(w, r) {
		next.ServeHTTP(w, r)
	}
}

// Open returns next as an exemption: only preflights do not reach it. The tables
// of the adapters ask for it.
func (h *handler) Open(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.guard.current().serveExempt(w, r, next) })
}

package devauth

import (
	"encoding/json"
	"net/http"
)

// maxBody is far above any token request and far below what could hurt.
const maxBody = 16 << 10

// problem is an error answer of RFC 6749, section 5.2, and, for want of a
// better one, of everything else.
type problem struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// refusal is why a token request failed. Its description never repeats what
// the client sent.
type refusal struct {
	status      int
	code        string
	description string
	aadsts      int // Entra's own number for it
}

// tokenAnswer is a successful token response (RFC 6749, section 5.1).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	ExtExpiresIn int64  `json:"ext_expires_in,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // cannot happen: what is written here are plain structs
		http.Error(w, `{"error":"server_error"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeProblem(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, problem{code, description})
}

// noStore keeps tokens and refusals out of caches (RFC 6749, section 5.1).
func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

// grantedToken logs a token that was handed out.
func (s *Server) grantedToken(c Client, audience string) {
	s.log.Info("devauth: token granted", "scheme", c.Scheme, "client", c.Name, "audience", audience)
}

// refusedToken logs a token that was not.
func (s *Server) refusedToken(scheme Scheme, r *refusal) {
	s.log.Info("devauth: token refused", "scheme", scheme, "status", r.status, "error", r.code, "why", r.description)
}

func (s *Server) serverError(err error) *refusal {
	s.log.Error("devauth: token request failed", "error", err)
	return &refusal{status: http.StatusInternalServerError, code: "server_error", description: "the token could not be made"}
}

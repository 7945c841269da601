package devauth

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	clientCredentials = "client_credentials"
	typeForm          = "application/x-www-form-urlencoded"
	typeJSON          = "application/json"
	maxBody           = 16 << 10
)

// tokenAnswer is a successful token response (RFC 6749 section 5.1).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	ExtExpiresIn int64  `json:"ext_expires_in,omitempty"`
	Scope        string `json:"scope,omitempty"`

	client, audience string // for the log
}

// refusal is why a request failed (RFC 6749 section 5.2). Its description never
// repeats what the client sent.
type refusal struct {
	status      int
	code        string
	description string
	aadsts      int // Entra's own number for it
}

func badRequest(description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid_request", description: description}
}

// These are values of their own because Entra has numbers for them. They are
// never changed.
var (
	notPost    = &refusal{status: http.StatusMethodNotAllowed, code: "invalid_request", description: "use POST"}
	duplicated = badRequest("a parameter came more than once")
)

// tokenEndpoint answers token requests by grant, and failures by refuse.
func (s *Server) tokenEndpoint(scheme Scheme, grant func(http.ResponseWriter, *http.Request, want) (*tokenAnswer, *refusal), refuse func(http.ResponseWriter, *refusal)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noStore(w)
		var answer *tokenAnswer
		var want want
		refused := notPost
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			if want, refused = s.wanted(r); refused == nil {
				answer, refused = grant(w, r, want)
			}
		} else {
			w.Header().Set("Allow", http.MethodPost)
		}
		if refused != nil {
			s.log.Info("devauth: token refused", "scheme", scheme, "status", refused.status, "error", refused.code, "why", refused.description)
			refuse(w, refused)
			return
		}
		answer.TokenType = want.tokenType()
		s.log.Info("devauth: token granted", "scheme", scheme, "client", answer.client, "audience", answer.audience)
		writeJSON(w, http.StatusOK, answer)
	})
}

// readForm reads the body, never the query: credentials do not belong into a
// URL. A parameter may come once (RFC 6749 section 3.2). The form is empty if
// the body is of another media type.
func readForm(r *http.Request) (url.Values, *refusal) {
	r.URL.RawQuery = "" // which ParseForm would read too
	if err := r.ParseForm(); err != nil {
		return nil, badBody(err, "the request body is not a form")
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return nil, duplicated
		}
	}
	return r.PostForm, nil
}

// readJSON reads an object of strings as if it were a form, and ignores other
// members.
func readJSON(r *http.Request) (url.Values, *refusal) {
	var members map[string]any
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &members)
	}
	if err != nil {
		return nil, badBody(err, "the request body is not a JSON object")
	}
	form := url.Values{}
	for name, value := range members {
		if text, ok := value.(string); ok {
			form.Set(name, text)
		}
	}
	return form, nil
}

func badBody(err error, description string) *refusal {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return &refusal{status: http.StatusRequestEntityTooLarge, code: "invalid_request", description: "the request body is too large"}
	}
	return badRequest(description)
}

// missing names those parameters that are absent or empty.
func missing(form url.Values, names ...string) string {
	return strings.Join(slices.DeleteFunc(names, func(n string) bool { return form.Get(n) != "" }), ", ")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // only plain structs are written: if it fails, the reader is gone
}

// refuse answers with an error of RFC 6749 section 5.2.
func refuse(w http.ResponseWriter, r *refusal) {
	writeJSON(w, r.status, map[string]string{"error": r.code, "error_description": r.description})
}

// noStore keeps tokens and refusals out of caches (RFC 6749 section 5.1).
func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

package devauth

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
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

// duplicated is a value of its own because Entra has a number for it. It is
// never changed.
var duplicated = badRequest("a parameter came more than once")

// tokenEndpoint answers token requests by grant, and failures by refuse.
func (s *Server) tokenEndpoint(scheme Scheme, grant func(http.ResponseWriter, *http.Request) (*tokenAnswer, *refusal), refuse func(http.ResponseWriter, *refusal)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noStore(w)
		answer, refused := grant(w, r)
		if refused != nil {
			s.log.Info("devauth: token refused", "scheme", scheme, "status", refused.status, "error", refused.code, "why", refused.description)
			refuse(w, refused)
			return
		}
		s.log.Info("devauth: token granted", "scheme", scheme, "client", answer.client, "audience", answer.audience)
		writeJSON(w, http.StatusOK, answer)
	})
}

// usePost refuses other methods.
func usePost(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Method == http.MethodPost {
		return nil
	}
	w.Header().Set("Allow", http.MethodPost)
	return &refusal{status: http.StatusMethodNotAllowed, code: "invalid_request", description: "use POST"}
}

// mediaType returns the request's Content-Type without its parameters.
func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, code: "invalid_request", description: "the request body is too large"}
	}
	if err != nil {
		return nil, badRequest("the request body could not be read")
	}
	return body, nil
}

// readForm reads the body, never the query: credentials do not belong into a
// URL. A parameter may come once (RFC 6749 section 3.2).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *refusal) {
	body, refused := readBody(w, r)
	if refused != nil {
		return nil, refused
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badRequest("the request body is not a form")
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, duplicated
		}
	}
	return form, nil
}

// readJSON reads an object of strings as if it were a form, and ignores other
// members.
func readJSON(w http.ResponseWriter, r *http.Request) (url.Values, *refusal) {
	body, refused := readBody(w, r)
	if refused != nil {
		return nil, refused
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, badRequest("the request body is not a JSON object")
	}
	form := url.Values{}
	for name, value := range members {
		if text, ok := value.(string); ok {
			form.Set(name, text)
		}
	}
	return form, nil
}

// missing names those parameters that are absent or empty.
func missing(form url.Values, names ...string) string {
	return strings.Join(slices.DeleteFunc(names, func(n string) bool { return form.Get(n) != "" }), ", ")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // cannot happen: only plain structs are written
		http.Error(w, `{"error":"server_error"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
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

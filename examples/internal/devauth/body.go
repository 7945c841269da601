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
	typeForm = "application/x-www-form-urlencoded"
	typeJSON = "application/json"
)

// mediaType is the request's Content-Type without its parameters.
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

// duplicated is told apart because Entra has a number for it. Nobody changes it.
var duplicated = badRequest("a parameter came more than once")

// readForm reads the body, never the query: credentials do not belong into a
// URL. A parameter may come once (RFC 6749, section 3.2).
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

// readJSON reads an object of strings as if it were a form. Other members are
// of no concern.
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
	absent := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return form.Get(n) != "" })
	return strings.Join(absent, ", ")
}

func badRequest(description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid_request", description: description}
}

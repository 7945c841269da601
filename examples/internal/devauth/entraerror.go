package devauth

import (
	"fmt"
	"net/http"
)

// entraError is the documented error answer of Entra's token endpoint. Numbers,
// OAuth codes and texts are those of Microsoft's list of AADSTS codes and of
// answers that others have published, without what Entra repeats of the request:
// names of clients, tenants, resources and scopes.
type entraError struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
}

func entra(code, status int, oauthCode, description string) *refusal {
	return &refusal{status: status, code: oauthCode, description: description, aadsts: code}
}

// asEntra gives Entra's number and text to a body that could not be read.
func asEntra(r *refusal) *refusal {
	if r == duplicated {
		return entra(9000411, r.status, r.code, "The request is not properly formatted. A parameter is duplicated.")
	}
	return entra(90023, r.status, r.code, "The authentication service request isn't valid: "+r.description+".")
}

func (s *Server) writeEntraError(w http.ResponseWriter, r *refusal) {
	timestamp := s.now().UTC().Format("2006-01-02 15:04:05Z")
	trace, correlation := randomUUID(), randomUUID()
	if r.aadsts == 0 { // of serverError
		r = entra(50000, r.status, r.code, "There was an error issuing a token or an issue with our sign-in service.")
	}
	writeJSON(w, r.status, entraError{
		Error: r.code,
		Description: fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			r.aadsts, r.description, trace, correlation, timestamp),
		Codes:         []int{r.aadsts},
		Timestamp:     timestamp,
		TraceID:       trace,
		CorrelationID: correlation,
	})
}

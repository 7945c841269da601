package devauth

import (
	"fmt"
	"net/http"
)

// entraError is the documented error answer of Entra's token endpoint.
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

func (s *Server) writeEntraError(w http.ResponseWriter, r *refusal) {
	timestamp := s.now().UTC().Format("2006-01-02 15:04:05Z")
	trace, correlation := randomUUID(), randomUUID()
	if r.aadsts == 0 {
		r.aadsts = 90033 // a transient error of the server
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

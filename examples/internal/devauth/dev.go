package devauth

import (
	"errors"
	"net/http"
)

// SetOutage starts or ends an outage of some schemes' metadata and keys, or of
// all when none is named. Tokens are handed out all the same.
func (s *Server) SetOutage(down bool, schemes ...Scheme) error {
	affected := s.issuers
	if len(schemes) > 0 {
		affected = nil
	}
	for _, scheme := range schemes {
		i, err := s.issuer(scheme)
		if err != nil {
			return err
		}
		affected = append(affected, i)
	}
	for _, i := range affected {
		i.down.Store(down)
		s.log.Info("devauth: outage", "scheme", i.info.Scheme, "down", down)
	}
	return nil
}

func (s *Server) devIndex(w http.ResponseWriter, _ *http.Request) {
	type entry struct {
		IssuerInfo
		Keys KeyState `json:"keys"`
		Down bool     `json:"down"`
	}
	index := struct {
		Issuers []entry  `json:"issuers"`
		Clients []Client `json:"clients"`
	}{Clients: s.Clients()}
	for _, i := range s.issuers {
		index.Issuers = append(index.Issuers, entry{i.info, i.keys.state(), i.down.Load()})
	}
	noStore(w)
	writeJSON(w, http.StatusOK, index)
}

func (s *Server) devRotate(w http.ResponseWriter, r *http.Request) {
	scheme, ok := s.schemeOf(w, r)
	if !ok {
		return
	}
	state, err := s.Rotate(scheme, Step(r.URL.Query().Get("step")))
	switch {
	case errors.Is(err, ErrRotation):
		writeProblem(w, http.StatusConflict, "conflict", err.Error())
	case err != nil:
		writeProblem(w, http.StatusBadRequest, "invalid_request", err.Error())
	default:
		noStore(w)
		writeJSON(w, http.StatusOK, state)
	}
}

func (s *Server) devOutage(w http.ResponseWriter, r *http.Request) {
	var schemes []Scheme
	if r.PathValue("scheme") != "" {
		scheme, ok := s.schemeOf(w, r)
		if !ok {
			return
		}
		schemes = append(schemes, scheme)
	}
	state := r.URL.Query().Get("state")
	if state != "on" && state != "off" {
		writeProblem(w, http.StatusBadRequest, "invalid_request", "state must be on or off")
		return
	}
	if err := s.SetOutage(state == "on", schemes...); err != nil {
		writeProblem(w, http.StatusBadRequest, "invalid_request", err.Error())
		return
	}
	s.devIndex(w, r)
}

func (s *Server) schemeOf(w http.ResponseWriter, r *http.Request) (Scheme, bool) {
	scheme := Scheme(r.PathValue("scheme"))
	if _, err := s.issuer(scheme); err != nil {
		writeProblem(w, http.StatusNotFound, "not_found", err.Error())
		return "", false
	}
	return scheme, true
}

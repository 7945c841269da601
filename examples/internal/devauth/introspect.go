package devauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/http"
	"net/url"
)

// resourceServerID is the client id by which an API asks about tokens.
const resourceServerID = "orders-api"

// ResourceServer returns the client id and the secret of this start by which an
// API may ask about tokens, at the IntrospectionURL of each issuer.
func (s *Server) ResourceServer() (id, secret string) { return resourceServerID, s.apiSecret }

func invalidClient() *refusal {
	return &refusal{status: http.StatusUnauthorized, code: "invalid_client", description: "send client id and secret, by HTTP Basic or in the form"}
}

// introspect answers whether a token of the issuer is good, and what it says.
//
// RFC 7662 section 2: https://www.rfc-editor.org/rfc/rfc7662#section-2
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	i, form, refused := s.aboutToken(w, r, func(_ *issuer, id, secret string) bool {
		got, right := sha256.Sum256([]byte(id+" "+secret)), sha256.Sum256([]byte(resourceServerID+" "+s.apiSecret))
		return subtle.ConstantTimeCompare(got[:], right[:]) == 1
	})
	if refused != nil {
		refuseWithBasic(w, refused)
		return
	}
	token, ok := i.register.active(form.Get("token"), s.now())
	s.log.Info("devauth: introspected", "scheme", i.scheme, "active", ok)
	if !ok { // of which nothing more is said (RFC 7662 section 2.2)
		writeJSON(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	answer := maps.Clone(token.claims)
	maps.Copy(answer, map[string]any{"active": true, "client_id": token.client, "token_type": "Bearer"})
	if cnf, _ := token.claims["cnf"].(map[string]any); cnf["jkt"] != nil {
		answer["token_type"] = "DPoP" // RFC 9449 section 6.2
	}
	writeJSON(w, http.StatusOK, answer)
}

// revoke ends a token of the client that asks. What is not known, or another
// client's, is answered alike.
//
// RFC 7009 section 2: https://www.rfc-editor.org/rfc/rfc7009#section-2
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	client := ""
	i, form, refused := s.aboutToken(w, r, func(i *issuer, id, secret string) bool {
		client = id
		_, _, ok := s.authenticate(i.scheme, id, secret)
		return ok
	})
	if refused != nil {
		refuseWithBasic(w, refused)
		return
	}
	i.register.revoke(form.Get("token"), client)
	s.log.Info("devauth: revoked", "scheme", i.scheme)
	w.WriteHeader(http.StatusOK)
}

// aboutToken reads a request about a token: whose issuer it is for, that it is
// authenticated, and the form.
func (s *Server) aboutToken(w http.ResponseWriter, r *http.Request, known func(i *issuer, id, secret string) bool) (*issuer, url.Values, *refusal) {
	noStore(w)
	issuers := s.devIssuers(r)
	if issuers == nil {
		return nil, nil, noScheme()
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	form, refused := readForm(r)
	if refused != nil {
		return nil, nil, refused
	}
	if refused := authenticated(r, form, func(id, secret string) bool { return known(issuers[0], id, secret) }); refused != nil {
		return nil, nil, refused
	}
	if form.Get("token") == "" {
		return nil, nil, badRequest("token is missing: send it as " + typeForm)
	}
	return issuers[0], form, nil
}

// authenticated checks client id and secret, which come one way.
//
// RFC 6749 section 2.3: https://www.rfc-editor.org/rfc/rfc6749#section-2.3
func authenticated(r *http.Request, form url.Values, known func(id, secret string) bool) *refusal {
	id, secret, basic := r.BasicAuth()
	switch {
	case basic && form.Get("client_secret") != "":
		return badRequest("authenticate once: by HTTP Basic or in the form")
	case !basic:
		id, secret = form.Get("client_id"), form.Get("client_secret")
		if id == "" || !known(id, secret) {
			return invalidClient()
		}
		return nil
	case known(id, secret): // as curl -u sends it
		return nil
	}
	plainID, errID := url.QueryUnescape(id) // as RFC 6749 section 2.3.1 has it
	plainSecret, errSecret := url.QueryUnescape(secret)
	if errID != nil || errSecret != nil || !known(plainID, plainSecret) {
		return invalidClient()
	}
	return nil
}

package devauth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	messagingTokenPath = "/oauth/v2/token" //nolint:gosec // a path, not a credential
	messagingLifetime  = time.Hour
)

// messagingIssuer has no slash at its end, unlike the other two.
func messagingIssuer(base string) *issuer {
	return &issuer{
		info:   endpoints(base, Messaging, "/messaging", messagingTokenPath, "/messaging/jwks", es256, messagingAudiences),
		typ:    "at+jwt",
		auth:   "client_secret_basic",
		claims: messagingClaims,
	}
}

// jwtProfileClaims are those of RFC 9068, section 2.2.
type jwtProfileClaims struct {
	Iss      string `json:"iss"`
	Sub      string `json:"sub"`
	Aud      string `json:"aud"`
	ClientID string `json:"client_id"`
	Iat      int64  `json:"iat"`
	Exp      int64  `json:"exp"`
	Jti      string `json:"jti"`
	Scope    string `json:"scope,omitempty"`
}

func messagingClaims(iss string, c Client, audience string, levels []string, at time.Time) (any, time.Time) {
	exp := at.Add(messagingLifetime)
	return jwtProfileClaims{
		Iss: iss, Sub: c.ID, Aud: audience, ClientID: c.ID,
		Iat: at.Unix(), Exp: exp.Unix(), Jti: randomID(), Scope: strings.Join(levels, " "),
	}, exp
}

func (s *Server) messagingToken(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	answer, refused := s.messagingGrant(w, r)
	if refused != nil {
		s.refusedToken(Messaging, refused)
		if refused.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="token", charset="UTF-8"`)
		}
		writeProblem(w, refused.status, refused.code, refused.description)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) messagingGrant(w http.ResponseWriter, r *http.Request) (*tokenAnswer, *refusal) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &refusal{status: http.StatusMethodNotAllowed, code: "invalid_request", description: "use POST"}
	}
	c, ok := s.basicClient(r)
	if !ok {
		return nil, &refusal{status: http.StatusUnauthorized, code: "invalid_client", description: "send client id and secret by HTTP Basic"}
	}
	levels, refused := messagingRequest(w, r, c)
	if refused != nil {
		return nil, refused
	}
	i, err := s.issuer(Messaging)
	if err != nil {
		return nil, s.serverError(err)
	}
	audience := i.info.Audiences[0]
	token, err := i.issue(c, audience, levels, s.now())
	if err != nil {
		return nil, s.serverError(err)
	}
	s.grantedToken(c, audience)
	return &tokenAnswer{
		AccessToken: token.token, TokenType: "Bearer",
		ExpiresIn: int64(messagingLifetime / time.Second), Scope: strings.Join(levels, " "),
	}, nil
}

// messagingRequest reads the form and returns the levels that the token gets:
// those asked for by scope, or all that are granted.
func messagingRequest(w http.ResponseWriter, r *http.Request, c Client) ([]string, *refusal) {
	if mediaType(r) != typeForm {
		return nil, badRequest("send the parameters as " + typeForm)
	}
	form, refused := readForm(w, r)
	if refused != nil {
		return nil, refused
	}
	switch {
	case form.Get("grant_type") == "":
		return nil, badRequest("grant_type is missing")
	case form.Get("grant_type") != clientCredentials:
		return nil, &refusal{status: http.StatusBadRequest, code: "unsupported_grant_type", description: "grant_type must be " + clientCredentials}
	case form.Get("client_secret") != "":
		return nil, badRequest("authenticate once: by HTTP Basic, not in the form too")
	}
	asked := strings.Fields(form.Get("scope"))
	if len(asked) == 0 {
		return slices.Clone(c.Levels), nil
	}
	levels := c.granted(asked)
	for _, one := range asked {
		if !slices.Contains(levels, one) {
			return nil, &refusal{status: http.StatusBadRequest, code: "invalid_scope", description: "the scope exceeds what is granted"}
		}
	}
	return levels, nil
}

// basicClient authenticates by HTTP Basic. RFC 6749, section 2.3.1, wants both
// halves form-encoded first, as golang.org/x/oauth2 does it; the platform's
// documentation, and curl -u, send them as they are. Both are right here: an id
// holds no colon, so the halves are certain, and what they mean is settled by
// which reading the secret fits.
func (s *Server) basicClient(r *http.Request) (Client, bool) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return Client{}, false
	}
	if c, _, ok := s.clients.verify(Messaging, id, secret); ok {
		return c, true
	}
	plainID, errID := url.QueryUnescape(id)
	plainSecret, errSecret := url.QueryUnescape(secret)
	if errID != nil || errSecret != nil {
		return Client{}, false
	}
	c, _, ok := s.clients.verify(Messaging, plainID, plainSecret)
	return c, ok
}

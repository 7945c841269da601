package devauth

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	bokbasenTokenPath = "/oauth/token" //nolint:gosec // a path, not a credential
	bokbasenLifetime  = 24 * time.Hour

	// bokbasenReserve is what a token handed out again has left at the least.
	bokbasenReserve = 10 * time.Minute
)

// bokbasenIssuer is an Auth0 tenant behind a custom domain: the issuer ends in
// a slash and cannot be told from the token endpoint's address.
func bokbasenIssuer(base string) *issuer {
	return &issuer{
		info:   endpoints(base, Bokbasen, "/bokbasen/", bokbasenTokenPath, "/bokbasen/.well-known/jwks.json", rs256, bokbasenAudiences),
		typ:    "JWT",
		auth:   "client_secret_post",
		claims: bokbasenClaims,
	}
}

type auth0Claims struct {
	Metadata    struct{} `json:"https://bokbasen.io/metadata"`
	Iss         string   `json:"iss"`
	Sub         string   `json:"sub"`
	Aud         string   `json:"aud"`
	Iat         int64    `json:"iat"`
	Exp         int64    `json:"exp"`
	Azp         string   `json:"azp"`
	Gty         string   `json:"gty"`
	Permissions []string `json:"permissions"`
}

func bokbasenClaims(iss string, c Client, audience string, levels []string, at time.Time) (any, time.Time) {
	exp := at.Add(bokbasenLifetime)
	return auth0Claims{
		Iss: iss, Sub: c.ID + "@clients", Aud: audience, Iat: at.Unix(), Exp: exp.Unix(),
		Azp: c.ID, Gty: "client-credentials", Permissions: append([]string{}, levels...), // [] rather than null
	}, exp
}

func (s *Server) bokbasenToken(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	answer, refused := s.bokbasenGrant(w, r)
	if refused != nil {
		s.refusedToken(Bokbasen, refused)
		writeProblem(w, refused.status, refused.code, refused.description)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) bokbasenGrant(w http.ResponseWriter, r *http.Request) (*tokenAnswer, *refusal) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &refusal{status: http.StatusMethodNotAllowed, code: "invalid_request", description: "use POST"}
	}
	form, refused := bokbasenRequest(w, r)
	if refused != nil {
		return nil, refused
	}
	c, _, ok := s.clients.verify(Bokbasen, form.Get("client_id"), form.Get("client_secret"))
	if !ok {
		return nil, &refusal{status: http.StatusUnauthorized, code: "access_denied", description: "Unauthorized"}
	}
	if form.Get("grant_type") != clientCredentials {
		return nil, &refusal{status: http.StatusBadRequest, code: "unsupported_grant_type", description: "grant_type must be " + clientCredentials}
	}
	audience := form.Get("audience")
	if !slices.Contains(c.Audiences, audience) {
		return nil, &refusal{status: http.StatusForbidden, code: "access_denied", description: "Client is not authorized to access this audience."}
	}
	token, now, err := s.bokbasenCached(c, audience)
	if err != nil {
		return nil, s.serverError(err)
	}
	s.grantedToken(c, audience)
	return &tokenAnswer{AccessToken: token.token, TokenType: "Bearer", ExpiresIn: token.exp.Unix() - now.Unix()}, nil
}

// bokbasenRequest reads a form or a JSON object. Attributes that are missing
// are a 401, as documented; RFC 6749 would make them a 400.
func bokbasenRequest(w http.ResponseWriter, r *http.Request) (url.Values, *refusal) {
	var form url.Values
	var refused *refusal
	switch mediaType(r) {
	case typeForm:
		form, refused = readForm(w, r)
	case typeJSON:
		form, refused = readJSON(w, r)
	default:
		refused = badRequest("send the attributes as " + typeJSON + " or " + typeForm)
	}
	if refused != nil {
		return nil, refused
	}
	if names := missing(form, "client_id", "client_secret", "audience", "grant_type"); names != "" {
		return nil, &refusal{status: http.StatusUnauthorized, code: "access_denied", description: "missing or not a string: " + names}
	}
	return form, nil
}

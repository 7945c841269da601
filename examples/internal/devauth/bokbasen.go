package devauth

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

const (
	bokbasenLifetime = 24 * time.Hour
	bokbasenReserve  = 10 * time.Minute // what a token handed out again has left at the least
)

// bokbasenSpec is an Auth0 tenant behind a custom domain: the issuer ends in a
// slash and cannot be told from the token endpoint's address.
var bokbasenSpec = spec{ //nolint:gosec // paths, no credentials
	scheme: Bokbasen, path: "/bokbasen/", tokenPath: "/oauth/token", jwksPath: "/bokbasen/.well-known/jwks.json",
	alg: "RS256", typ: "JWT", auth: "client_secret_post", audiences: bokbasenAudiences, jwk: byDigest, claims: bokbasenClaims,
}

func bokbasenClaims(_ string, c Client, audience string, levels []string, at time.Time) (jwkstest.Claims, time.Time) {
	exp := at.Add(bokbasenLifetime)
	return jwkstest.Claims{
		"https://bokbasen.io/metadata": struct{}{}, "sub": c.ID + "@clients", "aud": audience, "iat": at, "exp": exp,
		"azp": c.ID, "gty": "client-credentials", "permissions": append([]string{}, levels...), // [] rather than null
	}, exp
}

func (s *Server) bokbasenGrant(_ http.ResponseWriter, r *http.Request, want want) (*tokenAnswer, *refusal) {
	form, refused := bokbasenRequest(r)
	if refused != nil {
		return nil, refused
	}
	c, _, ok := s.authenticate(Bokbasen, form.Get("client_id"), form.Get("client_secret"))
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
	token, left := s.keptToken(c, audience, want)
	return &tokenAnswer{AccessToken: token, ExpiresIn: left, client: c.Name, audience: audience}, nil
}

// bokbasenRequest reads a form or a JSON object. Attributes that are missing
// are a 401, as documented; RFC 6749 would make them a 400.
func bokbasenRequest(r *http.Request) (form url.Values, refused *refusal) {
	switch mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType {
	case typeForm:
		form, refused = readForm(r)
	case typeJSON:
		form, refused = readJSON(r)
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

// keptTokens holds the token last handed out to each client for each audience,
// both from the table, so it stays small.
type keptTokens struct {
	mu     sync.Mutex
	tokens map[keptKey]issued
}

type keptKey struct {
	client, audience string
	want             want
}

// keptToken returns the same token until less than the reserve is left of it, or
// until it was revoked or its key retired, since it would be refused then.
func (s *Server) keptToken(c Client, audience string, want want) (token string, secondsLeft int64) {
	i := s.issuers[2]
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	now, key := s.now(), keptKey{c.ID, audience, want}
	t, ok := s.kept.tokens[key]
	if !ok || t.exp.Unix()-now.Unix() < int64(bokbasenReserve/time.Second) || !i.publishes(t.kid) || !i.stands(t.token, now) {
		t = i.issue(c, audience, c.Levels, now, want)
		for at := now; !i.stands(t.token, now); { // without a jti, that of the same second is the one that was revoked
			at = at.Add(-time.Second)
			t = i.issue(c, audience, c.Levels, at, want)
		}
		s.kept.tokens[key] = t
	}
	return t.token, t.exp.Unix() - now.Unix()
}

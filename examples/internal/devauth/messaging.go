package devauth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

const messagingLifetime = time.Hour

// messagingSpec has no slash at the end of its issuer, unlike the other two.
var messagingSpec = spec{ //nolint:gosec // paths, no credentials
	scheme: Messaging, path: "/messaging", tokenPath: "/oauth/v2/token", jwksPath: "/messaging/jwks",
	alg: "ES256", typ: "at+jwt", auth: "client_secret_basic", audiences: messagingAudiences, jwk: byDigest, claims: messagingClaims,
}

// messagingClaims are those of RFC 9068 section 2.2.
func messagingClaims(_ string, c Client, audience string, levels []string, at time.Time) (jwkstest.Claims, time.Time) {
	exp := at.Add(messagingLifetime)
	claims := jwkstest.Claims{"sub": c.ID, "aud": audience, "client_id": c.ID, "iat": at, "exp": exp, "jti": randomID()}
	if len(levels) > 0 {
		claims["scope"] = strings.Join(levels, " ")
	}
	return claims, exp
}

func refuseWithBasic(w http.ResponseWriter, r *refusal) {
	if r.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="token", charset="UTF-8"`)
	}
	refuse(w, r)
}

func (s *Server) messagingGrant(_ http.ResponseWriter, r *http.Request, want want) (*tokenAnswer, *refusal) {
	c, ok := s.basicClient(r)
	if !ok {
		return nil, &refusal{status: http.StatusUnauthorized, code: "invalid_client", description: "send client id and secret by HTTP Basic"}
	}
	form, refused := readForm(r)
	switch {
	case refused != nil:
		return nil, refused
	case form.Get("grant_type") == "":
		return nil, badRequest("grant_type is missing: send the parameters as " + typeForm)
	case form.Get("grant_type") != clientCredentials:
		return nil, &refusal{status: http.StatusBadRequest, code: "unsupported_grant_type", description: "grant_type must be " + clientCredentials}
	case form.Get("client_secret") != "":
		return nil, badRequest("authenticate once: by HTTP Basic, not in the form too")
	}
	levels := c.Levels // all that are granted, unless some are asked for
	if asked := strings.Fields(form.Get("scope")); len(asked) > 0 {
		levels = c.granted(asked)
		if slices.ContainsFunc(asked, func(one string) bool { return !slices.Contains(levels, one) }) {
			return nil, &refusal{status: http.StatusBadRequest, code: "invalid_scope", description: "the scope exceeds what is granted"}
		}
	}
	audience := messagingAudiences[0]
	return &tokenAnswer{
		AccessToken: s.issuers[1].issue(c, audience, levels, s.now(), want).token,
		ExpiresIn:   int64(messagingLifetime / time.Second), Scope: strings.Join(levels, " "), client: c.Name, audience: audience,
	}, nil
}

// basicClient authenticates by HTTP Basic. RFC 6749 section 2.3.1 wants both
// halves form-encoded first, as golang.org/x/oauth2 does it; the platform's
// documentation, and curl -u, send them as they are. Both are right here: an id
// holds no colon, so the halves are certain, and the reading that the secret
// fits decides.
func (s *Server) basicClient(r *http.Request) (Client, bool) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return Client{}, false
	}
	c, _, ok := s.authenticate(Messaging, id, secret)
	plainID, errID := url.QueryUnescape(id)
	plainSecret, errSecret := url.QueryUnescape(secret)
	if !ok && errID == nil && errSecret == nil {
		c, _, ok = s.authenticate(Messaging, plainID, plainSecret)
	}
	return c, ok
}

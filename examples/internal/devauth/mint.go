package devauth

import (
	"fmt"
	"strings"
	"time"
)

// Flaw is what is wrong with a token made by [Server.Mint].
type Flaw string

// The flaws. Each token is sound but for its one flaw.
const (
	Sound         Flaw = ""
	Expired       Flaw = "expired"        // expired an hour ago
	OtherAudience Flaw = "other audience" // meant for another API
	Tampered      Flaw = "tampered"       // payload changed after signing, to all levels
)

// otherAudience belongs to nobody in the table.
const otherAudience = "https://api.elsewhere.example/"

// Mint makes a token for a client's first audience, without a token request,
// carrying all that the client is granted and one flaw.
func (s *Server) Mint(scheme Scheme, clientID string, flaw Flaw) (string, error) {
	i, err := s.issuer(scheme)
	if err != nil {
		return "", err
	}
	reg, err := s.clients.find(scheme, clientID)
	if err != nil {
		return "", err
	}
	c, audience, at := reg.client, reg.client.Audiences[0], s.now()
	switch flaw {
	case Sound:
	case Expired:
		_, exp := i.claims(i.info.Issuer, c, audience, nil, at)
		at = at.Add(-exp.Sub(at) - time.Hour)
	case OtherAudience:
		audience = otherAudience
	case Tampered:
		return s.mintTampered(i, c, audience, at)
	default:
		return "", fmt.Errorf("devauth: no flaw %q: use %q, %q, %q or none", flaw, Expired, OtherAudience, Tampered)
	}
	t, err := i.issue(c, audience, c.Levels, at)
	return t.token, err
}

// mintTampered keeps header and signature of a sound token and grants it more.
// Dating the payload a minute back makes it another one in any case.
func (s *Server) mintTampered(i *issuer, c Client, audience string, at time.Time) (string, error) {
	t, err := i.issue(c, audience, c.Levels, at)
	if err != nil {
		return "", err
	}
	claims, _ := i.claims(i.info.Issuer, c, audience, allLevels, at.Add(-time.Minute))
	payload, err := encodeSegment(claims)
	if err != nil {
		return "", err
	}
	parts := strings.Split(t.token, ".")
	return parts[0] + "." + payload + "." + parts[2], nil
}

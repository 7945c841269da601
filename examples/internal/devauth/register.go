package devauth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"
)

// maxRegistered bounds how many tokens an issuer remembers.
const maxRegistered = 10_000

// register is the tokens that an issuer has issued, by digest. It is safe for
// concurrent use.
type register struct {
	mu     sync.Mutex
	tokens map[[sha256.Size]byte]registered
}

type registered struct {
	client  string         // the id of the client that it was issued to
	claims  map[string]any // as its payload says, for opaque ones too
	exp     time.Time
	revoked bool
}

// add remembers a token. Where there are too many, expired ones are forgotten,
// then any.
func (g *register) add(token string, entry registered, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.tokens) >= maxRegistered {
		maps.DeleteFunc(g.tokens, func(_ [sha256.Size]byte, e registered) bool { return !now.Before(e.exp) })
	}
	for old := range g.tokens {
		if len(g.tokens) < maxRegistered {
			break
		}
		delete(g.tokens, old)
	}
	sum := sha256.Sum256([]byte(token))
	entry.revoked = g.tokens[sum].revoked // a token without a jti is the same one within a second
	g.tokens[sum] = entry
}

// active returns a token that is known, not expired and not revoked.
func (g *register) active(token string, now time.Time) (registered, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e, ok := g.tokens[sha256.Sum256([]byte(token))]
	return e, ok && !e.revoked && now.Before(e.exp)
}

// revoke ends a token of that client.
func (g *register) revoke(token, client string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := sha256.Sum256([]byte(token))
	if e, ok := g.tokens[sum]; ok && e.client == client {
		e.revoked = true
		g.tokens[sum] = e
	}
}

// payloadOf returns the claims of a token that this server has signed.
func payloadOf(token string) map[string]any {
	var claims map[string]any
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil { // cannot happen: the kit wrote it
		panic(err)
	}
	return claims
}

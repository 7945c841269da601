package jwkstest

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const introspectionPath = "/introspect"

// IntrospectionClient and IntrospectionSecret are the client id and the secret that the issuer's introspection endpoint
// asks for, by Basic or in the form (RFC 7662 section 2.1).
const (
	IntrospectionClient = "test-api"
	IntrospectionSecret = "for/tests:only%"
)

// introspection is what the issuer knows of tokens.
type introspection struct {
	mu      sync.Mutex
	opaque  map[string]map[string]any // the claims
	forged  map[string]ForgedAnswer
	revoked map[string]bool
}

// OpaqueToken issues an opaque access token with the claims that [Issuer.Token] would give it. Only the issuer can read
// it: see [Issuer.IntrospectionURL].
func (iss *Issuer) OpaqueToken(options ...TokenOption) string {
	claims := iss.draft(options).claims
	token := "opaque_" + rand.Text()
	in := &iss.introspection
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.opaque == nil {
		in.opaque = map[string]map[string]any{}
	}
	in.opaque[token] = claims
	return token
}

// OpaqueTokenOf issues an opaque token about which the issuer gives that answer.
func (iss *Issuer) OpaqueTokenOf(answer ForgedAnswer) string {
	token := "opaque_" + rand.Text()
	in := &iss.introspection
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.forged == nil {
		in.forged = map[string]ForgedAnswer{}
	}
	in.forged[token] = answer
	return token
}

// Revoke makes a token inactive, an opaque one or a JWT: the introspection endpoint says so from now on.
func (iss *Issuer) Revoke(token string) {
	in := &iss.introspection
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.revoked == nil {
		in.revoked = map[string]bool{}
	}
	in.revoked[token] = true
}

// IntrospectionURL returns where the introspection endpoint is (RFC 7662).
func (iss *Issuer) IntrospectionURL() string { return iss.URL() + introspectionPath }

// Introspections returns how often the introspection endpoint was asked, whatever the answer.
func (iss *Issuer) Introspections() int { return int(iss.counts.introspections.Load()) }

// ServeIntrospection answers questions about tokens with h, which can fall back on [Issuer.Answer].
func (iss *Issuer) ServeIntrospection(h http.HandlerFunc) {
	iss.setAnswers(func(a *answers) { a.serveIntrospection = h })
}

// introspect answers as RFC 7662 section 2.2 has it.
func (iss *Issuer) introspect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	token := r.PostFormValue("token")
	if !knowsClient(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="introspection"`)
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	}
	in := &iss.introspection
	in.mu.Lock()
	forged, isForged := in.forged[token]
	claims, revoked := in.opaque[token], in.revoked[token]
	in.mu.Unlock()
	switch {
	case isForged:
		forged.write(w)
		return
	case claims == nil:
		claims = iss.own(token)
	}
	if claims == nil || revoked || passed(claims, iss.now()) {
		iss.writeAnswer(w, map[string]any{"active": false})
		return
	}
	iss.writeAnswer(w, merge(claims, map[string]any{"active": true}))
}

func (iss *Issuer) writeAnswer(w http.ResponseWriter, members map[string]any) {
	body, err := marshal(members)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

func knowsClient(r *http.Request) bool {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok { // both are encoded: RFC 6749 section 2.3.1
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(password)
	}
	return id == IntrospectionClient && subtle.ConstantTimeCompare([]byte(secret), []byte(IntrospectionSecret)) == 1
}

// own returns the claims of a JWT that one of the issuer's published keys signed, nil for any other token.
func (iss *Issuer) own(token string) map[string]any {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	var header struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
	}
	var claims map[string]any
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) || claims["iss"] != iss.name {
		return nil
	}
	key, err := iss.snapshot.Load().Key(header.KeyID, header.Algorithm)
	if err != nil || key.Verify(header.Algorithm, []byte(parts[0]+"."+parts[1]), signature) != nil {
		return nil
	}
	return claims
}

func decodePart(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// passed reports whether a token has expired.
func passed(claims map[string]any, now time.Time) bool {
	switch exp := claims["exp"].(type) {
	case time.Time:
		return !now.Before(exp)
	case float64:
		return float64(now.Unix()) >= exp
	case int64:
		return now.Unix() >= exp
	}
	return false
}

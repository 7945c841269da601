package devauth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/jwks"
)

const (
	proofWindow = time.Minute // how far a proof's iat may be off
	maxProofs   = 10_000      // that are remembered
)

// proofAlgorithms are those that proofs may be signed with.
var proofAlgorithms = []string{"ES256", "EdDSA", "PS256", "RS256"}

// proofs are the digests of the proofs that were used, until they are too old to
// be used again.
type proofs struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

// use reports whether a proof is used for the first time, and whether there was
// room to remember it.
func (p *proofs) use(key string, now time.Time) (first, room bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := sha256.Sum256([]byte(key))
	if until, used := p.until[sum]; used && now.Before(until) {
		return false, true
	}
	if len(p.until) >= maxProofs {
		for old, until := range p.until {
			if !now.Before(until) {
				delete(p.until, old)
			}
		}
	}
	if len(p.until) >= maxProofs {
		return false, false
	}
	p.until[sum] = now.Add(2*proofWindow + time.Second)
	return true, true
}

// badProof is a proof that is none.
//
// RFC 9449 section 5: https://www.rfc-editor.org/rfc/rfc9449#section-5
func badProof(description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid_dpop_proof", description: description}
}

// proofJWT is what is read of a proof.
type proofJWT struct {
	header struct {
		Typ, Alg string
		JWK      map[string]any
	}
	claims struct {
		JTI, HTM, HTU string
		IAT           *float64
	}
	input     string
	signature []byte
}

// proof checks the DPoP proof of a token request and returns the thumbprint of
// its key, "" without a proof.
//
// RFC 9449 section 4.3: https://www.rfc-editor.org/rfc/rfc9449#section-4.3
func (s *Server) proof(r *http.Request) (jkt string, refused *refusal) {
	lines := r.Header.Values("DPoP")
	switch len(lines) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", badProof("there is more than one DPoP header")
	}
	p, ok := parseProof(lines[0])
	if !ok {
		return "", badProof("the proof is no signed JWT")
	}
	public, ok := publicJWK(p.header.JWK)
	switch {
	case p.header.Typ != "dpop+jwt":
		return "", badProof("typ is not dpop+jwt")
	case !slices.Contains(proofAlgorithms, p.header.Alg):
		return "", badProof("alg is none of " + strings.Join(proofAlgorithms, ", "))
	case !ok:
		return "", badProof("jwk is no public key of an elliptic curve, Ed25519 or RSA")
	case !p.signedBy(public):
		return "", badProof("the signature is not that of jwk")
	}
	now := s.now()
	if refused := p.isFor(r, now); refused != nil {
		return "", refused
	}
	sum := sha256.Sum256([]byte(public)) // RFC 7638 section 3
	jkt = base64.RawURLEncoding.EncodeToString(sum[:])
	switch first, room := s.proofs.use(jkt+" "+p.claims.JTI, now); {
	case !room:
		return "", &refusal{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", description: "too many proofs are remembered"}
	case !first:
		return "", badProof("the proof was used before")
	}
	return jkt, nil
}

// isFor checks the claims of a proof against the request.
func (p proofJWT) isFor(r *http.Request, now time.Time) *refusal {
	at := time.Time{}
	if p.claims.IAT != nil {
		at = time.Unix(int64(*p.claims.IAT), 0)
	}
	switch {
	case p.claims.HTM != http.MethodPost:
		return badProof("htm is not POST")
	case !isTarget(p.claims.HTU, r):
		return badProof("htu is not the address of this token endpoint")
	case at.Before(now.Add(-proofWindow)) || at.After(now.Add(proofWindow)):
		return badProof("iat is missing, or more than a minute off")
	case p.claims.JTI == "":
		return badProof("jti is missing")
	}
	return nil
}

func parseProof(text string) (p proofJWT, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || strings.ContainsAny(text, "\r\n") {
		return p, false
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return p, false
		}
	}
	p.input, p.signature = parts[0]+"."+parts[1], decoded[2]
	return p, json.Unmarshal(decoded[0], &p.header) == nil && json.Unmarshal(decoded[1], &p.claims) == nil
}

// jwkMembers are the members of a public key that its thumbprint is made of.
//
// RFC 7638 section 3.2: https://www.rfc-editor.org/rfc/rfc7638#section-3.2
// RFC 8037 section 2: https://www.rfc-editor.org/rfc/rfc8037#section-2
var jwkMembers = map[string][]string{"EC": {"crv", "kty", "x", "y"}, "OKP": {"crv", "kty", "x"}, "RSA": {"e", "kty", "n"}}

// publicJWK returns the members of a public key, in the order of its thumbprint.
func publicJWK(jwk map[string]any) (text string, ok bool) {
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, has := jwk[private]; has {
			return "", false
		}
	}
	kty, _ := jwk["kty"].(string)
	public := map[string]string{}
	for _, name := range jwkMembers[kty] {
		if public[name], ok = jwk[name].(string); !ok {
			return "", false
		}
	}
	sorted, err := json.Marshal(public) // sorts the names
	return string(sorted), err == nil && len(public) > 0
}

func (p proofJWT) signedBy(public string) bool {
	keys, err := jwks.ParseJWKS([]byte(`{"keys":[` + public + `]}`))
	return err == nil && len(keys) == 1 && keys[0].Verify(p.header.Alg, []byte(p.input), p.signature) == nil
}

// isTarget compares htu with the request, without query and fragment.
func isTarget(htu string, r *http.Request) bool {
	u, err := url.Parse(htu)
	return err == nil && u.Scheme == "http" && u.User == nil && strings.EqualFold(u.Host, r.Host) && u.EscapedPath() == r.URL.EscapedPath()
}

package jwkstest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"
)

// Prover is the key of a client that proves with each request that it has it (DPoP, RFC 9449). [Issuer.NewProver]
// makes one; it is immutable and safe for concurrent use.
type Prover struct {
	iss *Issuer
	key *Key
}

// NewProver returns a client's key for proofs, of an algorithm such as ES256, PS256 or EdDSA. A token is bound to it
// by the option [Prover.Bound].
func (iss *Issuer) NewProver(alg string) *Prover {
	key := iss.NewKey(alg)
	if key.Public() == nil {
		iss.fail("a proof is signed with an asymmetric key, not %s", alg)
	}
	return &Prover{iss, key}
}

// Algorithm returns the alg that proofs are signed with.
func (p *Prover) Algorithm() string { return p.key.alg }

// Public returns the public key.
func (p *Prover) Public() crypto.PublicKey { return p.key.Public() }

// Thumbprint returns the thumbprint of the public key (RFC 7638), which a token has in cnf.jkt.
func (p *Prover) Thumbprint() string {
	jwk := p.jwk()
	var text string
	switch jwk["kty"] {
	case "RSA":
		text = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, jwk["e"], jwk["n"])
	case "EC":
		text = fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`, jwk["crv"], jwk["x"], jwk["y"])
	default:
		text = fmt.Sprintf(`{"crv":%q,"kty":"OKP","x":%q}`, jwk["crv"], jwk["x"])
	}
	digest := sha256.Sum256([]byte(text))
	return encode(string(digest[:]))
}

// Bound returns the option for a token that is bound to the key (RFC 9449 section 6.1).
func (p *Prover) Bound() Claims { return Claims{"cnf": map[string]any{"jkt": p.Thumbprint()}} }

// Proof makes a proof for one request with a token: its method, and its address without the query. Options change it
// as they change a token: [Header], [Claims] (a nonce, for instance), [WithKey], [WithRawHeader], [WithRawPayload].
func (p *Prover) Proof(method, url, token string, options ...TokenOption) string {
	if p.iss.tb != nil {
		p.iss.tb.Helper()
	}
	m := p.draft(method, url, token, options)
	return p.iss.signed(encode(p.iss.text(m.rawHeader, m.header))+"."+encode(p.iss.text(m.rawPayload, m.claims)), m.key, m.alg)
}

// SetProof sets the headers of a request: the token by the scheme DPoP, and a proof for the request's method and URL.
func (p *Prover) SetProof(r *http.Request, token string, options ...TokenOption) {
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", p.Proof(r.Method, addressOf(r), token, options...))
}

// addressOf returns the address that a client calls, without the query.
func addressOf(r *http.Request) string {
	u := *r.URL
	if u.Host == "" {
		u.Host = r.Host
	}
	if u.Scheme == "" {
		if u.Scheme = "http"; r.TLS != nil {
			u.Scheme = "https"
		}
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment, u.User = "", false, "", "", nil
	return u.String()
}

// jwk is the public key and nothing else.
func (p *Prover) jwk() JWK {
	jwk, err := publicMembers(p.key.private)
	p.iss.check(err)
	return jwk
}

func (p *Prover) draft(method, url, token string, options []TokenOption) *draft {
	m := &draft{
		key: p.key, alg: p.key.alg,
		header: map[string]any{"typ": "dpop+jwt", "alg": p.key.alg, "jwk": p.jwk()},
		claims: map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": p.iss.now().Truncate(time.Second), "ath": hashOf(token)},
	}
	for _, o := range options {
		o.token(m)
	}
	return m
}

func hashOf(token string) string {
	digest := sha256.Sum256([]byte(token))
	return encode(string(digest[:]))
}

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// prover is a transport that puts a DPoP proof (RFC 9449) into each request: to the
// token endpoint, which binds the token to the key, and to the API, which then
// takes the token from no other client. The key lives as long as the program. It is
// safe for concurrent use.
type prover struct {
	base http.RoundTripper
	key  *ecdsa.PrivateKey
	jwk  map[string]string

	mu     sync.Mutex
	nonces map[string]string // the last one of each host
}

func newProver(base http.RoundTripper) (*prover, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4 || x || y
	if err != nil {
		return nil, err
	}
	return &prover{
		base: base, key: key, nonces: map[string]string{},
		jwk: map[string]string{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])},
	}, nil
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// RoundTrip sends a request with a proof, and once more where the server asks for a
// nonce of its own: 401 from an API, 400 from a token endpoint (RFC 9449 sections 8
// and 9).
func (p *prover) RoundTrip(r *http.Request) (*http.Response, error) {
	used := p.nonce(r.URL.Host)
	res, err := p.send(r, used)
	if err != nil {
		return nil, err
	}
	asked := res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusBadRequest
	if next := p.nonce(r.URL.Host); !asked || next == used || r.Body != nil && r.GetBody == nil {
		return res, nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxShown)) // so that the connection is used again
	_ = res.Body.Close()
	return p.send(r, p.nonce(r.URL.Host))
}

// send sends a copy of the request with a proof of its own: each is good once.
func (p *prover) send(r *http.Request, nonce string) (*http.Response, error) {
	proof, err := p.proof(r, nonce)
	if err != nil {
		return nil, err
	}
	own := r.Clone(r.Context())
	if r.GetBody != nil {
		if own.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	own.Header.Set("DPoP", proof)
	res, err := p.base.RoundTrip(own)
	if err == nil {
		if next := res.Header.Get("DPoP-Nonce"); next != "" { // with an answer that is good, too
			p.mu.Lock()
			p.nonces[r.URL.Host] = next
			p.mu.Unlock()
		}
	}
	return res, err
}

func (p *prover) nonce(host string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nonces[host]
}

// proof makes the proof for one request (RFC 9449 section 4.2).
func (p *prover) proof(r *http.Request, nonce string) (string, error) {
	address := *r.URL
	address.RawQuery, address.ForceQuery, address.Fragment, address.RawFragment, address.User = "", false, "", "", nil
	claims := map[string]any{"jti": rand.Text(), "htm": r.Method, "htu": address.String(), "iat": time.Now().Unix()}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP "); ok {
		digest := sha256.Sum256([]byte(token))
		claims["ath"] = encode(digest[:])
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	header, err := json.Marshal(map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": p.jwk})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := encode(header) + "." + encode(payload)
	digest := sha256.Sum256([]byte(input))
	x, y, err := ecdsa.Sign(rand.Reader, p.key, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64) // r and s side by side: RFC 7518 section 3.4
	x.FillBytes(signature[:32])
	y.FillBytes(signature[32:])
	return input + "." + encode(signature), nil
}

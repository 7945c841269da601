package devauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

type joseHeader struct {
	Typ string `json:"typ"`
	Alg string `json:"alg"`
	X5t string `json:"x5t,omitempty"`
	Kid string `json:"kid"`
}

// sign serialises claims as a compact JWS (RFC 7515, section 7.1).
func (k *key) sign(typ string, claims any) (string, error) {
	header, err := encodeSegment(joseHeader{Typ: typ, Alg: k.alg, X5t: k.x5t, Kid: k.kid})
	if err != nil {
		return "", err
	}
	payload, err := encodeSegment(claims)
	if err != nil {
		return "", err
	}
	input := header + "." + payload
	signature, err := k.signature(input)
	if err != nil {
		return "", fmt.Errorf("devauth: sign: %w", err)
	}
	return input + "." + b64.EncodeToString(signature), nil
}

func encodeSegment(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("devauth: encode token: %w", err)
	}
	return b64.EncodeToString(text), nil
}

// signature follows RFC 7518, sections 3.3 and 3.4.
func (k *key) signature(input string) ([]byte, error) {
	digest := sha256.Sum256([]byte(input))
	switch private := k.signer.(type) {
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return nil, err
		}
		out := make([]byte, 64) // R and S, 32 octets each, not DER
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out, nil
	default:
		return nil, fmt.Errorf("no algorithm for %T", k.signer)
	}
}

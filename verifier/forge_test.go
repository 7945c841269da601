package verifier_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Tokens that no issuer would write are put together here.

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// decode is nil for what is not base64url.
func decode(part string) []byte {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil
	}
	return data
}

// parts cuts a token at its dots.
func parts(token string) (header, payload, signature string) {
	cut := strings.SplitN(token, ".", 3)
	return cut[0], cut[1], cut[2]
}

// tampered is a token with one bit of its signature turned.
func tampered(token string) string {
	header, payload, signature := parts(token)
	raw := decode(signature)
	raw[len(raw)/2] ^= 1
	return header + "." + payload + "." + encode(string(raw))
}

// resigned is the token with another signature.
func resigned(token string, signature []byte) string {
	header, payload, _ := parts(token)
	return header + "." + payload + "." + encode(string(signature))
}

// hmac256 is the signature part of HS256.
func hmac256(secret []byte, input string) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(input))
	return encode(string(h.Sum(nil)))
}

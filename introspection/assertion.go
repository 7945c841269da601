package introspection

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// SigningKey signs what says who asks. Signer may be in an HSM or a KMS. Algorithm
// is RS256, PS256, ES256 or EdDSA. KeyID may be "".
type SigningKey struct {
	_ [0]func() // keyed literals only

	Signer    crypto.Signer
	Algorithm string
	KeyID     string
}

// lifeOfAssertion is short: each is used once, at once.
const lifeOfAssertion = time.Minute

// PrivateKeyJWT is a client id and a JWT that the client signs, for each question a
// new one. key is called for each; [KeyFile] reads one from a file. The audience of
// the JWT is the issuer.
//
// RFC 7523 section 3: https://www.rfc-editor.org/rfc/rfc7523#section-3
func PrivateKeyJWT(clientID string, key func(context.Context) (SigningKey, error)) Credentials {
	c := ofClient(clientID, key == nil)
	c.add = func(ctx context.Context, q *question) error {
		k, err := key(ctx)
		if err != nil {
			return err
		}
		assertion, err := k.assertion(clientID, q.issuer)
		if err != nil {
			return err
		}
		q.form.Set("client_id", clientID)
		q.form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		q.form.Set("client_assertion", assertion)
		return nil
	}
	return c
}

// KeyFile returns the key in a PEM file, PKCS #8, PKCS #1 or SEC 1, which may be
// replaced at any time.
func KeyFile(path, algorithm, keyID string) func(context.Context) (SigningKey, error) {
	return fromFiles(func(texts [][]byte) (SigningKey, error) {
		signer, err := parseKey(texts[0])
		return SigningKey{Signer: signer, Algorithm: algorithm, KeyID: keyID}, err
	}, path)
}

func parseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block with a private key")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, errors.New("no private key in PKCS #8, PKCS #1 or SEC 1")
}

// assertion returns a JWT that says that the client asks the issuer, now.
//
// RFC 7523 section 3: https://www.rfc-editor.org/rfc/rfc7523#section-3
func (k SigningKey) assertion(clientID, issuer string) (string, error) {
	header := map[string]any{"alg": k.Algorithm, "typ": "JWT"}
	if k.KeyID != "" {
		header["kid"] = k.KeyID
	}
	now := time.Now().Unix()
	payload := map[string]any{
		"iss": clientID, "sub": clientID, "aud": issuer, "jti": rand.Text(),
		"iat": now, "exp": now + int64(lifeOfAssertion/time.Second),
	}
	var input string
	for _, part := range []map[string]any{header, payload} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("introspection: assertion: %w", err)
		}
		if input != "" {
			input += "."
		}
		input += base64.RawURLEncoding.EncodeToString(text)
	}
	signature, err := k.sign([]byte(input))
	if err != nil {
		return "", fmt.Errorf("introspection: the key cannot sign who asks: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// sign returns the signature of a JWS.
//
// RFC 7518 section 3: https://www.rfc-editor.org/rfc/rfc7518#section-3
func (k SigningKey) sign(input []byte) ([]byte, error) {
	if k.Signer == nil {
		return nil, errors.New("there is no Signer")
	}
	digest := sha256.Sum256(input)
	fits := false
	switch public := k.Signer.Public().(type) {
	case *rsa.PublicKey:
		fits = public.N.BitLen() >= 2048 && (k.Algorithm == "RS256" || k.Algorithm == "PS256")
	case *ecdsa.PublicKey:
		fits = public.Curve == elliptic.P256() && k.Algorithm == "ES256"
	case ed25519.PublicKey:
		fits = k.Algorithm == "EdDSA"
	}
	if !fits {
		return nil, fmt.Errorf("Algorithm %.20q is none of RS256, PS256, ES256 and EdDSA, or not for this key", k.Algorithm)
	}
	switch k.Algorithm {
	case "PS256":
		return k.Signer.Sign(rand.Reader, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	case "EdDSA":
		return k.Signer.Sign(rand.Reader, input, crypto.Hash(0))
	case "ES256":
		der, err := k.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return fromDER(der)
	}
	return k.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// fromDER returns an ES256 signature as JWS has it: two numbers of 32 bytes.
//
// RFC 7518 section 3.4: https://www.rfc-editor.org/rfc/rfc7518#section-3.4
func fromDER(der []byte) ([]byte, error) {
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &pair); err != nil || len(rest) > 0 || pair.R.Sign() <= 0 || pair.S.Sign() <= 0 || pair.R.BitLen() > 256 || pair.S.BitLen() > 256 {
		return nil, errors.New("the Signer made no ECDSA signature")
	}
	out := make([]byte, 64)
	pair.R.FillBytes(out[:32])
	pair.S.FillBytes(out[32:])
	return out, nil
}

package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
)

// Thumbprint returns the JWK thumbprint with SHA-256 (RFC 7638), "" for a secret.
func (k *Key) Thumbprint() string {
	b64 := encoding.EncodeToString
	var doc string
	switch pub := k.public.(type) {
	case *rsa.PublicKey:
		doc = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, b64(big.NewInt(int64(pub.E)).Bytes()), b64(pub.N.Bytes()))
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 4 || X || Y
		if err != nil {
			return ""
		}
		half := len(point) / 2
		doc = fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`, k.curve, b64(point[1:1+half]), b64(point[1+half:]))
	case ed25519.PublicKey:
		doc = fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":%q}`, b64(pub))
	default:
		return ""
	}
	sum := sha256.Sum256([]byte(doc))
	return b64(sum[:])
}

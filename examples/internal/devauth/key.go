package devauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 thumbprint by definition (RFC 7517, section 4.8)
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"time"
)

const (
	rs256 = "RS256"
	es256 = "ES256"
)

var b64 = base64.RawURLEncoding

// jwk is a public key as RFC 7517 writes it.
type jwk struct {
	Kty string   `json:"kty"`
	Use string   `json:"use"`
	Alg string   `json:"alg,omitempty"`
	Kid string   `json:"kid"`
	X5t string   `json:"x5t,omitempty"`
	N   string   `json:"n,omitempty"`
	E   string   `json:"e,omitempty"`
	Crv string   `json:"crv,omitempty"`
	X   string   `json:"x,omitempty"`
	Y   string   `json:"y,omitempty"`
	X5c []string `json:"x5c,omitempty"`
}

// key is a signing key and its public face. It is immutable.
type key struct {
	kid    string
	x5t    string
	alg    string
	signer crypto.Signer
	public jwk
}

func newSigner(alg string) (crypto.Signer, error) {
	if alg == es256 {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, 2048)
}

// newKey gives a signer the identity that its scheme's server would: Entra
// names a key by its certificate and leaves out alg, the others name alg.
func newKey(scheme Scheme, alg string, signer crypto.Signer, now time.Time) (*key, error) {
	public, err := publicJWK(signer.Public())
	if err != nil {
		return nil, err
	}
	k := &key{alg: alg, signer: signer, public: public}
	if scheme == OKQ8 {
		err = k.nameByCertificate(now)
	} else {
		k.public.Alg = alg
		k.kid, err = thumbprint(public)
	}
	k.public.Use, k.public.Kid = "sig", k.kid
	return k, err
}

func publicJWK(pub crypto.PublicKey) (jwk, error) {
	switch p := pub.(type) {
	case *rsa.PublicKey:
		return jwk{Kty: "RSA", N: b64.EncodeToString(p.N.Bytes()), E: b64.EncodeToString(big.NewInt(int64(p.E)).Bytes())}, nil
	case *ecdsa.PublicKey:
		point, err := p.Bytes() // 0x04, X, Y
		if err != nil {
			return jwk{}, fmt.Errorf("devauth: encode public key: %w", err)
		}
		half := (len(point) - 1) / 2
		return jwk{Kty: "EC", Crv: "P-256", X: b64.EncodeToString(point[1 : 1+half]), Y: b64.EncodeToString(point[1+half:])}, nil
	default:
		return jwk{}, fmt.Errorf("devauth: no JWK form for %T", pub)
	}
}

// thumbprint is the key's SHA-256 thumbprint (RFC 7638): the required members
// in lexicographic order, which is how encoding/json writes a map.
func thumbprint(k jwk) (string, error) {
	members := map[string]string{"kty": k.Kty, "n": k.N, "e": k.E}
	if k.Kty == "EC" {
		members = map[string]string{"kty": k.Kty, "crv": k.Crv, "x": k.X, "y": k.Y}
	}
	canonical, err := json.Marshal(members)
	if err != nil {
		return "", fmt.Errorf("devauth: thumbprint: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return b64.EncodeToString(sum[:]), nil
}

// nameByCertificate puts the key into a self-signed certificate; its SHA-1
// thumbprint is both kid and x5t.
func (k *key) nameByCertificate(now time.Time) error {
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(randomBytes(16)),
		Subject:      pkix.Name{CommonName: "devauth.localhost"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(5, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.signer.Public(), k.signer)
	if err != nil {
		return fmt.Errorf("devauth: certificate of a signing key: %w", err)
	}
	sum := sha1.Sum(der) //nolint:gosec // see the import
	k.x5t = b64.EncodeToString(sum[:])
	k.kid, k.public.X5t = k.x5t, k.x5t
	k.public.X5c = []string{base64.StdEncoding.EncodeToString(der)}
	return nil
}

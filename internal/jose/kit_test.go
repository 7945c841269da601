package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"sync"
	"testing"
)

// Keys made once for the whole binary: RSA is slow to generate.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

var input = []byte("eyJhbGciOiJub25lIn0.e30")

func sign(t *testing.T, alg string) (public any, signature []byte) {
	t.Helper()
	h256, h384, h512 := sha256.Sum256(input), sha512.Sum384(input), sha512.Sum512(input)
	pss := func(h crypto.Hash, sum []byte) []byte {
		return must(rsa.SignPSS(rand.Reader, rsaKey(), h, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	}
	switch alg {
	case "RS256":
		return &rsaKey().PublicKey, must(rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA256, h256[:]))
	case "RS384":
		return &rsaKey().PublicKey, must(rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA384, h384[:]))
	case "RS512":
		return &rsaKey().PublicKey, must(rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA512, h512[:]))
	case "PS256":
		return &rsaKey().PublicKey, pss(crypto.SHA256, h256[:])
	case "PS384":
		return &rsaKey().PublicKey, pss(crypto.SHA384, h384[:])
	case "PS512":
		return &rsaKey().PublicKey, pss(crypto.SHA512, h512[:])
	case "ES256":
		return &p256().PublicKey, raw(p256(), h256[:], 32)
	case "ES384":
		return &p384().PublicKey, raw(p384(), h384[:], 48)
	case "ES512":
		return &p521().PublicKey, raw(p521(), h512[:], 66)
	case "EdDSA", "Ed25519":
		return edKey().Public(), ed25519.Sign(edKey(), input)
	}
	t.Fatalf("no signer for %s", alg)
	return nil, nil
}

func raw(k *ecdsa.PrivateKey, sum []byte, size int) []byte {
	r, s, err := ecdsa.Sign(rand.Reader, k, sum)
	if err != nil {
		panic(err)
	}
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out
}

var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}

func jwkOf(t *testing.T, public any, extra map[string]any) map[string]any {
	t.Helper()
	m := map[string]any{"kid": "k"}
	switch k := public.(type) {
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		point := must(k.Bytes())
		half := len(point) / 2
		m["kty"], m["crv"], m["x"], m["y"] = "EC", k.Params().Name, b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PublicKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", b64(k)
	}
	for name, v := range extra {
		m[name] = v
	}
	return m
}

func set(t *testing.T, keys ...map[string]any) []byte {
	t.Helper()
	return must(json.Marshal(map[string]any{"keys": keys}))
}

package daemon

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// Key is a signing key of a server.
type Key struct {
	ID      string        `json:"kid"`
	Alg     string        `json:"alg"` // RS256 or ES256
	DER     []byte        `json:"der"` // PKCS #8
	Private crypto.Signer `json:"-"`
}

// Keys are the keys of a server, kept in a file so that the server has the same
// ones after it was stopped and started. The newest is first. It is safe for
// concurrent use. Open makes it; the zero value is not usable.
type Keys struct {
	path string
	mu   sync.Mutex
	keys []Key
}

// Open reads the keys in the file path, or makes the first one if there is none.
func Open(path string) (*Keys, error) {
	k := &Keys{path: path}
	text, err := os.ReadFile(path) //nolint:gosec // G304: a flag of the program says where
	if os.IsNotExist(err) {
		err = k.Rotate("RS256")
		return k, err
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &k.keys); err != nil {
		return nil, err
	}
	for i := range k.keys {
		private, err := x509.ParsePKCS8PrivateKey(k.keys[i].DER)
		if err != nil {
			return nil, err
		}
		signer, ok := private.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("key %s is a %T", k.keys[i].ID, private)
		}
		k.keys[i].Private = signer
	}
	return k, nil
}

// Rotate makes a new key, which signs from now on. The older ones are still published.
func (k *Keys) Rotate(alg string) error {
	key := Key{ID: rand.Text(), Alg: alg}
	var err error
	switch alg {
	case "RS256":
		key.Private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		err = fmt.Errorf("alg %q is not RS256 or ES256", alg)
	}
	if err != nil {
		return err
	}
	if key.DER, err = x509.MarshalPKCS8PrivateKey(key.Private); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.store(append([]Key{key}, k.keys...))
}

// Retire takes back all keys but the newest.
func (k *Keys) Retire() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.store(k.keys[:1:1])
}

func (k *Keys) store(keys []Key) error {
	text, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	k.keys = keys
	return os.WriteFile(k.path, text, 0o600)
}

// All returns the keys that are published, the one that signs first. The slice
// is not changed later.
func (k *Keys) All() []Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}

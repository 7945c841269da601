package devauth

import (
	"crypto"
	"sync"
)

// reused holds RSA keys made once per test binary.
var reused struct {
	sync.Mutex
	rsa []crypto.Signer
}

// WithReusedKeys makes a server take its RSA keys from a pool that all servers
// of the test binary share. Within one server they are distinct.
func WithReusedKeys(cfg Config) Config {
	taken := 0
	var mu sync.Mutex
	cfg.newSigner = func(alg string) (crypto.Signer, error) {
		if alg == es256 {
			return newSigner(alg)
		}
		mu.Lock()
		defer mu.Unlock()
		taken++
		return pooled(taken - 1)
	}
	return cfg
}

func pooled(n int) (crypto.Signer, error) {
	reused.Lock()
	defer reused.Unlock()
	for len(reused.rsa) <= n {
		k, err := newSigner(rs256)
		if err != nil {
			return nil, err
		}
		reused.rsa = append(reused.rsa, k)
	}
	return reused.rsa[n], nil
}

// WithSigner makes a server take its keys from next.
func WithSigner(cfg Config, next func(alg string) (crypto.Signer, error)) Config {
	cfg.newSigner = next
	return cfg
}

const MaxKeys = maxKeys

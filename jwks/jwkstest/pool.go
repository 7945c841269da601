package jwkstest

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// idle are the RSA keys of issuers that have ended: making one takes a tenth
// of a second and more. While an issuer lives nobody else has its keys.
var idle struct {
	sync.Mutex
	keys []*rsa.PrivateKey
}

func borrow() (*rsa.PrivateKey, error) {
	idle.Lock()
	if last := len(idle.keys) - 1; last >= 0 {
		key := idle.keys[last]
		idle.keys = idle.keys[:last]
		idle.Unlock()
		return key, nil
	}
	idle.Unlock()
	return rsa.GenerateKey(rand.Reader, 2048)
}

func giveBack(keys []*rsa.PrivateKey) {
	idle.Lock()
	defer idle.Unlock()
	idle.keys = append(idle.keys, keys...)
}

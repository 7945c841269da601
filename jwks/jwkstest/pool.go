package jwkstest

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// spare are the RSA keys of issuers that have ended: making one takes a tenth
// of a second and more. While an issuer lives nobody else has its keys.
var spare struct {
	sync.Mutex
	keys []*rsa.PrivateKey
}

func borrow() (*rsa.PrivateKey, error) {
	spare.Lock()
	if last := len(spare.keys) - 1; last >= 0 {
		key := spare.keys[last]
		spare.keys = spare.keys[:last]
		spare.Unlock()
		return key, nil
	}
	spare.Unlock()
	return rsa.GenerateKey(rand.Reader, 2048)
}

func giveBack(keys []*rsa.PrivateKey) {
	spare.Lock()
	defer spare.Unlock()
	spare.keys = append(spare.keys, keys...)
}

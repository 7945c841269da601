package setting

import (
	"crypto/sha256"
	"fmt"
)

// Fingerprint names a configuration of plain values without holding it: two have the
// same one if nothing in them differs, nil and empty lists included. It outlives
// changes that the owner of a configuration makes to its lists. What is a function,
// an interface or a pointer is to be compared apart, and left out.
func Fingerprint(plain any) [sha256.Size]byte { return sha256.Sum256(fmt.Appendf(nil, "%#v", plain)) }

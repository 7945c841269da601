package jose

import (
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/internal/quote"
)

// Skipped is a JWK that cannot be used, and why. A key that cannot be read is
// not one that is missing: its names are kept.
type Skipped struct {
	Names
	Unreadable         bool // damaged, or for an alg that is not known: it may have been meant for tokens
	index              int
	kty, curve, forAlg string
	why                error
}

// Error says which key of the set it is, and why it is skipped.
func (s *Skipped) Error() string {
	if s.ID == "" {
		return fmt.Sprintf("key %d: %v", s.index, s.why)
	}
	return fmt.Sprintf("key %d (kid %s): %v", s.index, quote.Text(s.ID), s.why)
}

// Unwrap gives the reason.
func (s *Skipped) Unwrap() error { return s.why }

// Equal reports whether both are the same key, skipped for the same reason.
func (s *Skipped) Equal(other *Skipped) bool {
	a, b := *s, *other
	a.why, b.why = nil, nil
	return a == b && s.Error() == other.Error()
}

// MayFit reports whether the key cannot be read and what can be read of it
// allows alg: its type, its curve and an alg that is known. declared leaves out
// keys that name no alg.
func (s *Skipped) MayFit(alg string, declared bool) bool {
	a := algorithmOf(alg)
	switch {
	case !s.Unreadable, a == nil, a.kty != s.kty, s.curve != "" && a.curve != s.curve, declared && s.forAlg == "":
		return false
	case Known(s.forAlg):
		return Canonical(s.forAlg) == Canonical(alg)
	}
	return true
}

// skip is the key of a declaration that is not usable for that reason. Its
// strings are cloned: a few bytes cut out of the set would keep all of it.
func (d *declaration) skip(index int, why error) *Skipped {
	_, forbidden := why.(forbiddenError) //nolint:errorlint // never wrapped
	return &Skipped{
		Names: d.names(), Unreadable: !forbidden,
		index: index, kty: strings.Clone(d.kty), curve: strings.Clone(d.crv), forAlg: strings.Clone(d.alg),
		why: why,
	}
}

// forbiddenError is the reason of a key that can be read, and must not check
// tokens here.
type forbiddenError string

// Error returns the reason.
func (e forbiddenError) Error() string { return string(e) }

func forbidden(format string, args ...any) error {
	return forbiddenError(fmt.Sprintf(format, args...))
}

// elsewhere reports whether alg is registered for a key of a public type, and
// for something else than signatures that are checked here. A key of such an alg
// is not damaged, it is for another use.
//
// IANA JSON Web Signature and Encryption Algorithms: https://www.iana.org/assignments/jose/jose.xhtml#web-signature-encryption-algorithms
func elsewhere(alg string) bool {
	switch alg {
	case "none", "dir", "ES256K", "Ed448":
		return true
	}
	for _, family := range [...]string{"RSA1_5", "RSA-OAEP", "ECDH-ES", "HPKE-", "ML-DSA-", "A128", "A192", "A256", "PBES2-"} {
		if strings.HasPrefix(alg, family) {
			return true
		}
	}
	return Symmetric(alg)
}

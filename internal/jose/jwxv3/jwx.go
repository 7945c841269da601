package jose

import (
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// This file is all that knows jwx: signature primitives and the parsing of one
// JWK. It is built by `make test-jwx3` in the place of ../jwx.go.

// newPrimitive makes the primitive of an algorithm that jwx has by that name.
func newPrimitive(alg string) primitive {
	known, ok := jwa.LookupSignatureAlgorithm(alg)
	if !ok {
		panic("jose: jwx does not know " + alg) // an algorithm of our own table: a build that cannot work
	}
	v, err := jws.VerifierFor(known)
	if err != nil {
		panic("jose: " + err.Error())
	}
	return keyLast{v}
}

// keyLast gives the arguments of v3 the order of ours.
type keyLast struct{ v jws.Verifier2 }

func (p keyLast) Verify(input, signature []byte, key any) error {
	return p.v.Verify(key, input, signature)
}

// parseMaterial converts a JWK to the key of crypto/... that it stands for.
func parseMaterial(text []byte) (any, error) {
	parsed, err := jwk.ParseKey(text)
	if err != nil {
		return nil, err
	}
	var key any
	err = jwk.Export(parsed, &key)
	return key, err
}

package jose

import (
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// This file is all that knows jwx: signature primitives and the parsing of one
// JWK. jwxv3 holds the same file for jwx/v3, and `make test-jwx3` puts it in
// this one's place.

// newPrimitive makes the primitive of an algorithm that jwx has by that name.
func newPrimitive(alg string) primitive {
	v, err := jws.NewVerifier(jwa.SignatureAlgorithm(alg))
	if err != nil {
		panic("jose: " + err.Error()) // an algorithm of our own table: a build that cannot work
	}
	return v
}

// parseMaterial converts a JWK to the key of crypto/... that it stands for.
func parseMaterial(text []byte) (any, error) {
	parsed, err := jwk.ParseKey(text)
	if err != nil {
		return nil, err
	}
	var key any
	err = parsed.Raw(&key)
	return key, err
}

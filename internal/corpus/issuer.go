package corpus

import (
	"encoding/json"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// mainKeys is the key set that most tokens go with.
const mainKeys = "issuer.json"

// maker is an issuer that is the same each time, and a clock that is set by hand.
type maker struct {
	*jwkstest.Issuer
	clock int64
}

// newMaker returns the issuer of a part of the corpus. No two parts have a key in common.
func newMaker(part string) *maker {
	m := &maker{clock: past}
	m.Issuer = jwkstest.Start(jwkstest.WithoutServer(), jwkstest.WithSeed("sallyport corpus: "+part), jwkstest.WithName(issuerName),
		jwkstest.WithAudience(audience), jwkstest.WithClock(func() time.Time { return time.Unix(m.clock, 0).UTC() }),
		jwkstest.Claims{"jti": "corpus", "iat": past, "exp": int64(expiry)})
	return m
}

// withEveryKey publishes a key for each algorithm.
func (m *maker) withEveryKey() *maker {
	for _, alg := range allAlgorithms {
		m.Token(jwkstest.WithAlgorithm(alg))
	}
	return m
}

// keySet is a JWK Set (RFC 7517 section 5), with a note that its keys are for tests.
func keySet(keys ...any) map[string]any {
	if keys == nil {
		keys = []any{}
	}
	return map[string]any{"note": testKeys, "keys": keys}
}

// published returns the issuer's keys.
func (m *maker) published() (keys []any) {
	for _, k := range m.Published() {
		keys = append(keys, withoutNil(k.JWK()))
	}
	return keys
}

// with returns a key as it is published, changed by members; a nil value leaves one out.
func with(k *jwkstest.Key, members map[string]any) map[string]any {
	out := map[string]any(k.JWK())
	for name, v := range members {
		out[name] = v
	}
	return withoutNil(out)
}

// withoutNil leaves nil members out.
func withoutNil(members map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range members {
		if v != nil {
			out[name] = v
		}
	}
	return out
}

// null is a JSON null: a nil value leaves a member out.
var null = json.RawMessage("null")

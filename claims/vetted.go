package claims

import (
	"errors"
	"sync"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/vetted"
)

// filled are mappings with their defaults.
var filled sync.Map

// For verifier, which parses a payload before it verifies the signature.
var _ = vetted.Register(
	func(payload strictjson.Object, mapping any) (any, error) {
		m, ok := mapping.(*Mapping)
		if !ok {
			return nil, errors.New("claims: the mapping is no *Mapping")
		}
		whole, ok := filled.Load(m)
		if !ok {
			d := m.WithDefaults()
			whole = &d
			filled.Store(m, whole)
		}
		return FromObject(payload, whole.(*Mapping))
	},
	func(claims any) int {
		c, _ := claims.(*Claims)
		return c.Size()
	},
)

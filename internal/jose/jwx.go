package jose

import (
	"encoding/json"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// This file is all that knows jwx.

// convert makes a key of crypto/... of the members of a JWK, of which it gets
// only what [material] read and wrote anew.
func convert(members map[string]string) (any, error) {
	text, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	parsed, err := jwk.ParseKey(text)
	if err != nil {
		return nil, err
	}
	var key any
	err = parsed.Raw(&key)
	return key, err
}

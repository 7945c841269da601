package jose

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// maxKeys bounds the keys of one set.
const maxKeys = 256

// ParseSet reads a JWK Set, or a single JWK (RFC 7517 sections 4 and 5). Keys
// that cannot check a signature here are skipped, each with its reason: an
// unknown kty must not break the set. Symmetric and private keys are skipped
// too: nobody may publish them.
func ParseSet(data []byte) (keys []Key, skipped []error, err error) {
	obj, err := strictjson.Parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("jose: not a JWK Set: %w", err)
	}
	entries, err := entries(&obj)
	if err != nil {
		return nil, nil, err
	}
	for i, entry := range entries {
		k, err := parseKey(entry)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		keys = append(keys, k)
	}
	return keys, skipped, nil
}

func entries(obj *strictjson.Object) ([]strictjson.Value, error) {
	list, ok := obj.Get("keys")
	if !ok {
		if _, single := obj.Get("kty"); single {
			return []strictjson.Value{obj.Value()}, nil
		}
		return nil, errors.New(`jose: not a JWK Set: no "keys" member`)
	}
	if list.Kind() != '[' {
		return nil, errors.New(`jose: not a JWK Set: "keys" is no array`)
	}
	var out []strictjson.Value
	for v := range list.Elements() {
		if len(out) == maxKeys {
			return nil, fmt.Errorf("jose: more than %d keys in the set", maxKeys)
		}
		out = append(out, v)
	}
	return out, nil
}

func parseKey(v strictjson.Value) (Key, error) {
	obj, err := v.Object()
	if err != nil {
		return Key{}, errors.New("not a JSON object")
	}
	d, err := declared(&obj)
	if err != nil {
		return Key{}, err
	}
	public, err := parseMaterial([]byte(v.Raw()))
	if err != nil {
		return Key{}, fmt.Errorf("unusable %s key: %w", d.kty, err)
	}
	k, err := NewKey(public)
	if err != nil {
		return Key{}, err
	}
	// Cloned: a few bytes cut out of the set would keep all of it in memory.
	k.ID, k.Algorithm, k.Issuer = strings.Clone(d.kid), strings.Clone(d.alg), strings.Clone(d.issuer)
	if k.Algorithm != "" && !k.Fits(k.Algorithm) {
		return Key{}, fmt.Errorf("alg %q does not fit a key of type %s %s", k.Algorithm, k.kty, k.curve)
	}
	return k, nil
}

// declaration is what a JWK says of its own use (RFC 7517 section 4).
type declaration struct{ kty, kid, alg, use, issuer string }

func declared(obj *strictjson.Object) (declaration, error) {
	var d declaration
	for _, m := range []struct {
		name string
		to   *string
	}{{"kty", &d.kty}, {"kid", &d.kid}, {"alg", &d.alg}, {"use", &d.use}, {"issuer", &d.issuer}} {
		v, ok := obj.Get(m.name)
		if !ok {
			continue
		}
		s, err := v.Text()
		if err != nil {
			return d, fmt.Errorf("%s is no string", m.name)
		}
		*m.to = s
	}
	return d, errors.Join(d.usable(), public(obj), verifies(obj))
}

func (d declaration) usable() error {
	switch {
	case d.kty != RSA && d.kty != EC && d.kty != OKP:
		return fmt.Errorf("kty %q cannot check a signature here", d.kty)
	case d.use != "" && d.use != "sig":
		return fmt.Errorf("use is %q, not sig", d.use)
	case d.alg != "" && (!Known(d.alg) || Symmetric(d.alg)):
		return fmt.Errorf("alg %q is not implemented", d.alg)
	}
	return nil
}

// public refuses a JWK that gives its private part away: whoever can read the
// set could sign with it.
func public(obj *strictjson.Object) error {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := obj.Get(name); ok {
			return fmt.Errorf("holds the private member %q", name)
		}
	}
	return nil
}

func verifies(obj *strictjson.Object) error {
	v, ok := obj.Get("key_ops")
	if !ok {
		return nil
	}
	ops, err := v.Strings()
	if err != nil {
		return errors.New("key_ops is no array of strings")
	}
	for _, op := range ops {
		if op == "verify" {
			return nil
		}
	}
	return errors.New("key_ops does not hold verify")
}

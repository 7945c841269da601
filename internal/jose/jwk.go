package jose

import (
	"bytes"
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
	members, err := material(&obj, d.kty)
	if err != nil {
		return Key{}, fmt.Errorf("unusable %s key: %w", d.kty, err)
	}
	public, err := convert(members)
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
		var err error
		if *m.to, err = text(obj, m.name); err != nil {
			return d, err
		}
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
		if _, ok := member(obj, name); ok {
			return fmt.Errorf("holds the private member %q", name)
		}
	}
	return nil
}

func verifies(obj *strictjson.Object) error {
	v, ok := member(obj, "key_ops")
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

// material returns what jwx gets to see of a JWK: the members that make up the
// public key, each in its one canonical spelling.
func material(obj *strictjson.Object, kty string) (map[string]string, error) {
	if kty == RSA {
		n, err := number(obj, "n")
		if err != nil {
			return nil, err
		}
		e, err := number(obj, "e")
		if err != nil {
			return nil, err
		}
		if len(e) > 4 { // jwx keeps the low bits of what is longer
			return nil, errors.New("e is above 2^31-1")
		}
		return map[string]string{"kty": kty, "n": encoding.EncodeToString(n), "e": encoding.EncodeToString(e)}, nil
	}
	crv, err := text(obj, "crv")
	if err != nil {
		return nil, err
	}
	members := map[string]string{"kty": kty, "crv": crv}
	switch size := coordinateBytes[crv]; {
	case kty == EC && size != 0:
		for _, name := range []string{"x", "y"} {
			coordinate, err := number(obj, name)
			if err != nil {
				return nil, err
			}
			if len(coordinate) > size {
				return nil, fmt.Errorf("%s is longer than a coordinate of %s", name, crv)
			}
			members[name] = encoding.EncodeToString(append(make([]byte, size-len(coordinate)), coordinate...))
		}
	case kty == OKP && crv == "Ed25519":
		x, err := octets(obj, "x")
		if err != nil {
			return nil, err
		}
		members["x"] = encoding.EncodeToString(x)
	default:
		return nil, fmt.Errorf("crv %q cannot check a signature here", crv)
	}
	return members, nil
}

var coordinateBytes = map[string]int{"P-256": 32, "P-384": 48, "P-521": 66}

// number returns the big-endian number that a member encodes, without leading
// zeros, which some issuers write and others leave out where they belong.
func number(obj *strictjson.Object, name string) ([]byte, error) {
	data, err := octets(obj, name)
	return bytes.TrimLeft(data, "\x00"), err
}

// octets decodes a member of base64url. Issuers are met that use the standard
// alphabet or padding; nothing else is taken for what it may have meant.
func octets(obj *strictjson.Object, name string) ([]byte, error) {
	part, err := text(obj, name)
	switch {
	case err != nil:
		return nil, err
	case part == "":
		return nil, fmt.Errorf("%s is missing", name)
	case len(part)%4 == 0:
		part = strings.TrimSuffix(strings.TrimSuffix(part, "="), "=")
	}
	data, err := decode(nil, urlAlphabet.Replace(part))
	if err != nil {
		return nil, fmt.Errorf("%s is not base64url", name)
	}
	return data, nil
}

var urlAlphabet = strings.NewReplacer("+", "-", "/", "_")

// text returns a member that is a string, "" if it is absent.
func text(obj *strictjson.Object, name string) (string, error) {
	v, ok := member(obj, name)
	if !ok {
		return "", nil
	}
	s, err := v.Text()
	if err != nil {
		return "", fmt.Errorf("%s is no string", name)
	}
	return s, nil
}

// member returns a member of a JWK. One that is null is absent.
func member(obj *strictjson.Object, name string) (strictjson.Value, bool) {
	v, ok := obj.Get(name)
	return v, ok && v.Kind() != 'n'
}

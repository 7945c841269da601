package jose

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// maxKeys bounds the keys of one set.
const maxKeys = 256

// ParseSet reads a JWK Set, or a single JWK (RFC 7517 sections 4 and 5). Keys
// that cannot check a signature here are skipped, each with its reason, a
// [*Skipped]: an unknown kty must not break the set. Symmetric and private keys
// are skipped too: nobody may publish them.
func ParseSet(data []byte) (keys []Key, skipped []error, err error) {
	obj, err := strictjson.ParseDocument(data)
	if err != nil {
		return nil, nil, fmt.Errorf("jose: not a JWK Set: %w", err)
	}
	entries, err := entries(&obj)
	if err != nil {
		return nil, nil, err
	}
	for i, entry := range entries {
		k, why := parseKey(i, entry)
		if why != nil {
			skipped = append(skipped, why)
			continue
		}
		keys = append(keys, k)
	}
	return keys, skipped, nil
}

func entries(obj *strictjson.Object) ([]strictjson.Value, error) {
	list, ok := member(obj, "keys")
	if !ok {
		if _, single := member(obj, "kty"); single {
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

func parseKey(index int, v strictjson.Value) (Key, *Skipped) {
	var d declaration
	obj, err := v.Object()
	if err != nil {
		return Key{}, d.skip(index, errors.New("not a JSON object"))
	}
	if err := d.read(&obj); err != nil {
		return Key{}, d.skip(index, err)
	}
	k, err := d.key(&obj)
	if err != nil {
		return Key{}, d.skip(index, err)
	}
	return k, nil
}

// key makes the key of a JWK that says nothing against its use.
func (d *declaration) key(obj *strictjson.Object) (Key, error) {
	members, err := material(obj, d.kty)
	if err != nil {
		return Key{}, unusable(d.kty, err)
	}
	public, err := convert(members)
	if err != nil {
		return Key{}, unusable(d.kty, err)
	}
	k, err := NewKey(public)
	if err != nil {
		return Key{}, err
	}
	// Cloned: a few bytes cut out of the set would keep all of it in memory.
	k.Names, k.Algorithm, k.Issuer = d.names(), strings.Clone(d.alg), strings.Clone(d.issuer)
	switch {
	case k.Algorithm == "" || k.Fits(k.Algorithm):
		return k, nil
	case Known(k.Algorithm):
		return Key{}, forbidden("alg %s does not fit a key of type %s %s", quote.Text(k.Algorithm), k.kty, k.curve)
	default:
		return Key{}, fmt.Errorf("alg %s is not known", quote.Text(k.Algorithm))
	}
}

// unusable names the type of a key that cannot be read, or must not be used.
func unusable(kty string, err error) error {
	if why, ok := err.(forbiddenError); ok { //nolint:errorlint // never wrapped
		return forbidden("unusable %s key: %s", kty, string(why))
	}
	return fmt.Errorf("unusable %s key: %w", kty, err)
}

// declaration is what a JWK says of itself (RFC 7517 section 4).
type declaration struct{ kty, kid, alg, use, issuer, crv, x5t, x5tS256 string }

func (d *declaration) names() Names {
	return Names{ID: strings.Clone(d.kid), Thumbprint: strings.Clone(d.x5t), ThumbprintSHA256: strings.Clone(d.x5tS256)}
}

// read reads all of it before it judges, so that a skipped key has its names.
func (d *declaration) read(obj *strictjson.Object) error {
	d.x5t, _ = text(obj, "x5t") // a hint, and none if it is no string
	d.x5tS256, _ = text(obj, "x5t#S256")
	d.crv, _ = text(obj, "crv")
	var wrong error
	for _, m := range []struct {
		name string
		to   *string
	}{{"kty", &d.kty}, {"kid", &d.kid}, {"alg", &d.alg}, {"use", &d.use}, {"issuer", &d.issuer}} {
		var err error
		if *m.to, err = text(obj, m.name); err != nil && wrong == nil {
			wrong = err
		}
	}
	for _, why := range []error{d.allowed(), public(obj), verifies(obj), wrong} {
		if why != nil {
			return why
		}
	}
	return nil
}

// allowed refuses a key that says itself that it is for something else.
func (d *declaration) allowed() error {
	switch {
	case d.kty != RSA && d.kty != EC && d.kty != OKP:
		return forbidden("kty %s cannot check a signature here", quote.Text(d.kty))
	case d.use != "" && d.use != "sig":
		return forbidden("use is %s, not sig", quote.Text(d.use))
	case elsewhere(d.alg):
		return forbidden("alg %s is not implemented", quote.Text(d.alg))
	}
	return nil
}

// public refuses a JWK that gives its private part away: whoever can read the
// set could sign with it.
func public(obj *strictjson.Object) error {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := member(obj, name); ok {
			return forbidden("holds the private member %q", name)
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
	if !slices.Contains(ops, "verify") {
		return forbidden("key_ops does not hold verify")
	}
	return nil
}

// material returns what jwx gets to see of a JWK: the members that make up the
// public key, each in its one canonical spelling.
func material(obj *strictjson.Object, kty string) (map[string]string, error) {
	if kty == RSA {
		return rsaMaterial(obj)
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
	case crv == "":
		return nil, missing(obj, "crv")
	default:
		return nil, forbidden("crv %s cannot check a signature here", quote.Text(crv))
	}
	return members, nil
}

func rsaMaterial(obj *strictjson.Object) (map[string]string, error) {
	n, err := number(obj, "n")
	if err != nil {
		return nil, err
	}
	e, err := number(obj, "e")
	if err != nil {
		return nil, err
	}
	if len(e) > 4 { // jwx keeps the low bits of what is longer
		return nil, forbidden("e is above 2^31-1")
	}
	return map[string]string{"kty": RSA, "n": encoding.EncodeToString(n), "e": encoding.EncodeToString(e)}, nil
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
		return nil, missing(obj, name)
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

// missing says what a key of a certificate alone lacks.
func missing(obj *strictjson.Object, name string) error {
	if _, certificate := member(obj, "x5c"); certificate {
		return fmt.Errorf("%s is missing, and x5c, which is there, is not read", name)
	}
	return fmt.Errorf("%s is missing", name)
}

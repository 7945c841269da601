package jwkstest

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/reason"
)

// Forgery is a token that must be refused. It differs from a good one in one thing only.
type Forgery struct {
	Token  string
	Reason reason.Code // with which a verifier of this module refuses it
	Hole   string      // what is wrong with an API that accepts it
}

// Forgeries yields every known forgery of the token that [Issuer.Token] mints with the same options, each under a
// name of its own. Give the options that make a token which the API accepts, so that only the forgery can be the
// reason to refuse it. All are made for the key and algorithm that sign that token; run them again for other
// algorithms.
//
// Some of them need other keys in the issuer's set: for ES256 and EdDSA, one that is for encryption, one that is an
// HMAC secret. The first call publishes them. Where the exact reason matters, call it before the API fetches keys.
//
// The addresses that headers point at (jku, x5u) are the issuer's own: see [Issuer.Strays].
func (iss *Issuer) Forgeries(options ...TokenOption) iter.Seq2[string, Forgery] {
	f := iss.forger(options)
	return func(yield func(string, Forgery) bool) {
		for _, group := range []func() []forged{
			f.keys, f.kids, f.embedded, f.unsigned, f.algorithms, f.secrets,
			f.signatures, f.rsaSignatures, f.ecSignatures, f.edSignatures,
			f.critical, f.types, f.marked, f.parts, f.encodings, f.encrypted,
			f.texts, f.duplicates, f.lookalikes,
			f.times, f.numbers, f.issuers, f.audiences, f.otherClaims, f.sizes,
		} {
			for _, one := range group() {
				if !yield(one.name, one.Forgery) {
					return
				}
			}
		}
	}
}

// forged is a forgery with its name.
type forged struct {
	name string
	Forgery
}

// forgeryKeys are the keys that forgeries need beside the issuer's own.
type forgeryKeys struct {
	ec, ed   *Key // published
	enc, oct *Key // published, though no token may be checked with them

	attackers map[string]*Key // by algorithm; never published
	rsa       func() *Key     // the attacker's for RS256, made when it is wanted
}

// forger makes the forgeries of one token.
type forger struct {
	iss         *Issuer
	options     []TokenOption
	forgeryKeys *forgeryKeys
	key         *Key
	alg         string
	claims      map[string]any
	aud         string
	now         time.Time
}

func (iss *Issuer) forger(options []TokenOption) *forger {
	m := iss.draft(options)
	key, alg := iss.signer(m)
	if key.Public() == nil {
		iss.fail("forgeries are of tokens that an asymmetric key signs, not %s", alg)
	}
	return &forger{iss, options, iss.makeForgeryKeys(), key, alg, m.claims, firstAudience(m.claims), iss.now()}
}

func firstAudience(claims map[string]any) string {
	switch aud := claims["aud"].(type) {
	case string:
		return aud
	case []string:
		if len(aud) > 0 {
			return aud[0]
		}
	}
	return ""
}

// all returns the attacker's keys.
func (a *forgeryKeys) all() []*Key { return append(slices.Collect(maps.Values(a.attackers)), a.rsa()) }

// makeForgeryKeys makes and publishes them once.
func (iss *Issuer) makeForgeryKeys() *forgeryKeys {
	iss.keysOnce.Do(func() {
		a := &forgeryKeys{
			ec:        iss.keyFor("ES256"),
			ed:        iss.keyFor("EdDSA"),
			enc:       iss.NewKey("ES256", JWK{"use": "enc", "alg": nil}),
			oct:       iss.NewKey("HS256"),
			attackers: map[string]*Key{},
			rsa:       sync.OnceValue(func() *Key { return iss.NewKey("RS256", JWK{"kid": "attacker"}) }),
		}
		for _, alg := range []string{"ES256", "ES384", "ES512", "EdDSA"} {
			a.attackers[alg] = iss.NewKey(alg, JWK{"kid": "attacker"})
		}
		iss.Publish(a.enc, a.oct)
		iss.forgeryKeys.Store(a)
	})
	return iss.forgeryKeys.Load()
}

// attacker returns a key for the algorithm that the issuer does not know.
func (f *forger) attacker() *Key {
	switch algorithms[f.alg].kind {
	case pkcs1, pss:
		return f.forgeryKeys.rsa()
	default:
		return f.forgeryKeys.attackers[f.alg]
	}
}

// token mints the good token, changed by options.
func (f *forger) token(options ...TokenOption) string {
	return f.iss.Token(slices.Concat(f.options, options)...)
}

// minted returns a forgery that the issuer signed: its content is wrong.
func (f *forger) minted(name string, why reason.Code, hole string, options ...TokenOption) forged {
	return forged{name, Forgery{Token: f.token(options...), Reason: why, Hole: hole}}
}

// impostor returns a token of those options, signed with the attacker's key.
func (f *forger) impostor(options ...TokenOption) string {
	return f.token(slices.Concat([]TokenOption{WithKey(f.attacker()), WithAlgorithm(f.alg)}, options)...)
}

// header returns the text of the good token's header, changed by members.
func (f *forger) header(members Header) string {
	h := map[string]any{"typ": "at+jwt", "alg": f.alg}
	if f.key.id != "" {
		h["kid"] = f.key.id
	}
	maps.Copy(h, f.iss.draft(f.options).header)
	maps.Copy(h, members)
	return f.iss.text(nil, h)
}

// payload returns the text of the good token's payload, changed by members.
func (f *forger) payload(members Claims) string { return f.iss.text(nil, merge(f.claims, members)) }

// signed appends the signature to an input that is taken as it is.
func (f *forger) signed(input string) string {
	return f.iss.Sign(input, WithKey(f.key), WithAlgorithm(f.alg))
}

package verifier

import (
	"errors"
	"slices"

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
)

// The keys that may have signed a token: a hint finds them, the signature decides.

var errNotLoaded = errors.New("verifier: no usable keys")

// findKeys finds the keys that may have signed the token, asking for newer ones
// at most once.
func (l *located) findKeys() (keyed, *Error) {
	k := keyed{located: l, keys: l.issuer.keys.Snapshot(), query: l.query()}
	err := k.find()
	if k.mayBeNew(err) {
		if rerr := l.issuer.keys.Refresh(l.ctx, l.header.KeyID); rerr != nil {
			return keyed{}, l.unavailable(rerr)
		}
		if newer := l.issuer.keys.Snapshot(); newer != k.keys {
			k.keys = newer
			err = k.find()
		}
	}
	if err != nil {
		return keyed{}, k.refuse(err)
	}
	return k, nil
}

// query returns what the header says of the key. A key without an alg verifies
// one algorithm, the first that the issuer's list has for its type.
//
// RFC 8725 section 3.1: https://www.rfc-editor.org/rfc/rfc8725#section-3.1
func (l *located) query() jwks.Query {
	h := l.header
	return jwks.Query{
		Algorithm: h.Algorithm, KeyID: h.KeyID, Thumbprint: h.Thumbprint, ThumbprintSHA256: h.ThumbprintSHA256,
		Declared: l.issuer.wantsDeclared(h.Algorithm),
	}
}

func (k *keyed) find() error {
	if !k.keys.Usable() {
		return errNotLoaded
	}
	var err error
	k.candidates, err = k.keys.Find(&k.query)
	if k.issuer.isTemplate() {
		k.preferOwn()
	}
	k.key = k.candidates.Keys[0]
	return err
}

// same reports whether err is that error of find's, which wraps none: strangers have
// it asked as often as they like, and errors.Is would look for what cannot be there.
func same(err, own error) bool { return err == own } //nolint:errorlint // see above

// preferOwn leaves out keys of other tenants where there are keys of this one.
func (k *keyed) preferOwn() {
	foreign := func(key *jwks.Key) bool { return key == nil || !k.issuer.keyIssuer.admits(key.Issuer(), k.tenant) }
	keys := k.candidates.Keys[:]
	if !slices.ContainsFunc(keys, func(key *jwks.Key) bool { return !foreign(key) }) {
		return
	}
	clear(keys[len(slices.DeleteFunc(keys, foreign)):])
}

// mayBeNew reports whether the key may have been published since: no key of that
// name is there, or one that cannot be read. One that is there for something
// else is not new.
func (k *keyed) mayBeNew(err error) bool {
	switch {
	case same(err, errNotLoaded):
		return true
	case same(err, jwks.ErrNoKey):
		return !errors.Is(k.keys.Skipped(&k.query), jwks.ErrUnusable)
	}
	return false
}

// refuse is for a token that no key was found for.
func (k *keyed) refuse(err error) *Error {
	skipped := k.keys.Skipped(&k.query)
	switch unreadable := errors.Is(skipped, jwks.ErrUnreadable); {
	case same(err, errNotLoaded):
		return k.unavailable(err)
	case unreadable:
		return k.unreadable(skipped)
	case same(err, jwks.ErrMismatch) && k.query.Declared && k.fitsUndeclared():
		return k.aboutKey(reason.UnsupportedAlg, keyUndeclared, "the key declares no alg, and verifies the first one of its type in Algorithms alone")
	case same(err, jwks.ErrMismatch):
		return k.aboutKey(reason.UnsupportedAlg, keyMismatch, "no key that the token can mean is for this alg")
	case same(err, jwks.ErrAmbiguous):
		return k.aboutKey(reason.UnknownKey, keyAmbiguous, "too many keys fit: the issuer must tell them apart by kid, use or alg")
	case skipped != nil:
		e := k.aboutKey(reason.UnusableKey, 0, "")
		e.Err = skipped
		return e
	default:
		return k.aboutKey(reason.UnknownKey, 0, "the issuer has no such key")
	}
}

// fitsUndeclared reports whether a key would do if it declared the token's alg.
func (k *keyed) fitsUndeclared() bool {
	q := k.query
	q.Declared = false
	_, err := k.keys.Find(&q)
	return err == nil
}

// findNewer asks for newer keys after a signature that no key verified, where no
// name in the token says that it was one of them: its key may be a new one. It
// reports whether there are other candidates than before. It waits on behalf of
// its caller alone, whoever verified the token.
func (c *check) findNewer(refused *Error) (bool, *Error) {
	k := &c.key.is
	if !c.key.reached || k.candidates.Named || refused.Reason != reason.BadSignature && refused.origin != keyUnreadable {
		return false, nil
	}
	if err := k.issuer.keys.Refresh(k.ctx, ""); err != nil {
		return false, k.unavailable(err)
	}
	before := k.candidates.Keys
	if newer := k.issuer.keys.Snapshot(); newer != k.keys {
		k.keys = newer
		if err := k.find(); err != nil {
			return false, k.refuse(err)
		}
	}
	return k.candidates.Keys != before, nil
}

// aboutKey is a refusal that names the token's kid.
func (l *located) aboutKey(code reason.Code, from origin, detail string) *Error {
	e := l.issuer.refuse(code, detail, nil)
	e.origin, e.KeyID = from, quote.Text(l.header.KeyID)
	return e
}

// unreadable is for a token that a key may have signed that cannot be read.
func (l *located) unreadable(cause error) *Error {
	e := l.aboutKey(reason.KeysUnavailable, keyUnreadable, "")
	e.Err = cause
	return e
}

// unavailable tells the issuer's failure from the end of the caller's context.
func (l *located) unavailable(cause error) *Error {
	if l.ctx.Err() != nil {
		return l.issuer.refuse(reason.Canceled, "while waiting for the issuer's keys", cause)
	}
	e := l.issuer.refuse(reason.KeysUnavailable, "", cause)
	var u *jwks.UnavailableError
	if errors.As(cause, &u) {
		e.RetryAfter = u.RetryAfter
	}
	return e
}

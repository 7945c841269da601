package verifier

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
)

// The signature, and the checks of what it covers. They depend on the token,
// the configuration and the key alone, so that their result can be remembered.

// verified is a token that passed them.
type verified struct {
	issuer *issuer
	claims *claims.Claims
	hasCnf bool
}

// verify runs the checks, and remembers the header if that is a new one.
func (c *check) verify() (verified, error) {
	if err := c.run(signed); err != nil {
		return verified{}, err
	}
	d, header := &c.claims.is, c.header.is.header
	if header == &d.headerSpace {
		d.v.headers.add(d.compact.HeaderText(), header)
	}
	if d.issuer.inUse != nil {
		d.issuer.inUse() // if it is no longer, so is what is remembered
	}
	return d.verified(), nil
}

// prove checks the signature and what it covers: at once, or, where the token
// names no key, once more with newer ones.
func (c *check) prove() (verified, error) {
	v := c.request.is.v
	known, err := v.cache.prove(c)
	refused, ok := err.(*Error) //nolint:errorlint // of a check
	if !ok {
		return known, err
	}
	switch another, failed := c.findNewer(refused); {
	case failed != nil:
		return verified{}, failed
	case another:
		return v.cache.prove(c)
	}
	return known, err
}

func (d *decoded) verified() verified {
	return verified{issuer: d.issuer, claims: d.claims, hasCnf: d.claims.Has("cnf")}
}

// RFC 7515 section 5.2: https://www.rfc-editor.org/rfc/rfc7515#section-5.2
func (k *keyed) checkSignature() *Error {
	signature, err := k.compact.SignatureWith(k.signature[:0])
	if err != nil {
		return k.issuer.refuse(reason.Malformed, "signature", err)
	}
	for _, key := range k.candidates.Keys {
		if key == nil {
			break
		}
		if key.Verify(k.header.Algorithm, k.compact.SigningInput(), signature) == nil {
			k.key = key
			return nil
		}
	}
	if skipped := k.keys.Skipped(&k.query); errors.Is(skipped, jwks.ErrUnreadable) {
		return k.unreadable(skipped)
	}
	return k.aboutKey(reason.BadSignature, 0, "")
}

// decodeClaims decodes the claims that the signature covers.
func (r *routed) decodeClaims() (decoded, *Error) {
	c, err := vetted.Claims(r.payload.Detach(), &r.issuer.mapping)
	if err != nil {
		return decoded{}, r.issuer.refuse(reason.MalformedClaims, "", err)
	}
	own, _ := c.(*claims.Claims)
	return decoded{routed: r, claims: own}, nil
}

// RFC 9068 section 2.2: https://www.rfc-editor.org/rfc/rfc9068#section-2.2
func (d *decoded) checkRequired() *Error {
	if d.claims.ExpiresAt().IsZero() {
		return d.issuer.refuse(reason.MissingClaim, "exp", nil)
	}
	for _, name := range d.issuer.required {
		if !d.claims.Has(name) {
			return d.issuer.refuse(reason.MissingClaim, name, nil)
		}
	}
	return nil
}

// checkTenant ties a template's token together: its tid is the tenant that iss
// names, and the key is one that signs for this template.
func (t *tenancy) checkTenant() *Error {
	if !t.issuer.isTemplate() {
		return nil
	}
	tid, ok := t.claims.Text("tid")
	if !ok {
		return t.issuer.refuse(reason.MissingClaim, "tid", nil)
	}
	if tid != t.tenant {
		return t.issuer.refuse(reason.UnknownTenant, "tid is not the tenant that iss names", nil)
	}
	if !t.issuer.keyIssuer.admits(t.key.key.Issuer(), t.tenant) {
		return t.key.aboutKey(reason.UnknownKey, keyOfAnother, "the key's own issuer member does not fit: see KeyIssuer")
	}
	return nil
}

// checkKind refuses the issuer's other tokens by the claims that mark them.
//
// RFC 8725 section 3.12: https://www.rfc-editor.org/rfc/rfc8725#section-3.12
func (d *decoded) checkKind() *Error {
	for i := range d.issuer.markers {
		if m := &d.issuer.markers[i]; !m.holds(d.claims) {
			return d.issuer.refuse(reason.UnsupportedType, "by its "+m.Claim+" claim this is no access token", nil)
		}
	}
	return nil
}

func (m *Marker) holds(c *claims.Claims) bool {
	if len(m.Is) == 0 && len(m.Not) == 0 {
		return !c.Has(m.Claim)
	}
	text, isText := c.Text(m.Claim)
	if len(m.Is) > 0 {
		return isText && slices.Contains(m.Is, text)
	}
	return !isText || !slices.Contains(m.Not, text)
}

// RFC 7519 section 4.1.3: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
func (d *decoded) checkAudience() *Error {
	if d.hasNoAudience() {
		return d.withoutAudience()
	}
	if slices.ContainsFunc(d.issuer.audiences, d.claims.HasAudience) {
		return nil
	}
	return d.issuer.refuse(reason.WrongAudience, "the token is meant for another API: see Audiences", nil)
}

// hasNoAudience reports whether aud is absent, null or an empty array. An empty
// string is an audience, though nobody's.
func (d *decoded) hasNoAudience() bool {
	aud, ok := d.payload.Get("aud")
	if !ok || aud.IsNull() {
		return true
	}
	if aud.Kind() != '[' {
		return false
	}
	for range aud.Elements() {
		return false
	}
	return true
}

// withoutAudience wants a client on the list and a scope of this API instead.
func (d *decoded) withoutAudience() *Error {
	binding := &d.issuer.noAudience
	switch {
	case binding.isZero() && d.claims.Has("aud"):
		return d.issuer.unaddressed(reason.WrongAudience, "aud is empty: the token is meant for no API")
	case binding.isZero():
		return d.issuer.unaddressed(reason.MissingClaim, "aud")
	case !slices.Contains(binding.Clients, d.claims.ClientID()):
		return d.issuer.unaddressed(reason.WrongClient, "the client is not among NoAudience.Clients")
	case binding.ScopePrefix == "":
		return nil
	}
	for scope := range d.claims.Scopes() {
		if strings.HasPrefix(scope, binding.ScopePrefix) {
			return nil
		}
	}
	return d.issuer.unaddressed(reason.WrongAudience, "no aud, and no scope that begins with NoAudience.ScopePrefix")
}

// unaddressed refuses a token without an audience.
func (i *issuer) unaddressed(code reason.Code, detail string) *Error {
	e := i.refuse(code, detail, nil)
	e.origin = noAudience
	return e
}

func (d *decoded) checkClient() *Error {
	if len(d.issuer.clients) == 0 || slices.Contains(d.issuer.clients, d.claims.ClientID()) {
		return d.checkLimits()
	}
	return d.issuer.refuse(reason.WrongClient, "the client is not among the issuer's Clients", nil)
}

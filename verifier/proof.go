package verifier

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

func (c *check) checkSignature() *Error {
	signature, err := c.compact.SignatureWith(c.signature[:0])
	if err != nil {
		return c.refuse(reason.Malformed, "signature", err)
	}
	if c.key.Verify(c.header.Algorithm, c.compact.SigningInput(), signature) != nil {
		detail := ""
		if c.header.Nonce {
			detail = "the header's nonce marks a token for Microsoft Graph, which nobody else can verify"
		}
		return c.aboutKey(reason.BadSignature, detail)
	}
	return nil
}

// checkClaims decodes the claims that the signature covers.
func (c *check) checkClaims() *Error {
	decoded, err := claims.FromObject(c.payload.Detach(), &c.issuer.mapping)
	if err != nil {
		return c.refuse(reason.MalformedClaims, "", err)
	}
	c.claims = decoded
	return nil
}

func (c *check) checkRequired() *Error {
	if c.claims.ExpiresAt().IsZero() {
		return c.refuse(reason.MissingClaim, "exp", nil)
	}
	for _, name := range c.issuer.required {
		if !c.claims.Has(name) {
			return c.refuse(reason.MissingClaim, name, nil)
		}
	}
	return nil
}

// checkTenant ties a template's token together: its tid is the tenant that iss
// names, and the key is one that signs for this template.
func (c *check) checkTenant() *Error {
	if !c.issuer.isTemplate() {
		return nil
	}
	tid, ok := c.claims.Text("tid")
	if !ok {
		return c.refuse(reason.MissingClaim, "tid", nil)
	}
	if tid != c.tenant {
		return c.refuse(reason.UnknownTenant, "tid is not the tenant that iss names", nil)
	}
	if !c.issuer.keyIssuer.admits(c.key.Issuer(), c.tenant) {
		return c.aboutKey(reason.UnknownKey, "the key's own issuer member does not fit: see KeyIssuer")
	}
	return nil
}

// checkKind refuses the issuer's other tokens by the claims that mark them.
func (c *check) checkKind() *Error {
	for i := range c.issuer.markers {
		if m := &c.issuer.markers[i]; !m.holds(c.claims) {
			return c.refuse(reason.UnsupportedType, "by its "+m.Claim+" claim this is no access token", nil)
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

func (c *check) checkAudience() *Error {
	if !c.claims.Has("aud") {
		return c.withoutAudience()
	}
	if slices.ContainsFunc(c.issuer.audiences, c.claims.HasAudience) {
		return nil
	}
	return c.refuse(reason.WrongAudience, "the token is meant for another API: see Audiences", nil)
}

func (c *check) withoutAudience() *Error {
	b := &c.issuer.noAudience
	if b.isZero() {
		return c.refuse(reason.MissingClaim, "aud", nil)
	}
	if !slices.Contains(b.Clients, c.claims.ClientID()) {
		return c.refuse(reason.WrongClient, "the client is not among NoAudience.Clients", nil)
	}
	for scope := range c.claims.Scopes() {
		if strings.HasPrefix(scope, b.ScopePrefix) {
			return nil
		}
	}
	return c.refuse(reason.WrongAudience, "no scope begins with NoAudience.ScopePrefix", nil)
}

func (c *check) checkClient() *Error {
	if len(c.issuer.clients) == 0 || slices.Contains(c.issuer.clients, c.claims.ClientID()) {
		return nil
	}
	return c.refuse(reason.WrongClient, "the client is not among the issuer's Clients", nil)
}

// checkBinding refuses a token that is bound to a key of its sender in a way
// that nobody here would check (RFC 7800, RFC 9449 section 6, RFC 8705 section 3).
func (c *check) checkBinding() *Error {
	if c.bound || !c.claims.Has("cnf") {
		return nil
	}
	members, err := confirmations(c.payload)
	if err != nil {
		return c.refuse(reason.MalformedClaims, "cnf", err)
	}
	for _, name := range members {
		if !slices.Contains(c.v.confirmations, name) {
			return c.refuse(reason.UnsupportedBinding, "the token is bound to its sender by cnf, which is not checked here: see Confirmations", nil)
		}
	}
	return nil
}

var errNotConfirmation = errors.New("verifier: cnf is no object with members")

package verifier

import (
	"errors"

	"github.com/sallyport-go/sallyport/reason"
)

// The checks whose result can differ between two calls with the same token:
// they run on every call.

// check runs the steps of perCall in their order. It calls them directly, for seven
// calls through a list are felt where a token was seen before.
func (c *current) check() *Error {
	if refused := c.checkBinding(); refused != nil {
		return refused
	}
	if refused := c.checkExpiry(); refused != nil {
		return refused
	}
	if refused := c.checkNotBefore(); refused != nil {
		return refused
	}
	if refused := c.checkIssuedAt(); refused != nil {
		return refused
	}
	if refused := c.checkAge(); refused != nil {
		return refused
	}
	if refused := c.checkValidators(); refused != nil {
		return refused
	}
	return c.checkRevocation()
}

// checkBinding refuses a token that is bound to a key of its sender, unless the
// caller checks that.
//
// RFC 7800 section 3: https://www.rfc-editor.org/rfc/rfc7800#section-3
func (c *current) checkBinding() *Error {
	if c.hasCnf && !c.bound {
		return c.issuer.refuse(reason.UnsupportedBinding, "the token is bound to its sender by cnf, which is not checked here", nil)
	}
	return nil
}

// checkExpiry refuses a token from exp plus leeway on.
//
// RFC 7519 section 4.1.4: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
func (c *current) checkExpiry() *Error {
	if !c.now.Before(c.claims.ExpiresAt().Add(c.v.leeway)) {
		return c.issuer.refuse(reason.Expired, "", nil)
	}
	return nil
}

// RFC 7519 section 4.1.5: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.5
func (c *current) checkNotBefore() *Error {
	nbf := c.claims.NotBefore()
	if !nbf.IsZero() && c.now.Before(nbf.Add(-c.v.leeway)) {
		return c.issuer.refuse(reason.NotYetValid, "nbf lies ahead: is a clock wrong?", nil)
	}
	return nil
}

func (c *current) checkIssuedAt() *Error {
	iat := c.claims.IssuedAt()
	if !iat.IsZero() && c.now.Before(iat.Add(-c.v.leeway)) {
		return c.issuer.refuse(reason.IssuedInFuture, "iat lies ahead: is a clock wrong?", nil)
	}
	return nil
}

func (c *current) checkAge() *Error {
	if c.v.maxAge == 0 {
		return nil
	}
	iat := c.claims.IssuedAt()
	if iat.IsZero() {
		return c.issuer.refuse(reason.MissingClaim, "iat, which MaxAge needs", nil)
	}
	if !c.now.Before(iat.Add(c.v.maxAge + c.v.leeway)) {
		return c.issuer.refuse(reason.TooOld, "issued longer ago than MaxAge", nil)
	}
	return nil
}

func (c *current) checkValidators() *Error {
	for _, validate := range c.v.validators {
		if err := validate(c.ctx, c.claims); err != nil {
			e := c.issuer.refuse(c.codeOf(err), "by a validator", err)
			e.origin = byValidator
			return e
		}
	}
	return nil
}

// codeOf returns the reason in a validator's error, denied if there is none. An
// error after the end of the caller's context says nothing about the token.
func (c *current) codeOf(err error) reason.Code {
	if code, ok := errors.AsType[reason.Code](err); ok && code != "" {
		return code
	}
	if c.ctx.Err() != nil {
		return reason.Canceled
	}
	return reason.Denied
}

func (c *current) checkRevocation() *Error {
	if c.v.revoked == nil {
		return nil
	}
	withdrawn, err := c.v.revoked(c.ctx, c.claims)
	switch {
	case err != nil && c.ctx.Err() != nil:
		return c.issuer.refuse(reason.Canceled, "while asking about revocation", err)
	case err != nil:
		return c.issuer.refuse(reason.RevocationUnavailable, "", err)
	case withdrawn:
		return c.issuer.refuse(reason.Revoked, "", nil)
	}
	return nil
}

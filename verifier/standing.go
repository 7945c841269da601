package verifier

import (
	"errors"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// checkExpiry refuses from exp plus leeway on (RFC 7519 section 4.1.4).
func (c *check) checkExpiry() *Error {
	if !c.now.Before(c.claims.ExpiresAt().Add(c.v.leeway)) {
		return c.refuse(reason.Expired, "", nil)
	}
	return nil
}

func (c *check) checkNotBefore() *Error {
	nbf := c.claims.NotBefore()
	if !nbf.IsZero() && c.now.Before(nbf.Add(-c.v.leeway)) {
		return c.refuse(reason.NotYetValid, "nbf lies ahead: is a clock wrong?", nil)
	}
	return nil
}

func (c *check) checkIssuedAt() *Error {
	iat := c.claims.IssuedAt()
	if !iat.IsZero() && c.now.Before(iat.Add(-c.v.leeway)) {
		return c.refuse(reason.IssuedInFuture, "iat lies ahead: is a clock wrong?", nil)
	}
	return nil
}

func (c *check) checkAge() *Error {
	if c.v.maxAge == 0 {
		return nil
	}
	iat := c.claims.IssuedAt()
	if iat.IsZero() {
		return c.refuse(reason.MissingClaim, "iat, which MaxAge needs", nil)
	}
	if !c.now.Before(iat.Add(c.v.maxAge + c.v.leeway)) {
		return c.refuse(reason.TooOld, "issued longer ago than MaxAge", nil)
	}
	return nil
}

const detailValidator = "by a validator"

func (c *check) checkValidators() *Error {
	for _, validate := range c.v.validators {
		if err := validate(c.ctx, c.claims); err != nil {
			return c.refuse(c.codeOf(err), detailValidator, err)
		}
	}
	return nil
}

// codeOf is the reason that a validator's error names, denied if it names none.
// A validator that gave up because its caller did says nothing about the token.
func (c *check) codeOf(err error) reason.Code {
	if code, ok := errors.AsType[reason.Code](err); ok && code != "" {
		return code
	}
	if c.ctx.Err() != nil {
		return reason.Canceled
	}
	return reason.Denied
}

func (c *check) checkRevocation() *Error {
	if c.v.revoked == nil {
		return nil
	}
	withdrawn, err := c.v.revoked(c.ctx, c.claims)
	switch {
	case err != nil && c.ctx.Err() != nil:
		return c.refuse(reason.Canceled, "while asking about revocation", err)
	case err != nil:
		return c.refuse(reason.RevocationUnavailable, "", err)
	case withdrawn:
		return c.refuse(reason.Revoked, "", nil)
	}
	return nil
}

// confirmations are the member names of the cnf claim.
func confirmations(payload *strictjson.Object) ([]string, error) {
	value, _ := payload.Get("cnf")
	cnf, err := value.Object()
	if err != nil || cnf.Len() == 0 {
		return nil, errNotConfirmation
	}
	names := make([]string, 0, cnf.Len())
	for name := range cnf.Names() {
		names = append(names, name)
	}
	return names, nil
}

package verifier

import (
	"errors"
	"strconv"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
)

func (c *check) checkSize() *Error {
	if len(c.token) > c.v.maxTokenBytes {
		return c.refuse(reason.TooLarge, c.v.tooLarge, nil)
	}
	return nil
}

func (c *check) checkStructure() *Error {
	compact, err := jose.Split(c.token)
	if err != nil {
		return c.refuse(reason.Malformed, "", err)
	}
	c.compact = compact
	return nil
}

func (c *check) checkHeader() *Error {
	if c.header = c.v.headers.find(c.compact.HeaderText()); c.header != nil {
		return nil
	}
	header, err := c.compact.HeaderWith(c.members[:0])
	if err != nil {
		return c.refuse(reason.Malformed, "header", err)
	}
	c.headerSpace = header
	c.header = &c.headerSpace
	return nil
}

// checkCritical refuses extensions: none is implemented, and ignoring one that
// the issuer called critical would be wrong (RFC 7515 section 4.1.11).
func (c *check) checkCritical() *Error {
	if c.header.Critical || c.header.Unencoded {
		return c.refuse(reason.CriticalHeader, "the header has crit or b64, which no access token needs", nil)
	}
	return nil
}

func (c *check) checkPayload() *Error {
	payload, err := c.compact.PayloadWith(c.members[:0])
	if err != nil {
		return c.refuse(reason.Malformed, "payload", err)
	}
	c.payloadSpace = payload
	c.payload = &c.payloadSpace
	return nil
}

// checkIssuer lets the unverified iss choose what to verify against, and
// nothing else. An iss that is not configured never causes a fetch.
func (c *check) checkIssuer() *Error {
	value, ok := c.payload.Get("iss")
	if !ok {
		return c.refuse(reason.MissingClaim, "iss", nil)
	}
	iss, err := value.Text()
	if err != nil {
		return c.refuse(reason.MalformedClaims, "iss is no string", nil)
	}
	if i, ok := c.v.issuers[iss]; ok {
		c.issuer = i
		return nil
	}
	code := reason.UnknownIssuer
	for _, i := range c.v.templates {
		tenant, ok := i.template.tenant(iss)
		if !ok {
			continue
		}
		if i.allows(tenant) {
			c.issuer, c.tenant = i, tenant
			return nil
		}
		code = reason.UnknownTenant
	}
	return c.refuse(code, "the token's iss is not configured", nil)
}

// checkType refuses other kinds of JWT by their typ (RFC 8725 section 3.11) and
// tokens inside tokens by their cty.
func (c *check) checkType() *Error {
	if c.header.ContentType != "" {
		return c.refuse(reason.UnsupportedType, "the header has a cty: nested tokens are not accepted", nil)
	}
	if !c.issuer.allowsType(c.header.Type, c.header.HasType) {
		return c.refuse(reason.UnsupportedType, "typ is of another kind of token: see Types", nil)
	}
	return nil
}

func (c *check) checkAlgorithm() *Error {
	if !c.issuer.allowsAlgorithm(c.header.Algorithm) {
		return c.refuse(reason.UnsupportedAlg, "alg is not among the issuer's Algorithms", nil)
	}
	return nil
}

var errNotLoaded = errors.New("verifier: no usable keys")

const (
	detailMismatch  = "no key that the token can mean is for this alg"
	detailAmbiguous = "several keys fit: the issuer must tell them apart by kid, use or alg"
)

// checkKey finds the one key that may have signed the token, asking for newer
// keys at most once.
func (c *check) checkKey() *Error {
	keys := c.issuer.keys.Snapshot()
	key, err := c.keyAmong(keys)
	if errors.Is(err, jwks.ErrNoKey) || errors.Is(err, errNotLoaded) {
		if rerr := c.issuer.keys.Refresh(c.ctx, c.header.KeyID); rerr != nil {
			return c.unavailable(rerr)
		}
		if newer := c.issuer.keys.Snapshot(); newer != keys {
			key, err = c.keyAmong(newer)
		}
	}
	switch {
	case err == nil:
		c.key = key
		return nil
	case errors.Is(err, errNotLoaded):
		return c.unavailable(err)
	case errors.Is(err, jwks.ErrMismatch):
		return c.aboutKey(reason.UnsupportedAlg, detailMismatch)
	case errors.Is(err, jwks.ErrAmbiguous):
		return c.aboutKey(reason.UnknownKey, detailAmbiguous)
	default:
		return c.aboutKey(reason.UnknownKey, "the issuer has no such key")
	}
}

func (c *check) keyAmong(keys *jwks.Snapshot) (*jwks.Key, error) {
	if !keys.Usable() {
		return nil, errNotLoaded
	}
	return keys.Key(c.header.KeyID, c.header.Algorithm)
}

func (c *check) aboutKey(code reason.Code, detail string) *Error {
	e := c.refuse(code, detail, nil)
	e.KeyID = quoted(c.header.KeyID)
	return e
}

// unavailable tells the issuer's trouble from the caller's own hurry.
func (c *check) unavailable(cause error) *Error {
	if c.ctx.Err() != nil {
		return c.refuse(reason.Canceled, "while waiting for the issuer's keys", cause)
	}
	e := c.refuse(reason.KeysUnavailable, "", cause)
	var u *jwks.UnavailableError
	if errors.As(cause, &u) {
		e.RetryAfter = u.RetryAfter
	}
	return e
}

// quoted makes a kid fit for a log: printable, and at most 64 bytes of it.
func quoted(kid string) string {
	const most = 64
	more := ""
	if len(kid) > most {
		kid, more = kid[:most], "..."
	}
	for i := range len(kid) {
		if c := kid[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return strconv.QuoteToASCII(kid) + more
		}
	}
	return `"` + kid + `"` + more // as nearly all are
}

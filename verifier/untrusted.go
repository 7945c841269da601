package verifier

import (
	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/reason"
)

// The checks before the signature. What they read is not verified: it chooses
// what the token is verified against, and nothing else.

func (r *request) checkSize() *Error {
	if len(r.token) > r.v.maxTokenBytes {
		return refuse(reason.TooLarge, r.v.tooLarge, nil)
	}
	return nil
}

func (r *request) split() (split, *Error) {
	s := split{request: *r}
	err := s.cut()
	return s, err
}

// cut accepts the compact serialization alone.
//
// RFC 7515 section 7.1: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
func (s *split) cut() *Error {
	compact, err := jose.Split(s.token)
	if err != nil {
		return refuse(reason.Malformed, "", err)
	}
	s.compact = compact
	return nil
}

func (s *split) readHeader() (headed, *Error) {
	if known := s.v.headers.find(s.compact.HeaderText()); known != nil {
		return headed{split: s, header: known}, nil
	}
	header, err := s.compact.HeaderWith(s.members[:0])
	if err != nil {
		return headed{}, refuse(reason.Malformed, "header", err)
	}
	s.headerSpace = header
	return headed{split: s, header: &s.headerSpace}, nil
}

// checkCritical refuses extensions: none is implemented, and ignoring one that
// the issuer marks as critical is forbidden.
//
// RFC 7515 section 4.1.11: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11
// RFC 7797 section 6: https://www.rfc-editor.org/rfc/rfc7797#section-6
func (h *headed) checkCritical() *Error {
	if h.header.Critical || h.header.Unencoded {
		return refuse(reason.CriticalHeader, "the header has crit or b64, which no access token needs", nil)
	}
	return nil
}

func (s *split) readPayload() (opened, *Error) {
	payload, err := s.compact.PayloadWith(s.members[:0])
	if err != nil {
		return opened{}, refuse(reason.Malformed, "payload", err)
	}
	return opened{split: s, payload: payload}, nil
}

// findIssuer lets the unverified iss choose what to verify against. An iss that
// is not configured never causes a fetch, unless Lookup knows it.
//
// RFC 8725 section 3.8: https://www.rfc-editor.org/rfc/rfc8725#section-3.8
func (o *opened) findIssuer() (routed, *Error) {
	value, ok := o.payload.Get("iss")
	if !ok || value.IsNull() {
		return routed{}, refuse(reason.MissingClaim, "iss", nil)
	}
	iss, err := value.Text()
	if err != nil {
		return routed{}, refuse(reason.MalformedClaims, "iss is no string", nil)
	}
	if i, ok := o.v.issuers[iss]; ok {
		return routed{opened: o, issuer: i}, nil
	}
	code := reason.UnknownIssuer
	for _, i := range o.v.templates {
		tenant, ok := i.template.tenant(iss)
		if !ok {
			continue
		}
		if i.allows(tenant) {
			return routed{opened: o, issuer: i, tenant: tenant}, nil
		}
		code = reason.UnknownTenant
	}
	if code == reason.UnknownIssuer && o.v.lookup != nil {
		return o.lookUp(iss)
	}
	return routed{}, refuse(code, detailNotConfigured, nil)
}

// checkType refuses other kinds of JWT by their typ, and nested tokens.
//
// RFC 8725 section 3.11: https://www.rfc-editor.org/rfc/rfc8725#section-3.11
// RFC 9068 section 4: https://www.rfc-editor.org/rfc/rfc9068#section-4
func (l *located) checkType() *Error {
	if l.header.ContentType != "" {
		return l.issuer.refuse(reason.UnsupportedType, "the header has a cty: nested tokens are not accepted", nil)
	}
	if !l.issuer.allowsType(l.header.Type, l.header.HasType) {
		return l.issuer.refuse(reason.UnsupportedType, "typ is of another kind of token: see Types", nil)
	}
	return nil
}

// RFC 8725 section 3.1: https://www.rfc-editor.org/rfc/rfc8725#section-3.1
func (l *located) checkAlgorithm() *Error {
	if !l.issuer.allowsAlgorithm(l.header.Algorithm) {
		return l.issuer.refuse(reason.UnsupportedAlg, "alg is not among the issuer's Algorithms", nil)
	}
	return nil
}

package middleware

import (
	"net/http"

	"github.com/sallyport-go/sallyport/reason"
)

// class is what a caller may learn of a reason: the status and the error code
// of RFC 6750 section 3.1.
type class uint8

const (
	badToken       class = iota // 401 invalid_token; also of reasons that are not known here
	noCredentials               // 401 without an error code
	badRequest                  // 400 invalid_request
	notAllowed                  // 403 insufficient_scope
	cannotBeJudged              // 503 without a challenge
)

// classes knows every reason; its keys are also all that a metric may carry.
var classes = map[reason.Code]class{
	reason.NoToken:           noCredentials,
	reason.UnsupportedScheme: noCredentials,
	reason.InvalidRequest:    badRequest,

	reason.Malformed:          badToken,
	reason.TooLarge:           badToken,
	reason.UnsupportedAlg:     badToken,
	reason.UnsupportedType:    badToken,
	reason.CriticalHeader:     badToken,
	reason.UnknownIssuer:      badToken,
	reason.UnknownTenant:      badToken,
	reason.UnknownKey:         badToken,
	reason.BadSignature:       badToken,
	reason.MalformedClaims:    badToken,
	reason.MissingClaim:       badToken,
	reason.Expired:            badToken,
	reason.NotYetValid:        badToken,
	reason.IssuedInFuture:     badToken,
	reason.TooOld:             badToken,
	reason.WrongAudience:      badToken,
	reason.WrongClient:        badToken, // of a verifier's allowlist; a rule's refusal is always notAllowed
	reason.UnsupportedBinding: badToken,
	reason.Revoked:            badToken,

	reason.KeysUnavailable:       cannotBeJudged,
	reason.RevocationUnavailable: cannotBeJudged,
	reason.Canceled:              cannotBeJudged,

	reason.InsufficientScope: notAllowed,
	reason.InsufficientRole:  notAllowed,
	reason.WrongCaller:       notAllowed,
	reason.Denied:            notAllowed,
}

func (c class) status() int {
	switch c {
	case badRequest:
		return http.StatusBadRequest
	case notAllowed:
		return http.StatusForbidden
	case cannotBeJudged:
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnauthorized
	}
}

// code is the error code that goes over the wire, "" for none.
func (c class) code() string {
	switch c {
	case badToken:
		return "invalid_token"
	case badRequest:
		return "invalid_request"
	case notAllowed:
		return "insufficient_scope"
	default:
		return ""
	}
}

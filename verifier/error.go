package verifier

import (
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/reason"
)

// Error is the refusal of a token. Of what the caller sent it holds the key id
// alone, quoted and cut, so it is safe to log. errors.Is finds both the reason
// and the cause:
//
//	errors.Is(err, reason.Expired)
//	errors.Is(err, context.Canceled)
//
// An Error is immutable; several callers may hold the same one.
type Error struct {
	// Reason is the stable code of the refusal.
	Reason reason.Code
	// Issuer is the Name of the configured issuer that the token was checked
	// against, "" if the token names none.
	Issuer string
	// KeyID is the token's kid, quoted and cut to 64 bytes, where the reason
	// is about a key; else "".
	KeyID string
	// Detail is what to change, in words without data of the token; may be "".
	Detail string
	// RetryAfter is when another attempt can succeed, where the issuer and not
	// the token is the cause; else 0.
	RetryAfter time.Duration
	// Err is the cause, if there is one.
	Err error

	origin origin
}

// Error returns one line: reason, issuer, key, detail, cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("verifier: ")
	b.WriteString(string(e.Reason))
	if e.Issuer != "" {
		b.WriteString(", issuer " + strconv.Quote(e.Issuer))
	}
	if e.KeyID != "" {
		b.WriteString(", kid " + e.KeyID)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Is reports whether target is the reason.
func (e *Error) Is(target error) bool { return target == error(e.Reason) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// origin is which of several checks with the same reason refused a token, for
// the hint of a report.
type origin uint8

const (
	_             origin = iota
	byValidator          // whatever its reason
	keyMismatch          // unsupported_alg
	keyUndeclared        // unsupported_alg
	keyUnreadable        // keys_unavailable
	keyAmbiguous         // unknown_key
	keyOfAnother         // unknown_key
	noAudience           // missing_claim, wrong_client, wrong_audience
	byLimit              // missing_claim, wrong_client
)

// refuse makes the error of a check before the issuer is known.
func refuse(code reason.Code, detail string, cause error) *Error {
	return &Error{Reason: code, Detail: detail, Err: cause}
}

// refuse makes the error of a check against i.
func (i *issuer) refuse(code reason.Code, detail string, cause error) *Error {
	return &Error{Reason: code, Issuer: i.name, Detail: detail, Err: cause}
}

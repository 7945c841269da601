package verifier

import (
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/reason"
)

// Error is why [Verifier.Verify] refused a token. It carries nothing that the
// caller sent except the key id, quoted and cut, so it is safe to log.
//
// errors.Is finds both the reason and the cause:
//
//	errors.Is(err, reason.Expired)
//	errors.Is(err, context.Canceled)
//
// An Error is immutable; several callers may hold the same one.
type Error struct {
	// Reason is the stable code of the refusal.
	Reason reason.Code
	// Issuer is the configured issuer that the token was checked against, ""
	// if it named none.
	Issuer string
	// KeyID is the token's kid, quoted and cut to 64 bytes, where the reason
	// is about a key; else "".
	KeyID string
	// Detail says what to change, in words without data of the token; may be "".
	Detail string
	// RetryAfter is when asking again can help, for reasons that lie on this
	// side of the call; else 0.
	RetryAfter time.Duration
	// Err is the cause, if there is one.
	Err error
}

// Error reads as one line: reason, issuer, key, detail, cause.
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

// Is makes the reason findable with errors.Is.
func (e *Error) Is(target error) bool { return target == error(e.Reason) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

package middleware

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Error is a refused request: what [Guard.Check] returns and [Guard.Deny]
// writes. Every request gets its own; the receiver owns it and may change it
// before it hands it to Deny.
//
// errors.Is finds the reason and the cause:
//
//	errors.Is(err, reason.InsufficientScope)
type Error struct {
	// Status is the HTTP status: 400, 401, 403 or 503.
	Status int
	// Reason is the stable code, for logs and metrics. It never reaches the caller.
	Reason reason.Code
	// Challenges become WWW-Authenticate lines, one each; none with a 503.
	Challenges []Challenge
	// RetryAfter is sent with a 503, in whole seconds, rounded up.
	RetryAfter time.Duration
	// Missing names what the rule wanted, in the words of the configuration.
	Missing []string
	// Err is the cause; nil if a rule refused.
	Err error
}

// Error reads as one line: status, reason, what is missing, cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("middleware: " + strconv.Itoa(e.Status) + " " + string(e.Reason))
	if len(e.Missing) > 0 {
		b.WriteString(", missing " + strings.Join(e.Missing, " "))
	}
	if e.Err != nil && e.Err.Error() != string(e.Reason) { // a bare reason.Code says no more
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Is makes the reason findable with errors.Is.
func (e *Error) Is(target error) bool { return target == error(e.Reason) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// leastRetry is how long a caller is asked to wait when nobody knows better.
const leastRetry = time.Second

var (
	errNoVerdict = errors.New("the Verifier returned neither claims nor an error")
	errZeroGuard = errors.New("this Guard was not made by New")
)

// refusal is an Error with room for its challenge: one allocation for all of it.
type refusal struct {
	Error
	challenge [1]Challenge
	params    [3]Param
}

// fail refuses a request whose credentials are missing, bad or not to be judged.
func (g *Guard) fail(code reason.Code, cause error, retryAfter time.Duration) *Error {
	c := classes[code]
	e := g.refuse(c, code, "")
	e.Err = cause
	if c == cannotBeJudged {
		e.RetryAfter = max(retryAfter, leastRetry)
	}
	return e
}

// forbid refuses a verified token that a rule does not let through. It is a
// 403 whatever the rule's reason: the token is good.
func (g *Guard) forbid(d claims.Decision) *Error {
	e := g.refuse(notAllowed, d.Reason, d.Scope)
	e.Missing = d.Missing
	return e
}

func (g *Guard) refuse(c class, code reason.Code, scope string) *Error {
	e := &refusal{Error: Error{Status: c.status(), Reason: code}}
	if c == cannotBeJudged {
		return &e.Error
	}
	params := append(e.params[:0], Param{"realm", g.realmName()})
	if code := c.code(); code != "" {
		params = append(params, Param{"error", code})
	}
	if scope != "" {
		params = append(params, Param{"scope", scope})
	}
	e.challenge[0] = Challenge{Scheme: bearer, Params: params}
	e.Challenges = e.challenge[:]
	return &e.Error
}

// unread is the refusal for an error of a credential source.
func (g *Guard) unread(err error) *Error {
	err = solid(err)
	if e := g.named(err); e != nil {
		return e
	}
	return g.fail(reason.InvalidRequest, err, 0)
}

// unverified is the refusal for an error of a Verifier. What names no reason
// says nothing about the token, so it is no 401.
func (g *Guard) unverified(ctx context.Context, err error) *Error {
	err = solid(err)
	if e := g.named(err); e != nil {
		return e
	}
	if ctx.Err() != nil {
		return g.fail(reason.Canceled, err, 0)
	}
	return g.fail(reason.KeysUnavailable, err, 0)
}

// unbound is the refusal for an error of a Binding.
func (g *Guard) unbound(ctx context.Context, err error) *Error {
	err = solid(err)
	if e := g.named(err); e != nil {
		return e
	}
	if ctx.Err() != nil {
		return g.fail(reason.Canceled, err, 0)
	}
	return g.fail(reason.UnsupportedBinding, err, 0)
}

// denied is the refusal that Deny writes for any error.
func (g *Guard) denied(err error) *Error {
	err = solid(err)
	if e := g.named(err); e != nil {
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return g.fail(reason.Canceled, err, 0)
	}
	e := g.refuse(notAllowed, reason.Denied, "")
	e.Err = err
	return e
}

// named is the refusal for an error that says what it is, else nil.
func (g *Guard) named(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if ve, ok := errors.AsType[*verifier.Error](err); ok && ve.Reason != "" {
		return g.fail(ve.Reason, err, ve.RetryAfter)
	}
	if code, ok := errors.AsType[reason.Code](err); ok && code != "" {
		return g.fail(code, err, 0)
	}
	return nil
}

// solid unmasks a nil pointer in an error, which would panic when unwrapped.
func solid(err error) error {
	if isNil(err) {
		return nil
	}
	return err
}

// status is the answer's status: never one that would let the caller believe
// that the request went through.
func (e *Error) status() int {
	if http.StatusBadRequest <= e.Status && e.Status <= 599 {
		return e.Status
	}
	return classes[e.Reason].status()
}

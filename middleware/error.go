package middleware

import (
	"errors"
	"reflect"
	"slices"
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
	// Header is more fields of the answer's header, such as DPoP-Nonce (RFC 9449
	// section 8). It cannot replace what the other members say.
	Header [][2]string
	// RetryAfter is sent with a 503, in whole seconds, rounded up.
	RetryAfter time.Duration
	// Missing names what the rule requires, in the words of the configuration.
	Missing []string
	// Err is the cause; nil if a rule refused.
	Err error
}

// Error returns one line: status, reason, what is missing, cause.
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

// Unwrap returns the reason and the cause.
func (e *Error) Unwrap() []error {
	if e == nil { // wrapped by mistake
		return nil
	}
	var errs []error
	if e.Reason != "" {
		errs = append(errs, e.Reason)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// status returns the status of the answer: never one that would let the caller
// believe that the request went through.
func (e *Error) status() int {
	if 400 <= e.Status && e.Status <= 599 {
		return e.Status
	}
	return classOf(e.Reason).status
}

// class is what a caller learns of a reason: the status and the error code.
//
// RFC 6750 section 3.1: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
type class struct {
	status int
	code   string
}

var (
	badToken      = class{401, "invalid_token"}
	noCredentials = class{401, ""}
	badRequest    = class{400, "invalid_request"}
	notAllowed    = class{403, "insufficient_scope"}
	notJudged     = class{503, ""}

	// RFC 9449 section 7.1: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
	badProof = class{401, "invalid_dpop_proof"}
	noNonce  = class{401, "use_dpop_nonce"}

	// RFC 9470 section 3: https://www.rfc-editor.org/rfc/rfc9470#section-3
	notAuthenticated = class{401, "insufficient_user_authentication"}
)

// classes has every reason; its keys are also all that a metric may carry.
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
	reason.UnusableKey:        badToken,
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
	reason.WrongCertificate:   badToken,
	reason.Revoked:            badToken,
	reason.Inactive:           badToken,

	reason.InvalidDPoPProof:  badProof,
	reason.ReplayedDPoPProof: badProof,
	reason.UseDPoPNonce:      noNonce,

	reason.KeysUnavailable:       notJudged,
	reason.RevocationUnavailable: notJudged,
	reason.ProofsUnavailable:     notJudged,
	reason.Canceled:              notJudged,

	reason.IntrospectionUnavailable: notJudged,

	reason.InsufficientScope: notAllowed,
	reason.InsufficientRole:  notAllowed,
	reason.WrongCaller:       notAllowed,
	reason.Denied:            notAllowed,

	reason.InsufficientUserAuthentication: notAuthenticated,
}

// classOf returns the class of a reason; one that is not known is a bad token.
func classOf(code reason.Code) class {
	if c, ok := classes[code]; ok {
		return c
	}
	return badToken
}

// leastRetry is how long a caller is asked to wait unless a longer time is known.
const leastRetry = time.Second

var (
	errNoAnswer     = errors.New("the Verifier returned neither claims nor an error")
	errNotMadeByNew = errors.New("this Guard was not made by New")
	errNotBound     = errors.New("the token is not bound to its sender: see SenderConstrained")
	errNilPointer   = errors.New("an error that is a nil pointer")
)

// refusal returns the Error for an error of a credential source, a Verifier, a
// Binding or a handler: an Error is kept as it is, else the reason that err
// names decides, else the fallback.
func (d *decider) refusal(err error, fallback reason.Code) *Error {
	err = withoutNil(err)
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e
	}
	if ve, ok := errors.AsType[*verifier.Error](err); ok && ve.Reason != "" {
		return d.fail(ve.Reason, err, ve.RetryAfter)
	}
	if code, ok := errors.AsType[reason.Code](err); ok && code != "" {
		return d.fail(code, err, 0)
	}
	return d.fail(fallback, err, 0)
}

// fail refuses a call for a reason, by the class of the reason.
func (d *decider) fail(code reason.Code, cause error, retryAfter time.Duration) *Error {
	c := classOf(code)
	e := d.refuse(c, code, "")
	e.Err = cause
	if c == notJudged {
		e.RetryAfter = max(retryAfter, leastRetry)
	}
	return e
}

// forbid refuses a verified token that a rule does not let through. It is a
// 403 whatever the rule's reason, for the token is good, but for a user who can
// get a better one by authenticating in another way.
func (d *decider) forbid(answer claims.Decision) *Error {
	c := notAllowed
	if answer.Reason == reason.InsufficientUserAuthentication {
		c = notAuthenticated
	}
	e := d.refuse(c, answer.Reason, answer.Scope)
	e.Missing = answer.Missing
	if len(answer.ACRValues) > 0 {
		e.Challenges[0].add("acr_values", strings.Join(answer.ACRValues, " "))
	}
	if answer.MaxAge > 0 {
		e.Challenges[0].add("max_age", strconv.FormatInt(int64(answer.MaxAge/time.Second), 10))
	}
	return e
}

// refuse makes an Error with its challenge, in one allocation.
func (d *decider) refuse(c class, code reason.Code, scope string) *Error {
	e := &struct {
		Error
		challenge [1]Challenge
		params    [3][2]string
	}{Error: Error{Status: c.status, Reason: code}}
	if c == notJudged {
		return &e.Error
	}
	params := append(e.params[:0], [2]string{"realm", d.realmName()})
	if c.code != "" {
		params = append(params, [2]string{"error", c.code})
	}
	if scope != "" {
		params = append(params, [2]string{"scope", scope})
	}
	e.challenge[0] = Challenge{Scheme: bearer, Params: params}
	e.Challenges = e.challenge[:]
	return &e.Error
}

// usualChallenges returns what is sent with a status where the Error has no
// challenge of its own.
func (d *decider) usualChallenges(status int, code reason.Code) []Challenge {
	c := badToken
	switch {
	case status == 400:
		c = badRequest
	case status == 403:
		c = notAllowed
	case status != 401:
		return nil
	case classOf(code).status == status:
		c = classOf(code)
	}
	return d.refuse(c, code, "").Challenges
}

// nameScope adds a scope to the challenges of a 401.
//
// RFC 6750 section 3: https://www.rfc-editor.org/rfc/rfc6750#section-3
func (d *decider) nameScope(e *Error, scope string) {
	if scope == "" || e.status() != 401 {
		return
	}
	e.Challenges = slices.Clone(e.Challenges) // of a Binding perhaps
	for i := range e.Challenges {
		c := &e.Challenges[i]
		if d.accepts(c.Scheme) {
			c.Params = slices.Clip(c.Params)
			c.add("scope", scope)
		}
	}
}

// defaultRealm tells an attacker nothing, and a Bearer challenge needs at least
// one parameter.
//
// RFC 6750 section 3: https://www.rfc-editor.org/rfc/rfc6750#section-3
const defaultRealm = "api"

func (d *decider) realmName() string {
	if d.realm == "" {
		return defaultRealm
	}
	return d.realm
}

// isNil sees through an interface that holds a nil pointer, the usual result
// of an ignored construction error.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map:
		return rv.IsNil()
	default:
		return false
	}
}

package connectauth

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// Domain is the domain of the [errdetails.ErrorInfo] of
// [Policy.DangerouslyTellReasons].
const Domain = "github.com/sallyport-go/sallyport"

// refuse answers a refused call in the protocol that its caller speaks. Nothing of
// its body was read.
//
// The Guard writes the header: net/http drops WWW-Authenticate where a protocol
// sends what belongs to an error in trailers, and a client of any protocol finds it
// in a header.
func (e *enforcer) refuse(w http.ResponseWriter, r *http.Request, err error) {
	a := answer{header: w.Header()}
	e.guard.Deny(&a, r, err)
	a.header.Del("Content-Type") // of the body that is not sent
	_ = errorWriter.Write(w, r, e.errorFor(r.Context(), &a, err))
}

// answer is the ResponseWriter for the answer of a Guard, of which the status and
// the header are kept.
type answer struct {
	header http.Header
	status int
}

// Header returns the header that is sent.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write drops the body.
func (*answer) Write(p []byte) (int, error) { return len(p), nil }

// errorFor returns the error for a refusal that the Guard has answered so.
func (e *enforcer) errorFor(ctx context.Context, a *answer, err error) *connect.Error {
	var refused *middleware.Error
	if !errors.As(err, &refused) || refused == nil {
		refused = &middleware.Error{} // says nothing
	}
	refusal := connect.NewError(codeOf(ctx, a.status, refused.Reason), errors.New(a.message()))
	if a.status == http.StatusServiceUnavailable && refused.RetryAfter > 0 {
		add(refusal, &errdetails.RetryInfo{RetryDelay: durationpb.New(refused.RetryAfter)})
	}
	if e.reasons && refused.Reason != "" {
		add(refusal, &errdetails.ErrorInfo{Reason: strings.ToUpper(string(refused.Reason)), Domain: Domain})
	}
	return refusal
}

// codeOf returns the code of an answer. Connect's own clients take it from the body,
// and it means the same HTTP status.
//
// https://connectrpc.com/docs/protocol#error-codes
func codeOf(ctx context.Context, status int, why reason.Code) connect.Code {
	switch {
	case why == reason.Canceled && errors.Is(ctx.Err(), context.Canceled):
		return connect.CodeCanceled
	case why == reason.Canceled && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return connect.CodeDeadlineExceeded
	case status == http.StatusBadRequest:
		return connect.CodeInvalidArgument
	case status == http.StatusUnauthorized:
		return connect.CodeUnauthenticated
	case status >= http.StatusInternalServerError:
		return connect.CodeUnavailable
	default:
		return connect.CodePermissionDenied
	}
}

// message returns fixed words for people: nothing of the request.
func (a *answer) message() string {
	switch {
	case a.status == http.StatusBadRequest:
		return "the credentials are malformed"
	case a.status >= http.StatusInternalServerError:
		return "access tokens cannot be checked at the moment, try again later"
	case a.status != http.StatusUnauthorized:
		return "the access token does not allow this"
	case slices.ContainsFunc(a.header["Www-Authenticate"], namesError):
		return "the access token is not valid here"
	default:
		return "a bearer access token is required"
	}
}

// namesError reports whether a challenge has the parameter error. In its quoted
// values a quote has a backslash in front.
func namesError(challenge string) bool { return strings.Contains(challenge, `error="`) }

func add(to *connect.Error, detail proto.Message) {
	if d, err := connect.NewErrorDetail(detail); err == nil {
		to.AddDetail(d)
	}
}

// isNil sees through an interface that holds a nil pointer.
func isNil(guard Guard) bool {
	if guard == nil {
		return true
	}
	v := reflect.ValueOf(guard)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

package connectauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// refuse answers a refused call in the protocol that its caller speaks. Nothing of
// its body was read.
//
// The Guard writes the header: net/http drops WWW-Authenticate where a protocol
// sends what belongs to an error in trailers, and a client of any protocol finds it
// in a header.
func (e *enforcer) refuse(w http.ResponseWriter, r *http.Request, service string, err error) {
	a := answer{header: w.Header()}
	e.guard.Deny(&a, nil, err)
	_ = errorWriter.Write(w, r, e.errorFor(r, &a, service, err))
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
func (e *enforcer) errorFor(r *http.Request, a *answer, service string, err error) *connect.Error {
	refused, ok := errors.AsType[*middleware.Error](err)
	if !ok || refused == nil {
		refused = &middleware.Error{Reason: reason.Denied} // any other error says nothing
	}
	if gone := r.Context().Err(); refused.Reason == reason.Canceled && gone != nil { // that says nothing about the token
		code := connect.CodeCanceled
		if errors.Is(gone, context.DeadlineExceeded) {
			code = connect.CodeDeadlineExceeded
		}
		return connect.NewError(code, gone)
	}
	rfc := a.errorCode()
	refusal := connect.NewError(codeOf(r, a.status), errors.New(message(a.status, rfc)))
	info := &errdetails.ErrorInfo{Reason: strings.ToUpper(cmp.Or(rfc, publicReason(a.status))), Domain: service}
	if e.showReasons {
		info.Reason = strings.ToUpper(string(refused.Reason))
	}
	add(refusal, info)
	if a.status == http.StatusServiceUnavailable {
		add(refusal, &errdetails.RetryInfo{RetryDelay: durationpb.New(max(refused.RetryAfter, time.Second))})
	}
	return refusal
}

// codeOf returns the code of an answer. It decides the HTTP status that Connect's own
// protocol answers with, which is 400 where credentials are malformed. The protocols
// of gRPC have no such status, and the code for bad authorization metadata.
//
// https://connectrpc.com/docs/protocol#error-codes
// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
func codeOf(r *http.Request, status int) connect.Code {
	switch {
	case status == http.StatusBadRequest && !strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/grpc"):
		return connect.CodeInvalidArgument
	case status == http.StatusBadRequest || status == http.StatusUnauthorized:
		return connect.CodeUnauthenticated
	case status >= http.StatusInternalServerError:
		return connect.CodeUnavailable
	default:
		return connect.CodePermissionDenied
	}
}

var errorParam = regexp.MustCompile(` error="([a-z_]+)"`)

// errorCode returns the code of RFC 6750, or of an extension of it, of the first
// challenge that has one: "" for none. In quoted values of challenges a quote has a
// backslash in front.
//
// RFC 6750 section 3.1: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
func (a *answer) errorCode() string {
	for _, challenge := range a.header["Www-Authenticate"] {
		if found := errorParam.FindStringSubmatch(challenge); found != nil {
			return found[1]
		}
	}
	return ""
}

// messages are what people read: the words of the Guard's answers in HTTP, and
// nothing of the request.
var messages = map[string]string{
	"invalid_request":                  "the credentials are malformed",
	"invalid_token":                    "the access token is not valid here",
	"invalid_dpop_proof":               "the DPoP proof is not valid for this request",
	"use_dpop_nonce":                   "the DPoP proof has to have the nonce of DPoP-Nonce",
	"insufficient_scope":               "the access token does not allow this",
	"insufficient_user_authentication": "the user has to authenticate in another way, or again",
}

func message(status int, rfc string) string {
	m, known := messages[rfc]
	switch {
	case known:
		return m
	case status >= http.StatusInternalServerError:
		return "access tokens cannot be checked at the moment, try again later"
	case status == http.StatusUnauthorized:
		return "a bearer access token is required"
	default:
		return messages["insufficient_scope"]
	}
}

// publicReason is what programs read where there is no code of RFC 6750.
func publicReason(status int) string {
	switch {
	case status >= http.StatusInternalServerError:
		return "temporarily_unavailable"
	case status == http.StatusUnauthorized:
		return "token_required"
	default:
		return "refused"
	}
}

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

package grpcauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// refusal is an answer to a call that does not pass.
type refusal struct {
	err     error // a status
	trailer metadata.MD
}

const expiredMessage = "the access token has expired"

// refuse makes the answer from what the Guard said. Anything but its own error is
// denied all the same.
func (c call) refuse(ctx context.Context, err error) *refusal {
	e, _ := errors.AsType[*middleware.Error](err)
	if e == nil {
		e = &middleware.Error{Status: http.StatusForbidden, Reason: reason.Denied}
	}
	if e.Reason == reason.Canceled && ctx.Err() != nil { // it says nothing about the token
		return &refusal{err: status.FromContextError(ctx.Err()).Err()}
	}
	code, challenges := codeOf(e.Status), e.Challenges
	switch {
	case code == codes.Unavailable: // another token would not help
		challenges = nil
	case len(challenges) == 0: // of a Binding that leaves them to the Guard
		challenges = challengeOf(code, "Bearer")
	}
	rfc := errorCode(challenges)
	details := []protoadapt.MessageV1{c.info(e, rfc)}
	if code == codes.Unavailable {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(max(e.RetryAfter, time.Second))})
	}
	return &refusal{withDetails(status.New(code, message(code, rfc)), details), trailerOf(e.Header, challenges)}
}

// challengeOf returns a challenge of no realm in particular.
//
// RFC 6750 section 3.1: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
func challengeOf(code codes.Code, scheme string) []middleware.Challenge {
	rfc := "invalid_token"
	if code == codes.PermissionDenied {
		rfc = "insufficient_scope"
	}
	return []middleware.Challenge{{Scheme: scheme, Params: [][2]string{{"error", rfc}}}}
}

// expired is the answer to a call whose token expired meanwhile.
func (c call) expired(ctx context.Context) *refusal {
	challenges := challengeOf(codes.Unauthenticated, schemeOf(ctx))
	e := &middleware.Error{Status: http.StatusUnauthorized, Reason: reason.Expired}
	st := status.New(codes.Unauthenticated, expiredMessage)
	return &refusal{withDetails(st, []protoadapt.MessageV1{c.info(e, errorCode(challenges))}), trailerOf(nil, challenges)}
}

// schemeOf returns the scheme that the token of an admitted call came by.
func schemeOf(ctx context.Context) string {
	if lines := metadata.ValueFromIncomingContext(ctx, "authorization"); len(lines) == 1 {
		if scheme, _, ok := strings.Cut(lines[0], " "); ok && strings.EqualFold(scheme, "DPoP") {
			return "DPoP"
		}
	}
	return "Bearer"
}

func withDetails(st *status.Status, details []protoadapt.MessageV1) error {
	detailed, err := st.WithDetails(details...)
	if err != nil {
		return st.Err() // the code is what counts
	}
	return detailed.Err()
}

// codeOf returns the code for a status. Credentials that are malformed or doubled are
// Unauthenticated as well: that is gRPC's word for bad authorization metadata, and
// InvalidArgument would blame the message.
//
// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
func codeOf(httpStatus int) codes.Code {
	switch {
	case httpStatus == http.StatusForbidden:
		return codes.PermissionDenied
	case httpStatus >= http.StatusInternalServerError:
		return codes.Unavailable
	default:
		return codes.Unauthenticated
	}
}

// errorCode returns the code of RFC 6750, or of an extension of it, that the caller
// is told: "" where the challenge has none.
//
// RFC 6750 section 3.1: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
func errorCode(challenges []middleware.Challenge) string {
	for _, challenge := range challenges {
		for _, p := range challenge.Params {
			if p[0] == "error" {
				return p[1]
			}
		}
	}
	return ""
}

// messages are what people read: the words of the Guard's answers in HTTP, without
// anything of the call.
var messages = map[string]string{
	"invalid_request":                  "the credentials are malformed",
	"invalid_token":                    "the access token is not valid here",
	"invalid_dpop_proof":               "the DPoP proof is not valid for this request",
	"use_dpop_nonce":                   "the DPoP proof has to have the nonce of dpop-nonce",
	"insufficient_scope":               "the access token does not allow this",
	"insufficient_user_authentication": "the user has to authenticate in another way, or again",
}

func message(code codes.Code, rfc string) string {
	if m, ok := messages[rfc]; ok {
		return m
	}
	switch code {
	case codes.Unavailable:
		return "access tokens cannot be checked at the moment, try again later"
	case codes.PermissionDenied:
		return messages["insufficient_scope"]
	default:
		return "a bearer access token is required"
	}
}

// info is what programs read. Its domain is the service, where the policy names it.
//
// https://google.aip.dev/193#errorinfo
func (c call) info(e *middleware.Error, rfc string) *errdetails.ErrorInfo {
	service, _, _ := strings.Cut(strings.TrimPrefix(c.entry.key, "/"), "/")
	code := rfc
	switch {
	case c.interceptor.showReasons:
		code = string(e.Reason)
	case code == "" && e.Status >= http.StatusInternalServerError:
		code = "temporarily_unavailable"
	case code == "":
		code = "token_required"
	}
	return &errdetails.ErrorInfo{Reason: strings.ToUpper(code), Domain: service}
}

// trailerOf returns the challenges and what else the Guard adds to the header of an
// answer. grpc-go sends no field of its own name, such as grpc-status.
//
// RFC 9110 section 11.6.1: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
func trailerOf(header [][2]string, challenges []middleware.Challenge) metadata.MD {
	trailer := metadata.MD{}
	for _, field := range header {
		trailer.Set(field[0], field[1])
	}
	delete(trailer, "www-authenticate")
	for _, challenge := range challenges {
		if line := challenge.String(); line != "" {
			trailer.Append("www-authenticate", line)
		}
	}
	return trailer
}

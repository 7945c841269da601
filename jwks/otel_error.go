package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
)

// errorType returns the class of a failed fetch, for error.type: one of a few
// words, or a status that HTTP defines. It has nothing of the server's text.
//
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/
func errorType(err error) string {
	var (
		answer    *statusError
		document  *documentError
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		lookup    *net.DNSError
		operation *net.OpError
		set       setError
	)
	switch {
	case errors.Is(err, ErrClosed):
		return "closed"
	case errors.As(err, &document) || errors.Is(err, errNoMetadata):
		return "metadata"
	case errors.As(err, &answer) && http.StatusText(answer.status) != "":
		return strconv.Itoa(answer.status)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.As(err, &untrusted) || errors.As(err, &authority):
		return "tls"
	case errors.As(err, &lookup):
		return "dns"
	case errors.As(err, &operation):
		return "connection"
	case errors.As(err, &set):
		return "jwk_set"
	}
	return "_OTHER" // as the convention calls what has no class
}

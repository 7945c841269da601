package verifier_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestAnErrorReadsAsOneLine(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*verifier.Error{
		"verifier: expired": {Reason: reason.Expired},
		`verifier: unknown_key, issuer "https://issuer.example/", kid "k": the issuer has no such key`: {
			Reason: reason.UnknownKey, Issuer: issuerName, KeyID: `"k"`, Detail: noSuchKey,
		},
		`verifier: keys_unavailable, issuer "https://issuer.example/": connection refused`: {
			Reason: reason.KeysUnavailable, Issuer: issuerName, RetryAfter: time.Minute, Err: errors.New("connection refused"),
		},
		"verifier: malformed: header: not JSON": {Reason: reason.Malformed, Detail: "header", Err: errors.New("not JSON")},
	} {
		assert.EqualError(t, e, want)
	}
}

func TestAnErrorIsItsReasonAndItsCause(t *testing.T) {
	t.Parallel()
	var err error = &verifier.Error{Reason: reason.Canceled, Err: context.Canceled}
	assert.ErrorIs(t, err, reason.Canceled)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, reason.Expired)
	assert.NotErrorIs(t, err, context.DeadlineExceeded)
}

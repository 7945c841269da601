package reason_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/reason"
)

func TestACodeIsFoundWhereverItIsWrapped(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("verifier: %w", fmt.Errorf("the token is old: %w", reason.Expired))
	assert.ErrorIs(t, err, reason.Expired)
	assert.NotErrorIs(t, err, reason.Revoked)
	code, ok := errors.AsType[reason.Code](err)
	assert.True(t, ok)
	assert.Equal(t, reason.Expired, code)
}

// Logs and alerts are written for these words: one that changes is a breaking change.
func TestTheCodesAreStable(t *testing.T) {
	t.Parallel()
	for want, code := range map[string]reason.Code{
		"no_token": reason.NoToken, "unsupported_scheme": reason.UnsupportedScheme, "invalid_request": reason.InvalidRequest,
		"malformed": reason.Malformed, "too_large": reason.TooLarge, "unsupported_alg": reason.UnsupportedAlg,
		"unsupported_type": reason.UnsupportedType, "critical_header": reason.CriticalHeader, "unknown_issuer": reason.UnknownIssuer,
		"unknown_tenant": reason.UnknownTenant, "unknown_key": reason.UnknownKey, "unusable_key": reason.UnusableKey, "bad_signature": reason.BadSignature,
		"malformed_claims": reason.MalformedClaims, "missing_claim": reason.MissingClaim, "expired": reason.Expired,
		"not_yet_valid": reason.NotYetValid, "issued_in_future": reason.IssuedInFuture, "too_old": reason.TooOld,
		"wrong_audience": reason.WrongAudience, "wrong_client": reason.WrongClient, "unsupported_binding": reason.UnsupportedBinding, "wrong_certificate": reason.WrongCertificate,
		"revoked": reason.Revoked, "keys_unavailable": reason.KeysUnavailable, "revocation_unavailable": reason.RevocationUnavailable,
		"inactive": reason.Inactive, "introspection_unavailable": reason.IntrospectionUnavailable,
		"canceled": reason.Canceled, "insufficient_scope": reason.InsufficientScope, "insufficient_role": reason.InsufficientRole,
		"wrong_caller": reason.WrongCaller, "denied": reason.Denied,
		"invalid_dpop_proof": reason.InvalidDPoPProof, "replayed_dpop_proof": reason.ReplayedDPoPProof, "use_dpop_nonce": reason.UseDPoPNonce,
		"proofs_unavailable": reason.ProofsUnavailable,
	} {
		assert.Equal(t, want, code.Error())
	}
}

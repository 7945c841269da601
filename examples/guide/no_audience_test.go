package guide_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestAnIssuerWithoutAudience(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://cognito-idp.eu-north-1.amazonaws.com/eu-north-1_EXAMPLE", "",
		jwkstest.Claims{"aud": nil, "client_id": "1h57kf5cpq17m0eml12EXAMPLE", "scope": "orders/read", "token_use": "access"})
	p := withKeys(providers.Generic(iss.Issuer(), "orders"), iss)

	tokens := &p.Issuers[0].Tokens
	tokens.NoAudience = verifier.AudienceBinding{Clients: []string{"1h57kf5cpq17m0eml12EXAMPLE"}, ScopePrefix: "orders/"}
	tokens.Markers = []verifier.Marker{{Claim: "token_use", Is: []string{"access"}}} // Cognito
	gate := closed(t)(sallyport.NewFrom(p))

	_, err := gate.Verify(t.Context(), iss.Token())
	assert.NoError(t, err)
	_, err = gate.Verify(t.Context(), iss.Token(jwkstest.Claims{"client_id": "another"}))
	assert.ErrorIs(t, err, reason.WrongClient)
	_, err = gate.Verify(t.Context(), iss.Token(jwkstest.Claims{"scope": "billing/read"}))
	assert.ErrorIs(t, err, reason.WrongAudience)
	_, err = gate.Verify(t.Context(), iss.Token(jwkstest.Claims{"token_use": "id"}))
	assert.ErrorIs(t, err, reason.UnsupportedType)
}

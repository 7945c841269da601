package mtls_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/reason"
)

func TestThumbprintIsThatOfTheTestKit(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mtls.Config{})
	cert := a.NewCertificate()
	assert.Equal(t, cert.Thumbprint(), mtls.Thumbprint(cert.X509()))
	assert.Len(t, mtls.Thumbprint(cert.X509()), 43)
}

// The certificate and the thumbprint that RFC 8705 appendix A gives.
func TestTheExampleOfTheRFC(t *testing.T) {
	t.Parallel()
	cert := parsePEM(t, rfc8705Certificate)
	assert.Equal(t, "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0", mtls.Thumbprint(cert))
}

func TestAThumbprintThatIsNoneIsTheTokensFault(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mtls.Config{})
	cert := a.NewCertificate()
	t.Run("72 a thumbprint that is none", func(t *testing.T) {
		t.Parallel()
		claims := cert.Bound()
		claims["cnf"] = map[string]any{"x5t#S256": cert.Thumbprint() + "="}
		a.assertRefused(t, a.call(cert.On(request()), claims), reason.MalformedClaims, "x5t#S256 of the token is no SHA-256 thumbprint in base64url")
	})
}

const rfc8705Certificate = `-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----
`

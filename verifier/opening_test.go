package verifier_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestATokenOfTheIssuerForThisAPIIsGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.verifier(t).Verify(t.Context(), w.Token(jwkstest.Claims{"scope": "orders.read", "tier": "gold"}))

	assert.NoError(t, err)
	assert.Equal(t, issuerName, c.Issuer())
	assert.Equal(t, "test-client", c.Subject())
	assert.Equal(t, "test-client", c.ClientID())
	assert.True(t, c.HasScope("orders.read"))
	tier, _ := c.Text("tier")
	assert.Equal(t, "gold", tier)
}

func TestTheZeroVerifierRefusesEveryToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var zero verifier.Verifier

	for _, token := range []string{w.Token(), "a.b.c", "x"} {
		_, got := verify(t, &zero, token)
		assert.Equal(t, reason.TooLarge, got)
		assert.False(t, zero.Explain(t.Context(), token).OK)
	}
	_, got := verify(t, &zero, "")
	assert.Equal(t, reason.Malformed, got)
}

func TestSize(t *testing.T) {
	t.Parallel()
	const tooLarge = "more than 8192 bytes: raise MaxTokenBytes if such tokens are meant to pass"
	table{
		"a token of exactly 8 KiB passes":          {token: ofLength(8 << 10)},
		"one byte more is too large":               {token: ofLength(8<<10 + 1), want: reason.TooLarge, check: "size", detail: tooLarge},
		"the bound can be raised":                  {setup: maxTokenBytes(9000), token: ofLength(9000)},
		"and lowered":                              {setup: maxTokenBytes(100), want: reason.TooLarge, check: "size", detail: "more than 100 bytes: raise MaxTokenBytes if such tokens are meant to pass"},
		"a megabyte of dots is not even looked at": {token: text(strings.Repeat(".", 1<<20)), want: reason.TooLarge, check: "size", detail: tooLarge},
	}.run(t)
}

func maxTokenBytes(n int) func(*world) { return func(w *world) { w.cfg.MaxTokenBytes = n } }

// ofLength mints a token of exactly n bytes. Three bytes of a claim are four of
// the token; what they cannot reach, the header's padding does.
func ofLength(n int) func(*world) string {
	return func(w *world) string {
		for pad := range 4 {
			header := jwkstest.Header{"x": strings.Repeat("x", pad)}
			least := len(w.Token(header, jwkstest.Claims{"fill": ""}))
			for fill := (n - least) * 3 / 4; fill <= (n-least)*3/4+3; fill++ {
				token := w.Token(header, jwkstest.Claims{"fill": strings.Repeat("f", fill)})
				if len(token) == n {
					return token
				}
			}
		}
		panic("no token of that length")
	}
}

func TestStructure(t *testing.T) {
	t.Parallel()
	malformed := func(token func(*world) string, check, detail string) row {
		return row{token: token, want: reason.Malformed, check: check, detail: detail}
	}
	table{
		"no token":              malformed(text(""), "structure", ""),
		"an opaque token":       malformed(text("NgXCXRKcopaqueMz0Yjw="), "structure", ""),
		"two parts":             malformed(text("e30.e30"), "structure", ""),
		"four parts":            malformed(text("e30.e30.e30.e30"), "structure", ""),
		"five parts, encrypted": malformed(text("e30.e30.e30.e30.e30"), "structure", ""),
		"an empty header":       malformed(text(".e30.e30"), "structure", ""),
		"an empty payload":      malformed(text("e30..e30"), "structure", ""),
		"an empty signature":    malformed(text("e30.e30."), "structure", ""),
		"a header that is not base64url": malformed(func(w *world) string {
			_, payload, signature := parts(w.Token())
			return "{}." + payload + "." + signature
		}, "header", "header"),
		"a header that is no object":            malformed(with(jwkstest.WithRawHeader(`["alg"]`)), "header", "header"),
		"a header with alg as a number":         malformed(with(jwkstest.Header{"alg": 256}), "header", "header"),
		"a payload that is no object":           malformed(with(jwkstest.WithRawPayload(`"iss"`)), "payload", "payload"),
		"a payload with a member twice":         malformed(with(jwkstest.WithRawPayload(`{"iss":"a","iss":"b"}`)), "payload", "payload"),
		"a payload cut off":                     malformed(with(jwkstest.WithRawPayload(`{"iss":"https://issuer`)), "payload", "payload"),
		"a signature that is not base64url":     malformed(func(w *world) string { return w.Token() + "!" }, "signature", "signature"),
		"a signature with padding at the end":   malformed(func(w *world) string { return w.Token() + "==" }, "signature", "signature"),
		"a line end pasted after the token":     malformed(func(w *world) string { return w.Token() + "\n" }, "signature", "signature"),
		"the word Bearer pasted with the token": malformed(func(w *world) string { return "Bearer " + w.Token() }, "header", "header"),
	}.run(t)
}

func TestCriticalHeader(t *testing.T) {
	t.Parallel()
	const detail = "the header has crit or b64, which no access token needs"
	table{
		"crit is refused":              {token: with(jwkstest.Header{"crit": []string{"exp"}}), want: reason.CriticalHeader, check: "critical", detail: detail},
		"b64 is refused, true as well": {token: with(jwkstest.Header{"b64": true}), want: reason.CriticalHeader, check: "critical", detail: detail},
		"other members are ignored":    {token: with(jwkstest.Header{"x5t": "thumb", "nonce2": 1, "CRIT": true})},
	}.run(t)
}

func TestIssuer(t *testing.T) {
	t.Parallel()
	const unknown = "the token's iss is not configured"
	table{
		"another issuer":      {token: having(jwkstest.Claims{"iss": "https://other.example/"}), want: reason.UnknownIssuer, check: "issuer", detail: unknown},
		"no slash at the end": {token: having(jwkstest.Claims{"iss": strings.TrimSuffix(issuerName, "/")}), want: reason.UnknownIssuer, check: "issuer", detail: unknown},
		"no iss":              {token: having(jwkstest.Claims{"iss": nil}), want: reason.MissingClaim, check: "issuer", detail: "iss"},
		"iss as a number":     {token: having(jwkstest.Claims{"iss": 7}), want: reason.MalformedClaims, check: "issuer", detail: "iss is no string"},
		"one of two issuers":  {setup: second("https://second.example"), token: nil},
		"the other of two":    {setup: second("https://second.example"), token: having(jwkstest.Claims{"iss": "https://second.example"})},
	}.run(t)
}

// second trusts another name beside the first, with the same keys.
func second(name string) func(*world) {
	return func(w *world) {
		other := *w.issuer()
		other.Name = name
		w.cfg.Issuers = append(w.cfg.Issuers, other)
	}
}

func TestTheIssuerOfARefusalIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)

	_, err := v.Verify(t.Context(), w.Token(jwkstest.WithAudience("api://other")))
	assert.Equal(t, issuerName, asError(t, err).Issuer)
	assert.Contains(t, err.Error(), issuerName)

	_, err = v.Verify(t.Context(), w.Token(jwkstest.Claims{"iss": "https://other.example/"}))
	assert.Empty(t, asError(t, err).Issuer, "the token's own iss is data of the caller")
	assert.NotContains(t, err.Error(), "other.example")
}

func TestAForeignIssuerNeverReachesTheKeySet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	for _, token := range []string{
		w.Token(jwkstest.Claims{"iss": "https://other.example/"}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Claims{"iss": nil}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Claims{"iss": 7}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Header{"crit": []string{"x"}, "kid": "never-seen"}),
		w.Token(jwkstest.Header{"typ": "dpop+jwt", "kid": "never-seen"}),
		w.Token(jwkstest.Header{"alg": "none", "kid": "never-seen"}),
		"opaque",
	} {
		_, err := v.Verify(t.Context(), token)
		assert.Error(t, err)
	}
	assert.Zero(t, w.keys.asked())
}

func TestType(t *testing.T) {
	t.Parallel()
	const other, nested = "typ is of another kind of token: see Types", "the header has a cty: nested tokens are not accepted"
	refused := func(typ any) row {
		return row{token: with(jwkstest.Header{"typ": typ}), want: reason.UnsupportedType, check: "type", detail: other}
	}
	table{
		"at+jwt":                                {token: with(jwkstest.Header{"typ": "at+jwt"})},
		"application/at+jwt":                    {token: with(jwkstest.Header{"typ": "application/at+jwt"})},
		"JWT":                                   {token: with(jwkstest.Header{"typ": "JWT"})},
		"jwt in small letters":                  {token: with(jwkstest.Header{"typ": "jwt"})},
		"no typ":                                {token: with(jwkstest.Header{"typ": nil})},
		"an empty typ is not the same as none":  refused(""),
		"an ID token's profile":                 refused("id+jwt"),
		"a type that only begins with at+jwt":   refused("at+jwt; v=2"),
		"a nested token":                        {token: with(jwkstest.Header{"cty": "JWT"}), want: reason.UnsupportedType, check: "type", detail: nested},
		"types can be named":                    {setup: types("okta-internal-at+jwt"), token: with(jwkstest.Header{"typ": "Okta-Internal-AT+JWT"})},
		"and then the default ones are refused": {setup: types("okta-internal-at+jwt"), want: reason.UnsupportedType, check: "type", detail: other},
		"no typ is refused unless it is named":  {setup: types("JWT"), token: with(jwkstest.Header{"typ": nil}), want: reason.UnsupportedType, check: "type", detail: other},
		"no typ at all can be asked for":        {setup: types(""), token: with(jwkstest.Header{"typ": nil})},
		"and an empty typ is still refused":     {setup: types(""), token: with(jwkstest.Header{"typ": ""}), want: reason.UnsupportedType, check: "type", detail: other},
	}.run(t)
}

func types(list ...string) func(*world) { return func(w *world) { w.issuer().Types = list } }

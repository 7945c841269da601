package dpop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/reason"
)

func TestEveryForgedProofIsRefusedForItsReason(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "EdDSA", "RS256", "PS256", "ES384"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, dpop.Config{Nonces: dpop.NewNonces(), Algorithms: []string{"ES256", "EdDSA", "RS256", "PS256", "ES384"}}, alg)
			nonce := jwkstest.Claims{"nonce": a.serve(a.request(a.proof())).Header().Get("DPoP-Nonce")}
			require.Nil(t, a.refused(t, a.request(a.proof(nonce))), "what the forgeries are made of is good")
			names := map[string]bool{}
			for name, f := range a.prover.ForgedProofs("GET", address, a.token, nonce) {
				assert.False(t, names[name], "two are called %q", name)
				names[name] = true
				e := a.refused(t, a.request(f.Proofs...))
				if assert.NotNil(t, e, "%s: got through: %s", name, f.Hole) {
					assert.Equal(t, f.Reason, e.Reason, "%s: %v", name, e)
					assert.Equal(t, 401, e.Status, name)
				}
			}
			assert.Greater(t, len(names), 300)
			require.Nil(t, a.refused(t, a.request(a.proof(nonce))))
		})
	}
}

func TestProofs(t *testing.T) {
	t.Parallel()
	const malformed = "the proof is no JWT"
	type change = jwkstest.TokenOption
	at := time.Now().Truncate(time.Second)
	ahead := func(d time.Duration) change { return jwkstest.Claims{"iat": at.Add(d)} }
	for name, row := range map[string]struct {
		change change
		text   string // of the refusal; "" if it is good
	}{
		"51 a proof that is a JWT":                     {jwkstest.Claims{}, ""},
		"51 without a payload it is no JWT":            {jwkstest.WithRawPayload(""), malformed},
		"52 without jti":                               {jwkstest.Claims{"jti": nil}, "jti is missing"},
		"52 without htm":                               {jwkstest.Claims{"htm": nil}, "htm is not the method"},
		"52 without htu":                               {jwkstest.Claims{"htu": nil}, "htu is not the address"},
		"52 without iat":                               {jwkstest.Claims{"iat": nil}, "iat is missing"},
		"52 without ath":                               {jwkstest.Claims{"ath": nil}, "ath is not the hash"},
		"52 with claims that nobody knows":             {jwkstest.Claims{"x": 1, "exp": 1}, ""},
		"53 of typ JWT":                                {jwkstest.Header{"typ": "JWT"}, "typ is not dpop+jwt"},
		"53 a media type in another case":              {jwkstest.Header{"typ": "DPoP+JWT"}, ""},
		"53 a media type with application/":            {jwkstest.Header{"typ": "application/dpop+jwt"}, ""},
		"54 alg none":                                  {jwkstest.Header{"alg": "none"}, "alg is not among the Algorithms"},
		"54 an alg that is not allowed":                {jwkstest.Header{"alg": "ES512"}, "alg is not among the Algorithms"},
		"54 an alg that is not the key's":              {jwkstest.Header{"alg": "RS256"}, "the jwk is not of the type that alg is for"},
		"56 a private member":                          {jwkstest.Header{"jwk": jwkstest.JWK{"kty": "EC", "d": "AA"}}, `holds the private member "d"`},
		"56 no jwk":                                    {jwkstest.Header{"jwk": nil}, "the header has no jwk"},
		"57 htm in lower case":                         {jwkstest.Claims{"htm": "get"}, "htm is not the method"},
		"61 iat at the edge of the window":             {ahead(-30 * time.Second), ""},
		"61 iat at the other edge":                     {ahead(30 * time.Second), ""},
		"61 iat a second too old":                      {ahead(-31 * time.Second), "further in the past"},
		"61 iat a second too far ahead":                {ahead(31 * time.Second), "further ahead"},
		"61 iat with a fraction":                       {jwkstest.Claims{"iat": float64(at.Unix()) + 0.25}, ""},
		"62 ath of another token":                      {jwkstest.Claims{"ath": "x"}, "ath is not the hash"},
		"69 a jti of a kilobyte is hashed":             {jwkstest.Claims{"jti": strings.Repeat("j", 1<<10)}, ""},
		"60 a nonce is no matter where none is wanted": {jwkstest.Claims{"nonce": "x"}, ""},
		"crit in the header":                           {jwkstest.Header{"crit": []string{"x"}}, "crit or b64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, dpop.Config{Now: func() time.Time { return at }}, "ES256")
			e := a.refused(t, a.request(a.proof(row.change)))
			if row.text == "" {
				require.Nil(t, e)
				return
			}
			require.NotNil(t, e)
			assert.Equal(t, reason.InvalidDPoPProof, e.Reason)
			assert.ErrorContains(t, e, row.text)
		})
	}
}

func TestLinesOfTheHeader(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{}, "ES256")
	for name, row := range map[string]struct {
		proofs []string
		text   string
	}{
		"50 exactly one":                        {[]string{a.proof()}, ""},
		"50 two":                                {[]string{a.proof(), a.proof()}, "more than one header"},
		"50 63 none":                            {nil, "no proof with it"},
		"50 two in one line":                    {[]string{a.proof() + ", " + a.proof()}, "no JWT"},
		"55 a signature of another key":         {[]string{a.iss.NewProver("ES256").Proof("GET", address, a.token, jwkstest.Header{"jwk": jwkOf(a)})}, "signature does not verify"},
		"of more than 4 KiB":                    {[]string{a.proof(jwkstest.Claims{"x": string(make([]byte, 4<<10))})}, "longer than 4 KiB"},
		"55 the proof of another, as a whole":   {[]string{a.iss.NewProver("ES256").Proof("GET", address, a.token)}, "another key than that of the proof"},
		"62 the jkt of the token is compared":   {[]string{a.iss.NewProver("ES256").Proof("GET", address, a.token)}, "another key than that of the proof"},
		"54 an asymmetric algorithm is allowed": {[]string{a.proof()}, ""},
	} {
		e := a.refused(t, a.request(row.proofs...))
		if row.text == "" {
			assert.Nil(t, e, name)
			continue
		}
		if assert.NotNil(t, e, name) {
			assert.ErrorContains(t, e, row.text, name)
		}
	}
}

// jwkOf is the public key of the API's client.
func jwkOf(a *api) jwkstest.JWK {
	return jwkstest.JWK(headerOf(a.proof())["jwk"].(map[string]any))
}

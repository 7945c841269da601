package dpop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/reason"
)

func (a *api) explain(t *testing.T, proof string) (failed []string, text string) {
	t.Helper()
	report := a.binding.Explain(t.Context(), dpop.Request{Proof: proof, Method: "GET", URL: address + "?x=1", Token: a.token, Thumbprint: a.prover.Thumbprint()})
	var lines []string
	for _, c := range report.Checks {
		if !c.OK && !c.Skipped {
			failed = append(failed, c.Name)
		}
		lines = append(lines, fmt.Sprintf("%s %v %v: %s; %s", c.Name, c.OK, c.Skipped, c.Found, c.Expected))
	}
	assert.Equal(t, report.OK, failed == nil)
	assert.Equal(t, report.OK, report.Hint == "")
	return failed, strings.Join(lines, "\n") + "\n" + string(report.Reason) + " " + report.Hint
}

func TestExplainNamesTheChecksThatFail(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{}, "ES256")
	for name, row := range map[string]struct {
		proof  string
		failed string
		text   string
	}{
		"a good one":            {a.proof(), "", `htu true false: "https://api.example/orders"; "https://api.example/orders"`},
		"none":                  {"", "proof", "0 headers DPoP; exactly one"},
		"no JWT":                {"x.y", "structure", "2 parts"},
		"too large":             {a.proof(jwkstest.Claims{"x": strings.Repeat("x", 4<<10)}), "size", "bytes; at most 4096"},
		"two mistakes":          {a.proof(jwkstest.Claims{"htm": "get", "ath": "x"}), "htm ath", `"get"; "GET"`},
		"htu":                   {a.proof(jwkstest.Claims{"htu": host}), "htu", "Set htu to the address that the client calls"},
		"iat":                   {a.proof(jwkstest.Claims{"iat": 1}), "iat", "1; within 30s of 20"},
		"no jti":                {a.proof(jwkstest.Claims{"jti": nil}), "jti", "none; a string"},
		"typ":                   {a.proof(jwkstest.Header{"typ": "JWT"}), "typ", `"JWT"; "dpop+jwt"`},
		"alg":                   {a.proof(jwkstest.Header{"alg": "none"}), "alg jwk", "one of ES256 EdDSA Ed25519 PS256 RS256"},
		"crit":                  {a.proof(jwkstest.Header{"crit": []string{"x"}}), "critical", "crit or b64"},
		"a private key":         {a.proof(jwkstest.Header{"jwk": jwkstest.JWK{"kty": "EC", "d": "AA"}}), "jwk", `holds the private member "d"`},
		"another key":           {a.iss.NewProver("ES256").Proof("GET", address, a.token), "jkt", "Make the proof with the key that the token was issued for"},
		"a signature of others": {a.iss.NewProver("ES256").Proof("GET", address, a.token, jwkstest.Header{"jwk": jwkOf(a)}), "signature", "the signature does not verify"},
		"a header of garbage":   {"AA.e30.AA", "header htm htu iat jti ath", "malformed"},
		"a payload of garbage":  {a.proof(jwkstest.WithRawPayload("[]")), "payload", "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, text := a.explain(t, row.proof)
			assert.Equal(t, row.failed, strings.Join(failed, " "), text)
			assert.Contains(t, text, row.text)
			assert.Contains(t, text, "replay false true")
			if row.proof != "" {
				assert.NotContains(t, text, row.proof[strings.LastIndexByte(row.proof, '.')+1:]+"x", "the signature is not shown")
			}
		})
	}
	nonces := newAPI(t, dpop.Config{Nonces: shared(1)}, "ES256")
	failed, text := nonces.explain(t, nonces.proof())
	assert.Equal(t, []string{"nonce"}, failed)
	assert.Contains(t, text, string(reason.UseDPoPNonce)+" Take the nonce")
}

// The report and the check are one list: they cannot disagree.
func TestExplainAgreesWithCheck(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{Nonces: shared(1)}, "EdDSA")
	nonce := a.ask(t)
	judge := func(name string, proofs ...string) {
		if len(proofs) > 1 {
			return
		}
		report := a.binding.Explain(t.Context(), dpop.Request{Proof: strings.Join(proofs, ""), Method: "GET", URL: address, Token: a.token, Thumbprint: a.prover.Thumbprint()})
		e := a.refused(t, a.request(proofs...))
		require.Equal(t, e == nil, report.OK, name)
		if e != nil {
			assert.Equal(t, e.Reason, report.Reason, name)
		}
		for _, c := range report.Checks {
			assert.NotContains(t, c.Found+c.Expected, "\n", name)
		}
	}
	judge("good", a.proof(nonce))
	for name, f := range a.prover.ForgedProofs("GET", address, a.token, nonce) {
		judge(name, f.Proofs...)
	}
}

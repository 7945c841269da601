package attack_test

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
)

// signed reports whether the issuer's own key signed what was sent, whatever the header says.
func (a *api) signed(c *call) bool {
	if len(c.parts) != 3 {
		return false
	}
	return slices.ContainsFunc(must(jwks.ParseJWKS(a.set)), func(k *jwks.Key) bool { return verifies(k, a.alg, c) })
}

func verifies(k *jwks.Key, alg string, c *call) bool {
	dot := strings.LastIndexByte(c.token, '.')
	return k.Verify(alg, []byte(c.token[:dot]), []byte(text(c.parts[2]))) == nil
}

// keyed lets an HMAC pass that is made with such a secret.
func keyed(secrets func(a *api, c *call) []string) func(*api, *call) bool {
	return func(a *api, c *call) bool {
		if c.refused != reason.UnsupportedAlg || c.header["alg"] != "HS256" || len(c.parts) != 3 {
			return false
		}
		return slices.ContainsFunc(secrets(a, c), func(secret string) bool {
			m := hmac.New(sha256.New, []byte(secret))
			_, _ = io.WriteString(m, c.parts[0]+"."+c.parts[1])
			return hmac.Equal(m.Sum(nil), []byte(text(c.parts[2])))
		})
	}
}

func secret(s string) func(*api, *call) []string {
	return func(*api, *call) []string { return []string{s} }
}

// published returns the members of the keys.
func (a *api) published() []map[string]any {
	var set struct{ Keys []map[string]any }
	_ = json.Unmarshal(a.set, &set)
	return set.Keys
}

// publicPEM returns the issuer's RSA key as PKIX PEM.
func publicPEM(a *api, _ *call) (out []string) {
	for _, k := range a.published() {
		if k["kty"] == "RSA" {
			n, e := new(big.Int).SetBytes([]byte(text(k["n"].(string)))), new(big.Int).SetBytes([]byte(text(k["e"].(string))))
			der := must(x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: int(e.Int64())}))
			out = append(out, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
		}
	}
	return out
}

func brought(c *call) any {
	if set, ok := c.header["jwks"].(map[string]any); ok {
		return set["keys"].([]any)[0]
	}
	return c.header["jwk"]
}

// follows fetches what the header points at, and reports whether a key there verifies the token.
func follows(member string, parse func(body []byte) []*jwks.Key) func(*api, *call) bool {
	return func(a *api, c *call) bool {
		at, ok := c.header[member].(string)
		if !ok || c.header["jwk"] != nil || !strings.HasPrefix(at, a.issuer+"/") {
			return false
		}
		resp, err := http.Get(at)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body := must(io.ReadAll(resp.Body))
		return slices.ContainsFunc(parse(body), func(k *jwks.Key) bool { return verifies(k, a.alg, c) })
	}
}

func parseSet(body []byte) []*jwks.Key { return must(jwks.ParseJWKS(body)) }

func parseCertificates(body []byte) (out []*jwks.Key) {
	for block, rest := pem.Decode(body); block != nil; block, rest = pem.Decode(rest) {
		out = append(out, must(jwks.NewKey("", "", must(x509.ParseCertificate(block.Bytes)).PublicKey)))
	}
	return out
}

var weakInKeys = []weakness{
	{name: "the signature is not checked", opens: func(_ *api, c *call) bool { return c.refused == reason.BadSignature }, want: `^(signature|Ed25519 signature|ECDSA signature|key|header|kid): ?`, least: 20, level: hole},
	{name: "keys are not looked up", opens: func(_ *api, c *call) bool {
		return c.refused == reason.UnknownKey && c.header["jku"] == nil && c.header["jwk"] == nil && c.header["x5u"] == nil && c.header["x5c"] == nil && c.header["jwks"] == nil
	}, want: `^(key: another one under its own kid|kid: |names: a Kelvin)`, least: 10, level: hole},
	{name: "a key for encryption signs", alg: "ES256", opens: func(_ *api, c *call) bool { return c.refused == reason.UnusableKey }, want: `^key: one that the issuer publishes for encryption$`, least: 1, level: leniency},
	{name: "none needs no signature", opens: func(_ *api, c *call) bool {
		return c.header["alg"] == "none" && len(c.parts) == 3 && c.parts[2] == "" && c.claims["iss"] != nil
	}, want: `^alg none: `, least: 1, level: hole},
	{name: "none in any letters needs no signature", opens: func(_ *api, c *call) bool {
		s, _ := c.header["alg"].(string)
		return strings.EqualFold(s, "none") && len(c.parts) == 3 && c.parts[2] == ""
	}, want: `^alg none: `, least: 5, level: hole},
	{name: "none may be signed by anything", opens: func(_ *api, c *call) bool {
		return c.header["alg"] == "none" && len(c.parts) == 3 && c.parts[2] != "" && c.refused == reason.UnsupportedAlg && c.header["ALG"] == nil
	}, want: `^alg none: `, least: 2, level: hole},
	{name: "the public key's PEM is an HMAC secret", alg: "RS256", opens: keyed(publicPEM), want: `^HS256: keyed with the public key as PKIX PEM$`, least: 1, level: hole},
	{name: "the JWK Set is an HMAC secret", opens: keyed(func(a *api, _ *call) []string { return []string{string(a.set)} }), want: `^HS256: keyed with the whole JWK Set$`, least: 1, level: hole},
	{name: "the HMAC secret is empty", opens: keyed(secret("")), want: `^HS256: (keyed with (nothing|zeros)|of a null device)`, least: 2, level: hole},
	{name: "the HMAC secret is secret", opens: keyed(secret("secret")), want: `^HS256: (keyed with the word secret|of what the kid makes)`, least: 2, level: hole},
	{name: "the HMAC secret is the kid", opens: keyed(func(_ *api, c *call) []string { s, _ := c.header["kid"].(string); return []string{s} }), want: `^HS256: keyed with the kid$`, least: 1, level: hole},
	{name: "the HMAC secret is the audience", opens: keyed(secret(audience)), want: `^HS256: keyed with the audience$`, least: 1, level: hole},
	{name: "symmetric keys of the set are used", opens: keyed(func(a *api, _ *call) (out []string) {
		for _, k := range a.published() {
			if s, ok := k["k"].(string); ok {
				out = append(out, text(s))
			}
		}
		return out
	}), want: `^HS256: keyed with a symmetric key out of the JWK Set$`, least: 1, level: hole},
	{name: "a key in the header is trusted", opens: func(a *api, c *call) bool {
		jwk := brought(c)
		return jwk != nil && verifies(must(jwks.ParseJWKS(must(json.Marshal(jwk))))[0], a.alg, c)
	}, want: `^header: jwk`, least: 3, level: hole},
	{name: "a certificate in the header is trusted", opens: func(a *api, c *call) bool {
		chain, ok := c.header["x5c"].([]any)
		if !ok {
			return false
		}
		cert := must(x509.ParseCertificate(must(base64.StdEncoding.DecodeString(chain[0].(string)))))
		return verifies(must(jwks.NewKey("", "", cert.PublicKey)), a.alg, c)
	}, want: `^header: (x5c|jwk, jku, x5u and x5c)`, least: 3, level: hole},
	{name: "jku is followed", opens: follows("jku", parseSet), want: `^header: jku`, least: 2, level: hole},
	{name: "x5u is followed", opens: follows("x5u", parseCertificates), want: `^header: x5u`, least: 2, level: hole},
	{name: "jku is asked, and not believed", opens: func(a *api, c *call) bool { follows("jku", parseSet)(a, c); return false }, want: `^header: jku`, least: 2, level: hole},
	{name: "ECDSA signatures may be DER", alg: "ES256", opens: func(a *api, c *call) bool {
		var rs struct{ R, S *big.Int }
		if c.refused != reason.BadSignature {
			return false
		}
		if rest, err := asn1.Unmarshal([]byte(text(c.parts[2])), &rs); err != nil || len(rest) > 0 {
			return false
		}
		c.parts[2] = base64.RawURLEncoding.EncodeToString(append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...))
		return a.signed(c)
	}, want: `^ECDSA signature: as DER`, least: 1, level: leniency},
	{name: "ECDSA with r or s of zero is fine", alg: "ES256", opens: func(_ *api, c *call) bool {
		sig := text(c.parts0(2))
		return c.refused == reason.BadSignature && c.header["alg"] == "ES256" && len(sig) == 64 && (strings.Trim(sig[:32], "\x00") == "" || strings.Trim(sig[32:], "\x00") == "")
	}, want: `^(ECDSA signature: .*zero|signature: all zeros)`, least: 4, level: hole},
	{name: "a zero behind a signature is cut", opens: func(a *api, c *call) bool {
		sig, ok := strings.CutSuffix(text(c.parts0(2)), "\x00")
		return ok && c.refused == reason.BadSignature && a.verify(c.parts[0]+"."+c.parts[1]+"."+base64.RawURLEncoding.EncodeToString([]byte(sig))) == ""
	}, want: `^signature: a zero behind it$`, least: 1, level: leniency},
}

// parts0 returns part i, "" where there is none.
func (c *call) parts0(i int) string {
	if i >= len(c.parts) {
		return ""
	}
	return c.parts[i]
}

package adapters_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func contentLength(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) }

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// joseRows are the shape of a token, its header and its signature.
func (f *fixture) joseRows(t *testing.T) []row {
	t.Helper()
	token := f.good()
	part := strings.Split(token, ".")
	kid := f.issuer.Key().ID()
	claims := fmt.Sprintf(`"iss":%q,"aud":%q,"sub":"x","exp":9999999999,"scope":"orders.read"`, f.issuer.Issuer(), audience)
	header := func(text string) string { return f.good(jwkstest.WithRawHeader(text)) }
	payload := func(text string) string { return f.issuer.Token(jwkstest.WithRawPayload(text)) }
	rows := []row{
		row{name: "16 padding", token: token + "="}.invalidToken(reason.Malformed),
		row{name: "16 padding of the payload", token: part[0] + "." + part[1] + "==." + part[2]}.invalidToken(reason.Malformed),
		row{name: "16 plus", token: part[0] + "." + part[1] + ".+" + part[2][1:]}.invalidToken(reason.Malformed),
		row{name: "16 slash", token: part[0] + "." + part[1] + "./" + part[2][1:]}.invalidToken(reason.Malformed),
		row{name: "16 spare bits", token: token[:len(token)-1] + nextLetter(token[len(token)-1])}.invalidToken(reason.Malformed),
		row{name: "17 one part", token: part[0]}.invalidToken(reason.Malformed),
		row{name: "17 two parts", token: part[0] + "." + part[1]}.invalidToken(reason.Malformed),
		row{name: "17 four parts", token: token + ".x"}.invalidToken(reason.Malformed),
		row{name: "17 only dots", token: ".."}.invalidToken(reason.Malformed),
		row{name: "17 JSON serialisation", token: `{"payload":"` + part[1] + `"}`}.invalidToken(reason.Malformed),
		row{name: "17 a letter outside ASCII", token: part[0] + ".é." + part[2]}.invalidToken(reason.Malformed),
		row{name: "18 a header that is an array", token: header(`["alg"]`)}.invalidToken(reason.Malformed),
		row{name: "18 a header that is null", token: header(`null`)}.invalidToken(reason.Malformed),
		row{name: "18 a header that is a string", token: header(`"alg"`)}.invalidToken(reason.Malformed),
		row{name: "18 more behind the header", token: header(`{"alg":"RS256"}{}`)}.invalidToken(reason.Malformed),
		row{name: "19 a member twice", token: header(`{"alg":"RS256","alg":"RS256","kid":"` + kid + `"}`)}.invalidToken(reason.Malformed),
		row{name: "19 a member twice, once escaped", token: header(`{"alg":"RS256","\u0061lg":"none","kid":"` + kid + `"}`)}.invalidToken(reason.Malformed),
		row{name: "19 ALG is not alg", token: header(`{"ALG":"RS256","kid":"` + kid + `"}`)}.invalidToken(reason.UnsupportedAlg),
		row{name: "19 a claim twice", token: payload(`{` + claims + `,"scope":"x"}`)}.invalidToken(reason.Malformed),
		row{name: "19 SCOPE is not scope", token: payload(`{` + strings.Replace(claims, `"scope"`, `"SCOPE"`, 1) + `}`)}.forbidden(reason.InsufficientScope, "orders.read"),
		row{name: "20 no alg", token: header(`{"kid":"` + kid + `"}`)}.invalidToken(reason.UnsupportedAlg),
		row{name: "20 alg in small letters", token: header(`{"alg":"rs256","kid":"` + kid + `"}`)}.invalidToken(reason.UnsupportedAlg),
		row{name: "20 alg is a number", token: header(`{"alg":256,"kid":"` + kid + `"}`)}.invalidToken(reason.Malformed),
		row{name: "22 b64 false", token: f.good(jwkstest.Header{"b64": false})}.invalidToken(reason.CriticalHeader),
		row{name: "22 b64 true", token: f.good(jwkstest.Header{"b64": true})}.invalidToken(reason.CriticalHeader),
		row{name: "31 five parts", token: token + ".x.y"}.invalidToken(reason.Malformed),
		row{name: "31 a JWE", token: b64(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + "." + part[1] + "." + part[1] + "." + part[1] + "." + part[1]}.invalidToken(reason.Malformed),
		row{name: "32 a byte order mark", token: payload("\xef\xbb\xbf{" + claims + "}")}.invalidToken(reason.Malformed),
		row{name: "32 UTF-16", token: payload(utf16("{" + claims + "}"))}.invalidToken(reason.Malformed),
		row{name: "32 invalid UTF-8", token: payload("{" + claims + ",\"x\":\"\xff\"}")}.invalidToken(reason.Malformed),
		row{name: "32 a lone surrogate", token: payload("{" + claims + `,"x":"\ud800"}`)}.invalidToken(reason.Malformed),
		row{name: "37 cty JWT", token: f.good(jwkstest.Header{"cty": "JWT"})}.invalidToken(reason.UnsupportedType),
		row{name: "a token that is too large", token: f.good(jwkstest.Claims{"x": strings.Repeat("x", 8<<10)})}.invalidToken(reason.TooLarge),
	}
	for i, crit := range []any{[]string{"exp"}, []string{}, []string{"b64"}, "exp", json.RawMessage("null"), []int{1}, []string{"alg"}} {
		rows = append(rows, row{name: fmt.Sprint("21 crit ", i), token: f.good(jwkstest.Header{"crit": crit})}.invalidToken(reason.CriticalHeader))
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", ""} {
		unsigned := b64(`{"alg":"`+none+`"}`) + "." + part[1] + "."
		rows = append(rows,
			row{name: "23 alg " + none + " without a signature", token: unsigned}.invalidToken(reason.Malformed),
			row{name: "23 alg " + none + " with a signature", token: unsigned + part[2]}.invalidToken(reason.UnsupportedAlg))
	}
	return append(rows, f.keyRows(t)...)
}

// keyRows are which key verifies what.
func (f *fixture) keyRows(t *testing.T) []row {
	t.Helper()
	iss := f.issuer
	published := func(k *jwkstest.Key) *jwkstest.Key { iss.Publish(k); return k }
	public, err := x509.MarshalPKIXPublicKey(iss.Key().Public())
	require.NoError(t, err)
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	attacker := iss.NewKey("RS256", jwkstest.JWK{"kid": iss.Key().ID()})
	stranger := iss.NewKey("RS256")
	onP256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p256 := published(iss.KeyFrom("ES256", onP256))
	ec := f.good(jwkstest.WithKey(p256))
	at := strings.LastIndexByte(ec, '.')
	signature, err := base64.RawURLEncoding.DecodeString(ec[at+1:])
	require.NoError(t, err)
	return []row{
		row{name: "24 HMAC with the public key as its secret", token: hmacOf(f.good(), iss.Key().ID(), asPEM)}.invalidToken(reason.UnsupportedAlg),
		row{name: "24 an RSA key of 1024 bits", token: f.good(jwkstest.WithKey(published(iss.KeyFrom("RS256", small))))}.invalidToken(reason.UnknownKey),
		row{name: "25 ES256", token: ec}.accepted(hello),
		row{name: "25 a DER signature", token: ec[:at+1] + derOf(t, onP256, ec[:at])}.invalidToken(reason.BadSignature),
		row{name: "25 a signature too short", token: ec[:at+1] + b64(string(signature[:63]))}.invalidToken(reason.BadSignature),
		row{name: "25 a signature with zeros in front", token: ec[:at+1] + b64(strings.Repeat("\x00", 3)) + ec[at+1:]}.invalidToken(reason.BadSignature),
		row{name: "25 no signature", token: ec[:at+1]}.invalidToken(reason.Malformed),
		row{name: "25 a P-256 key with ES384", token: f.good(jwkstest.WithKey(p256), jwkstest.WithRawHeader(`{"alg":"ES384","kid":"`+p256.ID()+`"}`))}.invalidToken(reason.UnsupportedAlg),
		row{name: "26 a key for encryption", token: f.good(jwkstest.WithKey(published(iss.NewKey("RS256", jwkstest.JWK{"use": "enc"}))))}.invalidToken(reason.UnknownKey),
		row{name: "26 a key that only encrypts", token: f.good(jwkstest.WithKey(published(iss.NewKey("RS256", jwkstest.JWK{"use": nil, "key_ops": []string{"encrypt"}}))))}.invalidToken(reason.UnknownKey),
		row{name: "26 a key of another alg", token: f.good(jwkstest.WithKey(published(iss.NewKey("RS256", jwkstest.JWK{"alg": "PS256"}))))}.invalidToken(reason.UnsupportedAlg),
		row{name: "27 a key type that nobody knows breaks no set", token: f.good(jwkstest.WithKey(published(iss.NewKey("RS256", jwkstest.JWK{"kty": "XYZ"}))))}.invalidToken(reason.UnknownKey),
		row{name: "28 PS256 with a key for RS256", token: f.good(jwkstest.WithKey(iss.Key()), jwkstest.WithAlgorithm("PS256"))}.invalidToken(reason.UnsupportedAlg),
		row{name: "28 an algorithm that is not allowed", token: f.good(jwkstest.WithKey(iss.Key()), jwkstest.WithAlgorithm("RS512"))}.invalidToken(reason.UnsupportedAlg),
		row{name: "29 jwk", token: f.good(jwkstest.WithKey(stranger), jwkstest.Header{"jwk": stranger.JWK()})}.invalidToken(reason.UnknownKey),
		row{name: "29 jwk beside a known kid", token: f.good(jwkstest.WithKey(attacker), jwkstest.Header{"jwk": attacker.JWK()})}.invalidToken(reason.BadSignature),
		row{name: "29 jku", token: f.good(jwkstest.WithKey(attacker), jwkstest.Header{"jku": f.other.URL() + "/keys-of-the-attacker"})}.invalidToken(reason.BadSignature),
		row{name: "29 x5u", token: f.good(jwkstest.WithKey(attacker), jwkstest.Header{"x5u": f.other.URL() + "/certificate"})}.invalidToken(reason.BadSignature),
		row{name: "29 x5c", token: f.good(jwkstest.WithKey(attacker), jwkstest.Header{"x5c": []string{"MIIB"}})}.invalidToken(reason.BadSignature),
		row{name: "30 a kid that is a path", token: f.good(jwkstest.Header{"kid": "../../../dev/null"})}.invalidToken(reason.UnknownKey),
		row{name: "30 a kid that is SQL", token: f.good(jwkstest.Header{"kid": "x' OR '1'='1"})}.invalidToken(reason.UnknownKey),
		row{name: "42 PS256", token: f.good(jwkstest.WithAlgorithm("PS256"))}.accepted(hello),
		row{name: "42 EdDSA", token: f.good(jwkstest.WithAlgorithm("EdDSA"))}.accepted(hello),
		row{name: "47 the key of one issuer, the name of another", token: f.other.Token(scope("orders.read"), jwkstest.Claims{"iss": iss.Issuer()}, jwkstest.Header{"kid": "of-the-other"})}.invalidToken(reason.UnknownKey),
		row{name: "47 and the kid of the right one", token: f.other.Token(scope("orders.read"), jwkstest.Claims{"iss": iss.Issuer()})}.invalidToken(reason.BadSignature),
		row{name: "47 each issuer's own token is good", token: f.other.Token(scope("orders.read"))}.accepted(hello),
	}
}

// hmacOf is a token that is signed with the public key as the secret.
func hmacOf(token, kid string, secret []byte) string {
	input := b64(`{"typ":"at+jwt","alg":"HS256","kid":"`+kid+`"}`) + "." + strings.Split(token, ".")[1]
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + b64(string(mac.Sum(nil)))
}

// derOf signs as most libraries do unless they are told of JOSE.
func derOf(t *testing.T, key *ecdsa.PrivateKey, input string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(input))
	der, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	require.NoError(t, err)
	return b64(string(der))
}

func nextLetter(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)|1])
}

func utf16(text string) string {
	var b strings.Builder
	for _, c := range text {
		b.WriteByte(byte(c >> 8))
		b.WriteByte(byte(c))
	}
	return b.String()
}

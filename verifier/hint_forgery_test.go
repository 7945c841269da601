package verifier_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// told is what the hint on a forgery must say, by the forgery's name. The first
// row that fits counts, and $1 is what its brackets found in the name.
var told = []struct{ name, hint string }{
	{`^key: another issuer's`, `\(iss\)`},
	{`^key: `, `(?i)key|sign`},
	{`^kid: (a number|an array|an object)$`, `header has a member kid that is no string`},
	{`^kid: `, `(?i)key|sign`},
	{`^header: (jwk|jku|x5u|x5c)`, `header brings along \($1`},
	{`^alg none: .*no signature|^alg none: without|^parts: an empty signature`, `signature is empty: the token is unsigned`},
	{`^alg none: the last part left out|^parts: no signature`, `this has 2: was it cut`},
	{`^alg none: "", |^alg: missing|^names: ALG instead`, `no alg`},
	{`^alg none: |^names: ALG beside`, `\balg is ".*(unsigned|no signature that is implemented)|unsigned: no setting accepts it`},
	{`^alg: (a number|an array|an object|a boolean|null)$`, `header has a member alg that is no string`},
	{`^alg: (in other letters|a space behind|a NUL behind)$`, `alg is ".*byte for byte`},
	{`^alg: called (ES256K|RS1|RSA-OAEP|dir),`, `alg is "$1", which is no signature`},
	{`^alg: called (\w+),`, `"$1"|EdDSA`},
	{`^(alg|HS256|HS384|HS512|ECDSA|RSA|PS256)\b.*: `, `\balg\b|Algorithms|(?i)sign`},
	{`^(RSA |ECDSA |Ed25519 |)signature: `, `signature has \d+ bytes, and one of|changed after it was signed`},
	{`^b64: false, payload as text`, `this has 4`},
	{`^b64: false, payload left out|^parts: an empty payload`, `payload is empty: a detached`},
	{`^crit: of b64|^b64: false, (payload encoded|signed over)`, `crit and b64`},
	{`^(crit|b64): `, `header has $1`},
	{`^typ: ""$`, `typ is empty`},
	{`^typ: (a number|an array)$`, `header has a member typ that is no string`},
	{`^typ: "(.*)"$|^names: Typ beside`, `to the issuer's Types .* that typ`},
	{`^cty: .* over (a|an unsigned) token`, `payload is no JSON object but another token`},
	{`^cty: `, `\(cty\)`},
	{`^kind: ID token, for the client alone|^aud: the client`, `aud is the client itself`},
	{`^kind: .* by its (\w+)`, `by its claim $1 `},
	{`^kind: ID token, as Cognito`, `by its claim token_use "id"`},
	{`^kind: `, `by its claim typ "`},
	{`^parts: .*JSON|^parts: the (?:payload alone|decoded text)`, `This is JSON, or one part of a token alone`},
	{`^parts: two tokens joined by a (comma|tilde)|disclosure behind`, `more than one token|base64url has not`},
	{`^parts: a scheme before`, `without the word Bearer`},
	{`^parts: in quotes`, `without quotation marks`},
	{`^parts: an empty header`, `header is empty`},
	{`^parts: .*space`, `white space`},
	{`^parts: an urn before`, `header holds a character`},
	{`^parts: `, `this has \d+: was it cut|opaque token|There is no token`},
	{`^base64url: (header|payload|signature).*padd|^base64url: (?:.*)padding`, `padded with =`},
	{`^base64url: (header|payload|signature)`, `The $1 (is|holds) `},
	{`^encrypted: `, `encrypted \(JWE\)`},
	{`^(header|payload): .*byte order mark`, `The $1 (begins with a byte order mark|is no UTF-8)`},
	{`^(header|payload): (?:in UTF-16|an invalid byte|an overlong|an encoded surrogate)`, `The $1 is (no UTF-8|not the strict JSON)`},
	{`^(header|payload): (\w+) twice`, `The $1 has the member "$2" twice`},
	{`^(header|payload): a member within`, `The $1 has the member ".+/.+" twice`},
	{`^(header|payload): (?:in an array|in a string|null|a number|true)$`, `The $1 is no JSON object`},
	{`^(header|payload): `, `The $1 `},
	{`^names: AUD instead|^aud: missing`, `has no aud: have the issuer write`},
	{`^names: EXP instead`, `needed: exp\.`},
	{`^names: .*\b(?:aud|Aud)\b`, `\baud\b`},
	{`^names: .*(?:exp|Exp)`, `by its exp`},
	{`^names: .*(?:iss|ISS)`, `\(iss\)`},
	{`^names: .*kid`, `(?i)key`},
	{`^names: `, `.`},
	{`^(exp|iss): missing`, `needed: $1\.`},
	{`^iss: null`, `The token's iss is null`},
	{`^aud: null`, `The token's aud is null`},
	{`^aud: empty`, `The token's aud is an empty string`},
	{`^aud: an empty array`, `The token's aud is an empty array`},
	{`^(exp): (?:ten minutes|zero)`, `Expired .* by its exp`},
	{`^nbf: in ten minutes`, `from its nbf on`},
	{`^iat: (?:in ten|after exp)`, `By its iat`},
	{`^(exp|nbf|iat): in milliseconds`, `$1 is in milliseconds`},
	{`^(exp|nbf|iat): (?:negative|minus)`, `claim "$1" is malformed: it is negative`},
	{`^(exp|nbf|iat): .*(?:beyond|greatest)`, `claim "$1" is malformed: it is a number that is out of range`},
	{`^(exp|nbf|iat): (?:a date as text|a string)`, `claim "$1" is malformed: it is a string; want`},
	{`^(exp|nbf|iat|iss|sub|jti): (a number|a boolean|an array|an object|null)`, `claim "$1" is malformed: it is $2`},
	{`^iss: (?:a space|a newline|a NUL)`, `Only white space or a character that cannot be seen differs in iss`},
	{`^iss: (?:a slash|its beginning)`, `Only the trailing slash differs: set the issuer`},
	{`^iss: (?:in other case|scheme in capitals)`, `Only upper and lower case differ: set the issuer`},
	{`^iss: of the other scheme`, `Only the scheme differs \("http", and "https" is configured\)`},
	{`^iss: a port`, `Only the port differs \(:443, and none is configured\)`},
	{`^iss: (?:two slashes|%7E|a dot path|a tenant)`, `The host is the same, but the path differs`},
	{`^iss: `, `issuer`},
	{`^aud: an object|^aud: .*(?:number|boolean|array in an array)`, `claim "aud" is malformed: it is `},
	{`^aud: (?:a space|a NUL)`, `Only white space or a character that cannot be seen differs in aud`},
	{`^aud: (?:a slash|an array of others)`, `Only the trailing slash differs: set the audience`},
	{`^aud: in other case`, `Only upper and lower case differ: set the audience`},
	{`^aud: (?:among|an array in a string)`, `aud is one string that lists several`},
	{`^aud: the issuer`, `aud is the issuer itself: the token is for its own API`},
	{`^aud: `, `\baud\b|audience`},
	{`^cnf: `, `\(cnf\)`},
	{`^size: `, `MaxTokenBytes`},
}

// onlyOf is which forgeries a word may be said of, for it is not so of others.
var onlyOf = map[string]string{
	"encrypted":     `^encrypted: |^parts: `,
	"padded with =": `padd`,
	" twice":        `twice|within`,
	"unsigned":      `^alg none: |^names: ALG beside|^parts: an empty signature`,
	"milliseconds":  `in milliseconds`,
	"nested":        `^cty: `,
	"opaque":        `^parts: `,
	"Bearer":        `^parts: a scheme`,
	"Okta":          `^aud: the issuer`,
	"trailing":      `slash|its beginning|array of others`,
	"crit":          `^crit: |^b64: `,
	"brings along":  `^header: `,
	"(DER)":         `signature: `,
	"Add \"":        `^typ: |^alg: |^names: Typ|^EC|^RSA|^PS`,
	"cnf":           `^cnf: `,
	"MaxTokenBytes": `^size: `,
	"%!":            `^$`,
}

// TestAHintNamesWhatWasChanged walks every forgery of the test kit: each changes
// one thing, and is refused for that, by Verify and Explain. Its hint names that,
// and says nothing that is not so.
func TestAHintNamesWhatWasChanged(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "ES384", "EdDSA", "RS256", "PS256"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, jwkstest.WithAlgorithm(alg))
			algorithms("RS256", "PS256", "ES256", "ES384", "EdDSA")(w)
			for range w.Forgeries() { // publishes what it needs
				break
			}
			w.keys.fetch()
			v, n := w.verifier(t), 0
			for name, forgery := range w.Forgeries() {
				n++
				expect(t, v, forgery.Token, forgery.Reason, name)
				report := v.Explain(t.Context(), forgery.Token)
				assert.False(t, report.OK, name)
				assert.Equal(t, forgery.Reason, report.Reason, name)
				assert.Len(t, report.Checks, len(checkNames), name)
				assertNames(t, name, report.Hint)
			}
			assert.Greater(t, n, 400)
			expect(t, v, w.Token(), "", "the token that they are forged from is good")
		})
	}
}

var patterns sync.Map // by their text

// compiled returns the pattern of a text, which is compiled once: the forgeries of five algorithms ask for the same ones.
func compiled(text string) *regexp.Regexp {
	if p, found := patterns.Load(text); found {
		return p.(*regexp.Regexp)
	}
	p := regexp.MustCompile(text)
	patterns.Store(text, p)
	return p
}

func assertNames(t *testing.T, name, hint string) {
	t.Helper()
	assert.True(t, strings.HasSuffix(hint, ".") || strings.HasSuffix(hint, "?"), "%s: a hint is a sentence: %q", name, hint)
	assert.LessOrEqual(t, len(hint), 600, name)
	for word, of := range onlyOf {
		if strings.Contains(hint, word) {
			assert.Regexp(t, compiled(of), name, "%q must not be said of it: %s", word, hint)
		}
	}
	for _, row := range told {
		found := compiled(row.name).FindStringSubmatch(name)
		if found == nil {
			continue
		}
		want := row.hint
		for i, part := range found[1:] {
			want = strings.ReplaceAll(want, "$"+string(rune('1'+i)), regexp.QuoteMeta(part))
		}
		assert.Regexp(t, compiled(want), hint, name)
		return
	}
	assert.Fail(t, "what must the hint say?", name)
}

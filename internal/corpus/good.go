package corpus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// row is a token that is made for the corpus: options change the issuer's good one.
type row struct {
	name, section, why string
	options            []jwkstest.TokenOption
	policy             string // "" is the usual one
}

// accepted makes the case of a row that must be accepted: whoever refuses it turns good callers away.
func (b *builder) accepted(group string, r row) {
	b.add(Case{
		Name: "good: " + group + ": " + r.name, Group: "good", Token: b.main.Token(r.options...), Keys: mainKeys, Policy: cmp.Or(r.policy, usual),
		Verdict: Good, Level: forgeries.Outage, Section: r.section, Why: r.why,
	})
}

// options is a list of them.
func options(list ...jwkstest.TokenOption) []jwkstest.TokenOption { return list }

func alg(name string) jwkstest.TokenOption { return jwkstest.WithAlgorithm(name) }

type (
	header = jwkstest.Header
	claim  = jwkstest.Claims
)

// goodTokens adds what a verifier must accept, however odd it looks.
func (b *builder) goodTokens() {
	for group, rows := range map[string][]row{
		"alg": goodAlgorithms(), "signature": b.goodSignatures(), "typ": goodTypes(), "header": goodHeaders(), "aud": goodAudiences(),
		"dates": goodDates(), "json": goodTexts(), "claims": goodClaims(), "names": goodNames(),
	} {
		for _, r := range rows {
			b.accepted(group, r)
		}
	}
}

func goodAlgorithms() (out []row) {
	for _, name := range allAlgorithms {
		section := map[byte]string{'R': "RFC 7518 3.3", 'P': "RFC 7518 3.5", 'E': "RFC 7518 3.4"}[name[0]]
		if name == "EdDSA" {
			section = "RFC 8037 3.1"
		}
		out = append(out, row{name, section, "the algorithm is one that the API expects", options(alg(name)), everything})
		if slices.Contains(usualAlgorithms, name) {
			out = append(out, row{name + " among four", section, "the algorithm is one that the API expects", options(alg(name)), usual})
		}
	}
	return append(out, row{"RS256 and no other", "RFC 7518 3.3", "the algorithm is the one that the API expects", nil, onlyRS256})
}

// goodSignatures are shapes of signatures that one in a few tokens has.
func (b *builder) goodSignatures() []row {
	find := func(name, algorithm string, fits func(sig []byte) bool) row {
		for n := 0; ; n++ {
			o := options(alg(algorithm), claim{"jti": fmt.Sprint("corpus-", n)})
			token := b.main.Token(o...)
			if fits(decoded(token[strings.LastIndexByte(token, '.')+1:])) {
				section := map[byte]string{'R': "RFC 8017 8.2.1", 'P': "RFC 8017 8.1.1", 'E': "RFC 7518 3.4"}[algorithm[0]]
				return row{algorithm + ", " + name, section, "one signature in some has this form, and its length is fixed", o, everything}
			}
		}
	}
	first := func(sig []byte) bool { return sig[0] == 0 }
	second := func(sig []byte) bool { return sig[len(sig)/2] == 0 }
	return []row{
		find("a zero at its beginning", "RS256", first),
		find("a zero at its beginning", "PS256", first),
		find("a zero at its end", "RS256", func(sig []byte) bool { return sig[len(sig)-1] == 0 }),
		find("r with a zero before", "ES256", first),
		find("s with a zero before", "ES256", second),
		find("r with its highest bit set", "ES256", func(sig []byte) bool { return sig[0] >= 0x80 }),
		find("s with its highest bit set", "ES256", func(sig []byte) bool { return sig[32] >= 0x80 }),
		find("a low s", "ES256", func(sig []byte) bool { return sig[32] < 0x7f }),
		find("r with a zero before", "ES384", first),
		find("s with a zero before", "ES384", second),
		find("r with two zeros before", "ES512", func(sig []byte) bool { return sig[0] == 0 && sig[1] == 0 }),
		find("s with a one before", "ES512", func(sig []byte) bool { return sig[66] == 1 }),
	}
}

func goodTypes() (out []row) {
	const section, why = "RFC 7515 4.1.9", "typ is a media type: letters have no case, and application/ may be left out"
	for _, typ := range []string{"at+jwt", "application/at+jwt", "AT+JWT", "At+Jwt", "Application/AT+JWT"} {
		out = append(out,
			row{typ, section, why, options(header{"typ": typ}), usual},
			row{typ + ", and no other is expected", section, why, options(header{"typ": typ}), strictType})
	}
	for _, typ := range []string{"JWT", "jwt", "application/jwt", "application/JWT"} {
		out = append(out, row{typ, section, why, options(header{"typ": typ}), usual})
	}
	return append(out, row{"none", section, "typ may be absent, where that is expected", options(header{"typ": nil}), usual})
}

func goodAudiences() (out []row) {
	const section, why = "RFC 7519 4.1.3", "aud is one string or an array of them, and one must be the API's"
	many := strings.Split(strings.Repeat("api://other ", 60), " ")
	for name, aud := range map[string]any{
		"a string": audience, "an array of one": []string{audience}, "first of two": []string{audience, "api://other"},
		"last of two": []string{"api://other", audience}, "in the middle": []string{"api://other", audience, "https://other.example/"},
		"twice": []string{audience, audience}, "last of many": append(many[:60:60], audience),
		"beside others that nearly are it": []string{"API://ORDERS", "api://orders/", "api://order", audience},
		"beside an empty one":              []string{"", audience}, "beside one in another script": []string{"заказы", audience},
	} {
		out = append(out, row{name, section, why, options(claim{"aud": aud}), usual})
	}
	return out
}

// types adds what no forgery shows, because an issuer's usual tokens have it.
func (b *builder) types() {
	for name, typ := range map[string]any{"JWT": "JWT", "none": nil, "application/jwt": "application/jwt"} {
		b.add(Case{
			Name: "typ: " + name + ", where only at+jwt is expected", Group: "typ", Token: b.main.Token(header{"typ": typ}), Keys: mainKeys,
			Policy: strictType, Verdict: Bad, Reason: reason.UnsupportedType, Level: forgeries.Confusion, Section: "RFC 9068 4",
			Why: "another kind of token that the same issuer signs opens the API",
		})
	}
	for _, name := range []string{"PS256", "ES256", "EdDSA", "RS512"} {
		b.add(Case{
			Name: "alg: " + name + ", where only RS256 is expected", Group: "alg", Token: b.main.Token(alg(name)), Keys: mainKeys,
			Policy: onlyRS256, Verdict: Bad, Reason: reason.UnsupportedAlg, Level: forgeries.Leniency, Section: "RFC 8725 3.1",
			Why: "an algorithm is used that the API did not ask for",
		})
	}
}

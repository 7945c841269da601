package corpus

import (
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// forgedTokens adds the forgeries of a token: all of one by RS256, and for other algorithms those that are others there.
func (b *builder) forgedTokens() {
	m := b.main
	m.Forgeries() // publishes what forgeries need
	b.file("keys/"+mainKeys, keySet(m.published()...))
	var seen []string
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		for _, clock := range []int64{past, future} {
			m.clock = clock
			for name, f := range m.Forgeries(jwkstest.WithAlgorithm(alg)) {
				seen = append(seen, name)
				if clock == clockOf(name) && leftOpen(name) == "" {
					b.forged(name, alg, f)
				}
			}
		}
	}
	m.clock = past
	for _, row := range open {
		if !slices.ContainsFunc(seen, func(name string) bool { return strings.HasPrefix(name, row.begins) }) {
			b.fail("%q is left open, and there is no such forgery", row.begins)
		}
	}
}

func (b *builder) forged(name, alg string, f jwkstest.Forgery) {
	note, ok := forgeries.OfToken(name)
	if !ok {
		b.fail("nothing is noted of the forgery %q", name)
	}
	c := Case{
		Name: dated.Replace(name), Group: note.Group, Token: f.Token, Keys: mainKeys, Policy: usual, Verdict: Bad,
		Reason: f.Reason, Level: note.Level, Section: note.Section, Why: note.What,
	}
	if strings.HasPrefix(name, "names: Typ") {
		c.Group = "typ" // whoever leaves typ to its caller leaves this too
	}
	if alg != "RS256" {
		if !byAlgorithm(name) {
			return
		}
		c.Name, c.Variant = c.Name+" ("+alg+")", alg
		if own := ownOf[alg]; own != "" && strings.HasPrefix(name, own) {
			c.Variant = ""
		}
	}
	b.add(c)
}

// dated says when the dates in names are here, where no clock moves.
var dated = strings.NewReplacer("ten minutes ago", "in 2023", "in ten minutes", "in 2090")

// clockOf returns the moment at which a forgery is made: dates to come are those of 2090, and dates of the wrong type
// are such that nothing but their type is wrong with them.
func clockOf(name string) int64 {
	switch {
	case strings.HasPrefix(name, "exp: ten"), strings.HasPrefix(name, "exp: negative"):
		return past
	case strings.HasPrefix(name, "exp: "), strings.Contains(name, "in ten minutes"):
		return future
	}
	return past
}

// ownOf are the forgeries that only tokens of an algorithm have.
var ownOf = map[string]string{"PS256": "RSA signature: ", "ES256": "ECDSA", "EdDSA": "Ed25519 signature: "}

// byAlgorithm reports whether a forgery is another one for another algorithm.
func byAlgorithm(name string) bool {
	for _, begins := range []string{"key: ", "alg: ", "HS", "signature: ", "RSA signature: ", "ECDSA", "Ed25519 signature: ", "header: j", "header: x5"} {
		if strings.HasPrefix(name, begins) {
			return true
		}
	}
	return false
}

// open are forgeries that a standard lets a verifier accept: an API that uses them is right to be stricter, and a
// library that is not has no fault. So they are no cases. Each row begins their names.
var open = []struct{ begins, why string }{
	{"size: ", "no standard says how long a token may be"},
	{"iat: in ten minutes", "RFC 7519 section 4.1.6 asks for no check of iat"},
	{"iat: after exp", "RFC 7519 section 4.1.6 asks for no check of iat"},
	{"exp: in milliseconds", "a date in a distant future is a date (RFC 7519 section 2)"},
	{"exp: the greatest 64-bit number", "a date in a distant future is a date (RFC 7519 section 2)"},
	{"exp: beyond 64 bits", "a date in a distant future is a date (RFC 7519 section 2)"},
	{"exp: beyond a double", "RFC 8259 section 6 leaves the range of numbers open"},
	{"iat: in milliseconds", "RFC 7519 section 4.1.6 asks for no check of iat"},
	{"iat: the greatest 64-bit number", "RFC 7519 section 4.1.6 asks for no check of iat"},
	{"iat: beyond", "RFC 7519 section 4.1.6 asks for no check of iat"},
	{"iat: negative", "a date before 1970 is a date (RFC 7519 section 2)"},
	{"iat: minus infinity", "a date before 1970 is a date (RFC 7519 section 2)"},
	{"nbf: negative", "a date before 1970 is a date (RFC 7519 section 2)"},
	{"nbf: minus infinity", "a date before 1970 is a date (RFC 7519 section 2)"},
	{"crit: of b64", "whoever implements RFC 7797 knows b64, and true changes nothing"},
	{"b64: true without crit", "true changes nothing (RFC 7797 section 3)"},
	{"b64: false without crit", "a header that is not known is ignored (RFC 7515 section 4)"},
	{"kind: ", "no standard tells these from access tokens by their claims"},
	{"header: alg twice, none first", "the last member of a name may count (RFC 7515 section 4)"},
	{"header: alg twice, both right", "the last member of a name may count (RFC 7515 section 4)"},
	{"header: alg twice, one of them escaped", "the last member of a name may count (RFC 7515 section 4)"},
	{"header: typ twice", "the last member of a name may count (RFC 7515 section 4)"},
	{"header: a member within", "names inside of members are left to their readers (RFC 8259 section 4)"},
	{"payload: a member within", "names inside of members are left to their readers (RFC 8259 section 4)"},
	{"payload: sub twice", "the last member of a name may count (RFC 7519 section 4)"},
	{"payload: scope twice", "the last member of a name may count (RFC 7519 section 4)"},
	{"payload: aud twice, one of them escaped", "the last member of a name may count (RFC 7519 section 4)"},
}

// kept are cases that rows of open would leave out.
var kept = []string{"kind: ID token, for the client alone"}

// leftOpen returns why a forgery is no case, "" if it is one.
func leftOpen(name string) string {
	if slices.Contains(kept, name) {
		return ""
	}
	for _, row := range open {
		if strings.HasPrefix(name, row.begins) {
			return row.why
		}
	}
	return textLeftOpen(name)
}

// textLeftOpen is leftOpen for what tokens and proofs have in common.
func textLeftOpen(name string) string {
	for _, row := range []struct{ ends, why string }{
		{" twice, the other one first", "the last member of a name may count (RFC 7519 section 4)"},
		{", spare bits set", "a decoder may ignore them (RFC 4648 section 3.5)"},
		{": a byte order mark before", "a reader may ignore it (RFC 8259 section 8.1)"},
		{": half a surrogate pair", "what it means is not said (RFC 8259 section 8.2)"},
	} {
		if strings.HasSuffix(name, row.ends) {
			return row.why
		}
	}
	return ""
}

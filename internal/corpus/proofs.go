package corpus

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

const proofKeys = "dpop-issuer.json"

// proofs adds tokens that are bound to a key of their client, each with a request and what came as its proof (RFC 9449).
func (b *builder) proofs() {
	m := newMaker("proofs")
	b.file("keys/"+proofKeys, keySet(m.published()...))
	m.clock = present
	for _, alg := range usualAlgorithms {
		p := &provenBy{builder: b, prover: m.NewProver(alg), alg: alg}
		p.token = m.Token(p.prover.Bound())
		for name, f := range p.prover.ForgedProofs("GET", address, p.token, claim{"jti": "proof"}) {
			if proofLeftOpen(name) == "" {
				p.forged(name, f)
			}
		}
		p.good("by "+alg, "RFC 9449 4.2", "a proof of an expected algorithm")
		if alg == "ES256" {
			p.goodProofs()
			p.holders(m)
		}
	}
}

// provenBy is a client with a token that is bound to its key.
type provenBy struct {
	*builder
	prover     *jwkstest.Prover
	alg, token string
}

// line is the case of one request.
func (p *provenBy) line(name string, proofs []string) Case {
	if proofs == nil {
		proofs = []string{}
	}
	return Case{
		Name: "proof: " + name, Group: "dpop", Token: p.token, Keys: proofKeys, Policy: withProofs, Verdict: Bad,
		Request: &Request{Method: "GET", URL: address, Proofs: proofs},
	}
}

// ownProof are the forgeries that only keys of a type have.
var ownProof = map[string]string{"RS256": "RSA key: ", "EdDSA": "Ed25519 key: "}

func (p *provenBy) forged(name string, f jwkstest.ProofForgery) {
	note, ok := forgeries.OfProof(name)
	if !ok {
		p.fail("nothing is noted of the forged proof %q", name)
	}
	c := p.line(name, f.Proofs)
	c.Reason, c.Level, c.Section, c.Why = f.Reason, note.Level, note.Section, note.What
	if p.alg != "ES256" {
		own := ownProof[p.alg]
		switch {
		case own != "" && strings.HasPrefix(name, own):
		case strings.HasPrefix(name, "signature: "), strings.HasPrefix(name, "jwk: n "), strings.HasPrefix(name, "jwk: x "):
			c.Name, c.Variant = c.Name+" ("+p.alg+")", p.alg
		default:
			return
		}
	}
	p.add(c)
}

func (p *provenBy) good(name, section, why string, more ...jwkstest.TokenOption) {
	proof := p.prover.Proof("GET", address, p.token, append(options(claim{"jti": "proof"}), more...)...)
	c := p.line("good: "+name, []string{proof})
	c.Group, c.Verdict, c.Level, c.Section, c.Why = "good", Good, forgeries.Outage, section, why
	p.add(c)
}

// goodProofs are right, however odd they look.
func (p *provenBy) goodProofs() {
	const window, young = "RFC 9449 11.1", "a clock that differs by seconds is no fault"
	const same, normal = "RFC 9449 4.3", "htu is the same address in another spelling (RFC 3986 section 6.2)"
	p.good("twenty seconds old", window, young, claim{"iat": present - 20})
	p.good("from a clock that is ahead", window, young, claim{"iat": present + 20})
	p.good("iat with a fraction", "RFC 7519 2", "a date is a JSON number", claim{"iat": present + 0.5})
	p.good("the port that goes without saying", same, normal, claim{"htu": "https://api.example:443/orders"})
	p.good("host in capitals", same, normal, claim{"htu": "https://API.example/orders"})
	p.good("scheme in capitals", same, normal, claim{"htu": "HTTPS://api.example/orders"})
	p.good("a letter of the path escaped", same, normal, claim{"htu": "https://api.example/%6frders"})
	p.good("a query in htu", same, "query and fragment of htu are ignored", claim{"htu": address + "?page=2"})
	p.good("a fragment in htu", same, "query and fragment of htu are ignored", claim{"htu": address + "#x"})
	p.good("claims that nobody knows", "RFC 7519 4", "a claim that is not known is ignored", claim{"x": 1, "aud": "api://other", "exp": 1.7e9 + 4e9})
	p.good("a header that nobody knows", "RFC 7515 4", "a header that is not known is ignored", header{"x": 1})
	p.good("a kid beside jwk", "RFC 7515 4", "the key is the one in jwk", header{"kid": "any"})
}

// holders: the proof is good, and the token is bound to something else.
func (p *provenBy) holders(m *maker) {
	for name, jkt := range map[string]any{
		"of another key": encoded(make([]byte, 32)), "empty": "", "in a list": []string{p.prover.Thumbprint()}, "a number": 1, "null": null,
		"in other case": strings.ToUpper(p.prover.Thumbprint()), "padded": p.prover.Thumbprint() + "=", "cut short": p.prover.Thumbprint()[:42],
	} {
		p.holder(m, "jkt in the token "+name, map[string]any{"jkt": jkt})
	}
	p.holder(m, "a token that is bound to a certificate", map[string]any{"x5t#S256": encoded(make([]byte, 32))})
	p.holder(m, "a token that is bound to nothing", nil)
}

func (p *provenBy) holder(m *maker, name string, cnf any) {
	token := m.Token(claim{"cnf": cnf})
	other := *p
	other.token = token
	c := other.line(name, []string{p.prover.Proof("GET", address, token, claim{"jti": "proof"})})
	c.Reason, c.Level, c.Section = reason.UnsupportedBinding, forgeries.Hole, "RFC 9449 7.1"
	c.Why = "a token passes whose holder nobody has proved to be the caller"
	p.add(c)
}

// proofLeftOpen returns why a forged proof is no case, "" if it is one.
func proofLeftOpen(name string) string {
	for _, row := range []struct{ begins, why string }{
		{"proofs: one of 100 kB", "no standard says how long a proof may be"},
		{`jti: ""`, "RFC 9449 section 4.2 asks for a unique jti, and one may be the empty string"},
		{"b64: false, without crit", "a header that is not known is ignored (RFC 7515 section 4)"},
		{"header: a member of jwk twice", "the last member of a name may count (RFC 7517 section 4)"},
	} {
		if strings.HasPrefix(name, row.begins) {
			return row.why
		}
	}
	return textLeftOpen(name)
}

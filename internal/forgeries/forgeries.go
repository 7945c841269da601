// Package forgeries says what each forgery of package jwkstest is about: its group, how bad an API is that accepts it,
// the paragraph that forbids it, and what an attacker gains.
//
// A forgery is looked up by its name. The tables hold beginnings of names, and the longest that fits counts, so that a
// row covers forgeries that differ in an algorithm or a spelling only.
package forgeries

import "strings"

// Level says how bad it is that an API accepts a forgery.
type Level string

// The levels, the worst first.
const (
	Hole      Level = "hole"      // somebody gets in who should not
	Confusion Level = "confusion" // another kind of token, audience or issuer passes
	Leniency  Level = "leniency"  // a rule of a standard is not kept, and nobody gets in
	Outage    Level = "outage"    // a good call is refused, or the API crashes, fails or is silent
)

// Levels returns all levels, the worst first.
func Levels() []Level { return []Level{Hole, Confusion, Leniency, Outage} }

// Note is what is known of a forgery.
type Note struct {
	Group   string // a word to choose forgeries by, such as "hmac"
	Level   Level
	Section string // that forbids it, as in "RFC 8725 3.1"
	What    string // an attacker can do where it is accepted
}

// URL returns the address of the note's section.
func (n Note) URL() string { return URL(n.Section) }

// OfToken returns the note of one of [jwkstest.Issuer.Forgeries].
func OfToken(name string) (Note, bool) { return tokens.find(name) }

// OfProof returns the note of one of [jwkstest.Prover.ForgedProofs].
func OfProof(name string) (Note, bool) { return proofs.find(name) }

// OfCertificate returns the note of one of [jwkstest.Issuer.CertificateForgeries].
func OfCertificate(name string) (Note, bool) { return certificates.find(name) }

// OfAnswer returns the note of one of [jwkstest.Issuer.ForgedAnswers].
func OfAnswer(name string) (Note, bool) { return answers.find(name) }

// TokenGroups returns the groups of the forgeries of tokens, in their order.
func TokenGroups() []string {
	var out []string
	for _, g := range tokens {
		out = append(out, g.name)
	}
	return out
}

// table is a list of groups.
type table []group

// group is a list of rows that belong together.
type group struct {
	name string
	rows []row
}

// row is the note of the forgeries whose names begin so.
type row struct {
	begins        string
	level         Level
	section, what string
}

// find returns the note of the row with the longest beginning of name.
func (t table) find(name string) (note Note, ok bool) {
	longest := -1
	for _, g := range t {
		for _, r := range g.rows {
			if len(r.begins) > longest && strings.HasPrefix(name, r.begins) {
				longest = len(r.begins)
				note = Note{Group: g.name, Level: r.level, Section: r.section, What: r.what}
			}
		}
	}
	return note, longest >= 0
}

// URL returns the address of a section, "" if it is of no known standard.
func URL(section string) string {
	if rest, ok := strings.CutPrefix(section, "RFC "); ok {
		number, paragraph, _ := strings.Cut(rest, " ")
		at := "https://www.rfc-editor.org/rfc/rfc" + number
		if paragraph != "" {
			at += "#section-" + paragraph
		}
		return at
	}
	if number, ok := strings.CutPrefix(section, "CWE-"); ok {
		return "https://cwe.mitre.org/data/definitions/" + number + ".html"
	}
	if paragraph, ok := strings.CutPrefix(section, "OpenID Connect Core 1.0 "); ok {
		return openID[paragraph]
	}
	return ""
}

// openID holds the anchors of OpenID Connect Core 1.0, which are not its numbers.
var openID = map[string]string{
	"10.1.1": "https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys",
}

package corpus

// testKeys is the note in every file that has keys or speaks of them.
const testKeys = "TEST KEYS: the private halves follow from a seed that everybody can read. Trust nothing that they sign."

// The API that all cases are about.
const (
	issuerName = "https://issuer.example/"
	audience   = "api://orders"
	address    = "https://api.example/orders"
)

// The times, as NumericDates. A token has the same verdict at every moment from 2026 to 2089: what is over was over in
// 2023, and what is to come comes in 2090. Proofs alone are young by nature, and need the policy's own clock.
const (
	past    = 1_700_000_000 // 2023-11-14T22:13:20Z
	present = 1_795_651_200 // 2026-11-26
	future  = 3_786_912_000 // 2090-01-01
	expiry  = 4_102_444_800 // 2100-01-01
)

const (
	usual      = "usual.json"
	everything = "every-algorithm.json"
	onlyRS256  = "only-rs256.json"
	strictType = "only-at-jwt.json"
	withProofs = "dpop.json"
)

var (
	usualAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}
	allAlgorithms   = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	usualTypes      = []string{"at+jwt", "JWT", ""}
)

func (b *builder) policies() {
	for name, p := range map[string]Policy{
		usual:      {Note: "what most APIs expect", Algorithms: usualAlgorithms, Types: usualTypes},
		everything: {Note: "every algorithm of RFC 7518 and RFC 8037 with a public key", Algorithms: allAlgorithms, Types: usualTypes},
		onlyRS256:  {Note: "one algorithm", Algorithms: []string{"RS256"}, Types: usualTypes},
		strictType: {Note: "access tokens of RFC 9068 and no others", Algorithms: usualAlgorithms, Types: []string{"at+jwt"}},
		withProofs: {
			Note:       "tokens by the scheme DPoP; iat of a proof is compared with now, so a driver sets its clock or leaves these out",
			Algorithms: usualAlgorithms, Types: usualTypes, DPoP: &DPoP{Algorithms: usualAlgorithms, Window: 30},
		},
	} {
		p.Issuer, p.Audience, p.Leeway, p.Now = issuerName, audience, 30, present
		b.file("policies/"+name, p)
	}
}

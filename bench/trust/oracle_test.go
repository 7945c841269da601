package trust_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/verifier"
)

// tokensPerSeed bounds the test: a second or two for each seed.
const tokensPerSeed = 2500

// TestWhateverWeAcceptThePeersAccept draws tokens that are nearly good. Being stricter than another library is a choice;
// being the only one that accepts a token would be a hole, or a bug of both others.
func TestWhateverWeAcceptThePeersAccept(t *testing.T) {
	t.Parallel()
	iss, keys := world(t)
	weSay, peers := ours(t, newVerifier(t, iss.KeySet())), map[string]judge{"golang-jwt": golangJWT(keys), "jwx": jwxJWT(t, keys)}
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			m := maker{Rand: rand.New(rand.NewPCG(seed, 20261120)), iss: iss, keys: keys}
			accepted, stricter := 0, map[string]int{}
			for range tokensPerSeed {
				token := m.token()
				refusal := weSay(token)
				for name, judge := range peers {
					err := judge(token)
					if refusal == nil {
						if err != nil {
							why := excuse(name, token)
							assert.NotEmpty(t, why, "%s refuses what we accept: %v: %s", name, err, plainly(token))
							stricter["excused: "+name+" "+why]++
						}
					} else if err == nil {
						stricter[name+" accepts what we call "+codeOf(t, refusal)]++
					}
				}
				if refusal == nil {
					accepted++
				}
			}
			assert.Greater(t, accepted, tokensPerSeed/5, "hardly any token was good: the property says little")
			assert.Less(t, accepted, tokensPerSeed*4/5, "hardly any token was bad: the property says little")
			t.Logf("%d of %d accepted by all", accepted, tokensPerSeed)
			for _, what := range slices.Sorted(maps.Keys(stricter)) {
				t.Logf("%4d  %s", stricter[what], what)
			}
		})
	}
}

// excuse says why another library may refuse a token that is good. Each is a difference in what is read, not in what is
// trusted; none lets a token through that its issuer did not mean for us.
func excuse(peer, token string) string {
	parts := strings.Split(token, ".")
	header, _ := decode(parts[0])
	payload, _ := decode(parts[1])
	switch {
	case strings.Contains(header, "1e400") || strings.Contains(payload, "1e400"):
		return "decodes numbers in claims that are never read"
	case peer == "jwx" && strings.TrimSpace(header) != header:
		return "checks the signature over a header without the white space around it"
	case peer == "jwx" && wrongKeyPointer.MatchString(header):
		return "reads the pointers to keys, which we never do"
	}
	return ""
}

var wrongKeyPointer = regexp.MustCompile(`"(jku|\\u006aku)"\s*:\s*1`)

func codeOf(t *testing.T, err error) string {
	t.Helper()
	var refused *verifier.Error
	require.ErrorAs(t, err, &refused)
	return string(refused.Reason)
}

// plainly shows header and payload of a token of the test's own.
func plainly(token string) string {
	parts := strings.Split(token, ".")
	for i, part := range parts[:min(2, len(parts))] {
		if text, err := decode(part); err == nil {
			parts[i] = text
		}
	}
	return strings.Join(parts, " . ")
}

// maker makes tokens that are nearly good: of members drawn from lists, in which the good values are the most frequent.
type maker struct {
	*rand.Rand
	iss  *jwkstest.Issuer
	keys []*jwkstest.Key
}

// drawn is how often a good value is drawn, and the others of a member as JSON texts; "" leaves the member out.
type drawn struct {
	good   []string
	others []string
}

var payloadMembers = map[string]drawn{
	"iss": {[]string{`"https://issuer.example"`, `"https:\/\/issuer.example"`, `"https://\u0069ssuer.example"`}, []string{
		``, `"https://issuer.example/"`, `"https://Issuer.example"`, `"https://issuer.example:443"`, `["https://issuer.example"]`, `null`, `1`, `""`,
	}},
	"aud": {[]string{`"api://orders"`, `["api://orders"]`, `["a","api://orders"]`, `["api:\/\/orders","api://orders"]`}, []string{
		``, `[]`, `[1]`, `["api://orders",1]`, `"api://orders/"`, `"API://orders"`, `"api://orders other"`, `{"api://orders":true}`, `null`, `""`,
	}},
	"exp": {[]string{secondsFromNoon(3600), secondsFromNoon(0), secondsFromNoon(-29), secondsFromNoon(86400) + ".5", "1.9e9"}, []string{
		``, secondsFromNoon(-30), secondsFromNoon(-31), secondsFromNoon(-30) + ".25", `"` + secondsFromNoon(3600) + `"`, `null`, `-1`, `0`, `1e400`, `1e30`, `1790000000000000`, `true`, `[]`,
	}},
	"nbf": {[]string{``, secondsFromNoon(0), secondsFromNoon(30), secondsFromNoon(-3600), `0`}, []string{
		secondsFromNoon(31), secondsFromNoon(30) + ".5", `"0"`, `null`, `1e400`, `{}`,
	}},
	"iat": {[]string{``, secondsFromNoon(0), secondsFromNoon(30), secondsFromNoon(-7200), secondsFromNoon(-7200) + ".125"}, []string{
		secondsFromNoon(31), `"now"`, `null`, `-1e400`,
	}},
	"sub":   {[]string{``, `"s"`, `"\ud83d\ude00"`, `""`, `null`}, []string{`1`, `["s"]`}},
	"jti":   {[]string{``, `"j"`, `null`}, []string{`1`}},
	"scope": {[]string{``, `"a b"`, `""`, `null`}, []string{`1`, `{"a":1}`}},
	"roles": {[]string{``, `["r"]`, `"r"`, `[]`, `null`}, []string{`[1]`, `[null]`}},
	"extra": {[]string{``, `1e5`, `{"a":[{"b":{}}]}`, `"é"`, `9007199254740993`, `true`, `null`}, []string{`1e400`, `{"a":1,"a":2}`, `"\ud800"`, `01`, `'x'`, "\"\xff\"", "\"\n\""}},
	"cnf":   {[]string{``, `null`}, []string{`{"jkt":"x"}`, `{"jkt":null}`}},
}

var headerMembers = map[string]drawn{
	"typ":  {[]string{``, `"JWT"`, `"at+jwt"`, `"AT+JWT"`, `"application/at+jwt"`, `"application/jwt"`}, []string{`"dpop+jwt"`, `"logout+jwt"`, `""`, `1`, `null`, `"JWE"`}},
	"cty":  {[]string{``}, []string{`"JWT"`, `1`}},
	"crit": {[]string{``}, []string{`["b64"]`, `[]`, `["x"]`, `null`}},
	"b64":  {[]string{``}, []string{`false`, `true`}},
	"jku":  {[]string{``, `"https://evil.example/jwks"`}, []string{`1`}},
	"x":    {[]string{``, `{"y":1}`}, []string{`{"y":1,"y":2}`, `1e400`}},
}

func secondsFromNoon(s int64) string { return strconv.FormatInt(noon.Unix()+s, 10) }

// oneOf draws one, and now and then one of the others.
func (m maker) oneOf(d drawn, oddness float64) string {
	if m.Float64() < oddness {
		return d.others[m.IntN(len(d.others))]
	}
	return d.good[m.IntN(len(d.good))]
}

// object draws every member, in random order, with white space and sometimes one twice.
func (m maker) object(members map[string]drawn, fixed ...string) string {
	texts := append([]string{}, fixed...)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if value := m.oneOf(members[name], 0.03); value != "" {
			texts = append(texts, m.name(name)+m.space()+":"+m.space()+value)
		}
	}
	m.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	if m.IntN(50) == 0 && len(texts) > 0 {
		texts = append(texts, texts[0])
	}
	out := "{" + strings.Join(texts, m.space()+","+m.space()) + "}"
	switch m.IntN(100) {
	case 0:
		return "\ufeff" + out
	case 1:
		return out + "{}"
	case 2:
		return strings.TrimSuffix(out, "}")
	}
	return out + m.space()
}

// name spells a member's name, rarely in another way.
func (m maker) name(name string) string {
	switch m.IntN(120) {
	case 0:
		return `"` + strings.ToUpper(name) + `"`
	case 1:
		return fmt.Sprintf(`"\u%04x%s"`, name[0], name[1:]) // another spelling of the same name
	}
	return `"` + name + `"`
}

func (m maker) space() string {
	if m.IntN(12) == 0 {
		return []string{" ", "\n", "\t", "\r\n"}[m.IntN(4)]
	}
	return ""
}

// token draws header and payload, signs them, and sometimes damages what came out.
func (m maker) token() string {
	key := m.keys[m.IntN(len(m.keys))]
	fixed := []string{`"alg":"` + key.Algorithm() + `"`}
	switch m.IntN(40) {
	case 0:
		fixed[0] = []string{`"alg":"none"`, `"alg":"HS256"`, `"alg":"RS512"`, `"ALG":"RS256"`, `"alg":["RS256"]`, `"alg":"` + strings.ToLower(key.Algorithm()) + `"`}[m.IntN(6)]
	case 1: // no kid
	case 2:
		fixed = append(fixed, `"kid":"unknown"`)
	case 3:
		fixed = append(fixed, `"kid":"`+m.keys[m.IntN(len(m.keys))].ID()+`"`)
	default:
		fixed = append(fixed, `"kid":"`+key.ID()+`"`)
	}
	input := encode(m.object(headerMembers, fixed...)) + "." + encode(m.object(payloadMembers))
	token := m.iss.Sign(input, jwkstest.WithKey(key))
	if m.IntN(4) == 0 {
		return m.damaged(token)
	}
	return token
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// damaged changes the text of a token.
func (m maker) damaged(token string) string {
	at := m.IntN(len(token))
	parts := strings.Split(token, ".")
	switch m.IntN(10) {
	case 0:
		return token[:at] + string(alphabet[m.IntN(64)]) + token[at+1:]
	case 1:
		return token[:at] + token[at+1:]
	case 2:
		return token[:at] + string("=.\r\n +/\x00é"[m.IntN(9)]) + token[at:]
	case 3:
		return token + "="
	case 4:
		return token[:len(token)-1] + string(alphabet[m.IntN(64)]) // often spare bits
	case 5:
		return parts[0] + "." + parts[1] + "."
	case 6:
		return parts[0] + "." + encode(m.object(payloadMembers)) + "." + parts[2]
	case 7:
		return encode(m.object(headerMembers, `"alg":"none"`)) + "." + parts[1] + "." + parts[2]
	case 8:
		return token + "." + parts[2]
	default:
		return " " + token
	}
}

func decode(part string) (string, error) {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return string(text), err
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

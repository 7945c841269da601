package trust_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/verifier"
)

func sortedNames(members map[string]drawn) []string { return slices.Sorted(maps.Keys(members)) }

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
		return "decodes numbers that nobody asks for"
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

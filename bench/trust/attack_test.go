// Package trust_test asks other libraries about the same tokens, under the same policy: every forgery of the test kit,
// and random tokens that are nearly good.
package trust_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

var update = flag.Bool("update", false, "write what was measured into docs/trust.md")

const (
	page = "../../docs/trust.md"
	end  = "<!-- end of what is measured -->\n"
)

// begin names the command; what it says there is the page's to write.
var begin = regexp.MustCompile(`<!-- measured: .* -->\n`)

// attack counts the outcomes of one kind of forgery.
type attack struct {
	forgeries, accepted int
	reasons             map[string]int
	statuses            map[int]int
	fooled              map[string]int // by peer
}

// TestNoForgeryOfAnyAlgorithmIsAccepted hands every forgery to three libraries under the same policy and compares the
// table in docs/trust.md with the outcome. That every framework refuses them alike, over sockets, is a test of the adapters.
func TestNoForgeryOfAnyAlgorithmIsAccepted(t *testing.T) {
	t.Parallel()
	iss, keys := world(t)
	v := newVerifier(t, iss.KeySet())
	here, answered := ours(t, v), answering(t, v)
	peers := map[string]judge{"golang-jwt": golangJWT(keys), "jwx": jwxJWT(t, keys)}
	attacks, order := map[string]*attack{}, []string(nil)
	for _, alg := range algorithms {
		forgeries := iss.Forgeries(jwkstest.WithAlgorithm(alg))
		good := iss.Token(jwkstest.WithAlgorithm(alg))
		require.Equal(t, http.StatusOK, answered(good), "what they are made of is good")
		for peer, judge := range peers {
			require.NoError(t, judge(good), "what they are made of is good: %s", peer)
		}
		for name, forgery := range forgeries {
			kind, _, _ := strings.Cut(name, ":")
			a := attacks[kind]
			if a == nil {
				a = &attack{reasons: map[string]int{}, statuses: map[int]int{}, fooled: map[string]int{}}
				attacks[kind], order = a, append(order, kind)
			}
			a.forgeries++
			a.statuses[answered(forgery.Token)]++
			if err := here(forgery.Token); assert.Error(t, err, "%s: %s", alg, name) {
				assert.Equal(t, string(forgery.Reason), codeOf(t, err), "%s: %s", alg, name)
				a.reasons[codeOf(t, err)]++
			} else {
				a.accepted++
			}
			for peer, judge := range peers {
				if judge(forgery.Token) == nil {
					a.fooled[peer]++
				}
			}
		}
	}
	compare(t, table(order, attacks))
}

// answering returns a function that reports the status a Guard answers to a token.
func answering(t *testing.T, v *verifier.Verifier) func(token string) int {
	t.Helper()
	guard, err := middleware.New(middleware.Config{Verifier: v})
	require.NoError(t, err)
	door := guard.Require(claims.AnyToken())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return func(token string) int {
		r := httptest.NewRequest(http.MethodGet, "/orders", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w.Code
	}
}

// table formats the attacks as Markdown.
func table(order []string, attacks map[string]*attack) string {
	var b strings.Builder
	b.WriteString("| forgeries about | tried | refused as | answered | accepted: here | golang-jwt | jwx |\n|---|---|---|---|---|---|---|\n")
	all := attack{fooled: map[string]int{}}
	for _, kind := range order {
		a := attacks[kind]
		reasons := slices.SortedFunc(maps.Keys(a.reasons), func(x, y string) int { return 2*(a.reasons[y]-a.reasons[x]) + strings.Compare(x, y) })
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %d | %d | %d |\n", kind, a.forgeries, strings.Join(reasons, ", "),
			codes(a.statuses), a.accepted, a.fooled["golang-jwt"], a.fooled["jwx"])
		all.forgeries += a.forgeries
		all.accepted += a.accepted
		for peer, n := range a.fooled {
			all.fooled[peer] += n
		}
	}
	fmt.Fprintf(&b, "| **all** | %d | | | %d | %d | %d |\n", all.forgeries, all.accepted, all.fooled["golang-jwt"], all.fooled["jwx"])
	return b.String()
}

func codes(statuses map[int]int) string {
	var list []string
	for _, code := range slices.Sorted(maps.Keys(statuses)) {
		list = append(list, fmt.Sprintf("%d × %d", statuses[code], code))
	}
	return strings.Join(list, ", ")
}

// compare fails if the page does not have the measured table, or writes it with -update.
func compare(t *testing.T, measured string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	at := begin.FindIndex(text)
	require.NotNil(t, at, "%s has no line %v", page, begin)
	written, after, ok := bytes.Cut(text[at[1]:], []byte(end))
	require.True(t, ok, "%s has no line %q", page, end)
	if *update {
		require.NoError(t, os.WriteFile(page, slices.Concat(text[:at[1]], []byte(measured), []byte(end), after), 0o600))
		return
	}
	assert.Equal(t, measured, string(written), "docs/trust.md says something else: cd bench && go test ./trust -update")
}

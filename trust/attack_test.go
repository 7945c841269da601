package trust_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

var update = flag.Bool("update", false, "write what was measured into docs/trust.md")

const (
	page  = "../docs/trust.md"
	begin = "<!-- measured: make test-trust ARGS=-update -->\n"
	end   = "<!-- end of what is measured -->\n"
)

// attack is what became of one kind of forgery.
type attack struct {
	forgeries int
	accepted  int64
	reasons   map[string]int
	statuses  map[string]map[int]int // by framework
	fooled    map[string]int         // by peer
}

// TestEveryForgeryIsRefusedInEveryFramework holds all forgeries of all algorithms against one Gate in three frameworks:
// each is refused, for the reason that it was made for, by answers that do not differ in a byte. What was measured stands
// in docs/trust.md, with what two other libraries make of the same forgeries.
func TestEveryForgeryIsRefusedInEveryFramework(t *testing.T) {
	t.Parallel()
	attacks := map[string]*attack{}
	var order []string
	for _, alg := range algorithms {
		a := newAPI(t)
		options := []jwkstest.TokenOption{jwkstest.WithAlgorithm(alg), jwkstest.Claims{"scope": "orders.read"}}
		for name, forgery := range a.iss.Forgeries(options...) {
			kind, _, _ := strings.Cut(name, ":")
			if attacks[kind] == nil {
				order = append(order, kind)
				attacks[kind] = &attack{reasons: map[string]int{}, statuses: map[string]map[int]int{"net/http": {}, "Chi": {}, "Gin": {}}, fooled: map[string]int{}}
			}
			attacks[kind].forgeries++
			attacks[kind].reasons[string(forgery.Reason)]++
			a.refuses(t, name, forgery, attacks[kind])
		}
		for _, framework := range a.order {
			assert.Equal(t, http.StatusOK, a.ask(framework, a.iss.Token(options...)).Code, "%s: the token that they were made of", framework)
		}
		assert.Zero(t, a.iss.Strays(), "something was fetched that a header points at")
	}
	foolPeers(t, attacks)
	compare(t, table(order, attacks))
}

func (a *api) ask(framework, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	a.routes[framework].ServeHTTP(w, r)
	return w
}

func (a *api) refuses(t *testing.T, name string, forgery jwkstest.Forgery, found *attack) {
	t.Helper()
	before := a.served.Load()
	var first string
	for _, framework := range a.order {
		w := a.ask(framework, forgery.Token)
		found.statuses[framework][w.Code]++
		if strings.ContainsAny(forgery.Token, " ,\t\r\n\x00\x7f") {
			assert.Equal(t, http.StatusBadRequest, w.Code, "%s: %s: no credentials of RFC 6750", framework, name)
		} else {
			assert.Equal(t, http.StatusUnauthorized, w.Code, "%s: %s", framework, name)
			assert.Equal(t, forgery.Reason, *a.last.Load(), "%s: %s", framework, name)
		}
		answer := fmt.Sprint(w.Code, w.Header(), w.Body)
		if first == "" {
			first = answer
		}
		assert.Equal(t, first, answer, "%s: %s: another answer than net/http's", framework, name)
	}
	found.accepted += a.served.Load() - before
	assert.Equal(t, before, a.served.Load(), "%s: a handler ran", name)
}

// foolPeers counts the forgeries that other libraries accept under the same policy.
func foolPeers(t *testing.T, attacks map[string]*attack) {
	t.Helper()
	iss, keys := world(t)
	peers := map[string]judge{"golang-jwt": golangJWT(keys), "jwx": jwxJWT(t, keys)}
	for _, alg := range algorithms {
		for name, forgery := range iss.Forgeries(jwkstest.WithAlgorithm(alg)) {
			kind, _, _ := strings.Cut(name, ":")
			for peer, judge := range peers {
				if judge(forgery.Token) == nil {
					require.NotNil(t, attacks[kind])
					attacks[kind].fooled[peer]++
				}
			}
		}
	}
}

// table is the attacks as Markdown.
func table(order []string, attacks map[string]*attack) string {
	var b strings.Builder
	b.WriteString("| forgeries about | tried | refused as | net/http | Chi | Gin | accepted: here | golang-jwt | jwx |\n|---|---|---|---|---|---|---|---|---|\n")
	var all attack
	all.fooled = map[string]int{}
	for _, kind := range order {
		a := attacks[kind]
		reasons := slices.SortedFunc(maps.Keys(a.reasons), func(x, y string) int { return 2*(a.reasons[y]-a.reasons[x]) + strings.Compare(x, y) })
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %d | %d | %d |\n", kind, a.forgeries, strings.Join(reasons, ", "),
			codes(a.statuses["net/http"]), codes(a.statuses["Chi"]), codes(a.statuses["Gin"]), a.accepted, a.fooled["golang-jwt"], a.fooled["jwx"])
		all.forgeries += a.forgeries
		all.accepted += a.accepted
		for peer, n := range a.fooled {
			all.fooled[peer] += n
		}
	}
	fmt.Fprintf(&b, "| **all** | %d | | | | | %d | %d | %d |\n", all.forgeries, all.accepted, all.fooled["golang-jwt"], all.fooled["jwx"])
	return b.String()
}

func codes(statuses map[int]int) string {
	var list []string
	for _, code := range slices.Sorted(maps.Keys(statuses)) {
		list = append(list, fmt.Sprintf("%d × %d", statuses[code], code))
	}
	return strings.Join(list, ", ")
}

// compare holds the page against what was measured, or writes it there.
func compare(t *testing.T, measured string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, ok := bytes.Cut(text, []byte(begin))
	require.True(t, ok, "%s has no line %q", page, begin)
	written, after, ok := bytes.Cut(rest, []byte(end))
	require.True(t, ok, "%s has no line %q", page, end)
	if *update {
		require.NoError(t, os.WriteFile(page, slices.Concat(before, []byte(begin), []byte(measured), []byte(end), after), 0o600))
		return
	}
	assert.Equal(t, measured, string(written), "docs/trust.md says something else: run make test-trust ARGS=-update")
}

package forgeries_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/forgeries"
)

func TestEveryForgeryHasANote(t *testing.T) {
	t.Parallel()
	names := everything(t)
	for kind, find := range map[string]func(string) (forgeries.Note, bool){
		"token": forgeries.OfToken, "proof": forgeries.OfProof, "certificate": forgeries.OfCertificate, "answer": forgeries.OfAnswer,
	} {
		assert.Greater(t, len(names[kind]), 50, kind)
		for _, name := range names[kind] {
			note, ok := find(name)
			if !assert.True(t, ok, "%s: %s has no note", kind, name) {
				continue
			}
			assert.NotEmpty(t, note.Group, name)
			assert.True(t, slices.Contains(forgeries.Levels(), note.Level), name)
			assert.True(t, strings.HasPrefix(note.URL(), "https://"), "%s: %q has no address", name, note.Section)
			assert.NotEmpty(t, note.What, name)
		}
	}
}

func TestWhatIsNoForgeryHasNoNote(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "exp", "nothing: known", "Exp: zero"} {
		_, ok := forgeries.OfToken(name)
		assert.False(t, ok, name)
	}
}

// Rows of a table that no forgery is for would speak of attacks that nobody makes.
func TestEveryRowIsOfAForgery(t *testing.T) {
	t.Parallel()
	names := everything(t)
	for kind, rows := range forgeries.Rows() {
		for _, begins := range rows {
			assert.True(t, slices.ContainsFunc(names[kind], func(name string) bool {
				longest := ""
				for _, other := range rows {
					if strings.HasPrefix(name, other) && len(other) > len(longest) {
						longest = other
					}
				}
				return longest == begins
			}), "%s: the row %q is of no forgery", kind, begins)
		}
		sorted := slices.Sorted(slices.Values(rows))
		assert.Len(t, slices.Compact(sorted), len(rows), "%s: two rows begin alike", kind)
	}
}

func TestTheLongestBeginningCounts(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]forgeries.Note{
		"typ: \"logout+jwt\"":                     {Group: "typ", Level: forgeries.Confusion, Section: "RFC 9068 4"},
		"typ: \"at+jwt;x=y\"":                     {Group: "typ", Level: forgeries.Leniency, Section: "RFC 9068 4"},
		"HS256: keyed with the modulus":           {Group: "hmac", Level: forgeries.Hole, Section: "RFC 8725 3.1"},
		"HS256: keyed with zeros":                 {Group: "hmac", Level: forgeries.Hole, Section: "RFC 8725 3.5"},
		"payload: aud twice, the other one first": {Group: "duplicates", Level: forgeries.Leniency, Section: "RFC 7519 4"},
		"payload: a number":                       {Group: "json", Level: forgeries.Leniency, Section: "RFC 7519 7.2"},
		"aud: another one":                        {Group: "aud", Level: forgeries.Confusion, Section: "RFC 9068 4"},
		"size: a claim of 50 kB":                  {Group: "size", Level: forgeries.Leniency, Section: "CWE-770"},
	} {
		note, ok := forgeries.OfToken(name)
		assert.True(t, ok, name)
		note.What = ""
		assert.Equal(t, want, note, name)
	}
}

func TestASectionHasAnAddress(t *testing.T) {
	t.Parallel()
	for section, want := range map[string]string{
		"RFC 8725 3.1":                   "https://www.rfc-editor.org/rfc/rfc8725#section-3.1",
		"RFC 6750":                       "https://www.rfc-editor.org/rfc/rfc6750",
		"CWE-770":                        "https://cwe.mitre.org/data/definitions/770.html",
		"OpenID Connect Core 1.0 10.1.1": "https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys",
		"somebody's opinion":             "",
	} {
		assert.Equal(t, want, forgeries.URL(section))
	}
}

func TestTheGroupsAreThoseOfTheNotes(t *testing.T) {
	t.Parallel()
	groups := forgeries.TokenGroups()
	sorted := slices.Sorted(slices.Values(groups))
	assert.Len(t, slices.Compact(sorted), len(groups), "each once")
	for _, f := range everything(t)["token"] {
		note, _ := forgeries.OfToken(f)
		assert.Contains(t, groups, note.Group, f)
	}
}

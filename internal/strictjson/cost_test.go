//go:build !race

package strictjson_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// The race detector makes sync.Pool forget now and then, so allocations are counted without it.

func TestParseAllocatesTheMembersOnly(t *testing.T) {
	data := []byte(entraApp)
	assert.InDelta(t, 1, testing.AllocsPerRun(200, func() { _, _ = strictjson.Parse(data) }), 0)
	var scratch [32]strictjson.Member
	assert.Zero(t, testing.AllocsPerRun(200, func() { _, _ = strictjson.ParseWith(scratch[:0], data) }))
}

// A refusal is what a stranger gets for nothing: most of its cost is jsontext's error.
func TestSayingNoAllocatesLittle(t *testing.T) {
	for name, text := range map[string]string{
		"cut":                           entraApp[:len(entraApp)-1],
		"a comma too many":              strings.Replace(entraApp, `,"tid"`, `,,"tid"`, 1),
		"no value":                      strings.Replace(entraApp, `"1.0"`, ``, 1),
		"a member twice":                entraApp[:len(entraApp)-1] + `,"aud":"x"}`,
		"a broken escape":               strings.Replace(entraApp, `"1.0"`, `"\x"`, 1),
		"half a surrogate pair":         strings.Replace(entraApp, `"1.0"`, `"\ud800"`, 1),
		"a byte that is no UTF-8":       strings.Replace(entraApp, `"1.0"`, "\"\xff\"", 1),
		"broken deep inside":            strings.Replace(entraApp, `"1.0"`, `[[[{"a":[1,{"b":?`, 1),
		"nested without end":            strings.Replace(entraApp, `"1.0"`, strings.Repeat("[", 500), 1),
		"more behind it":                entraApp + entraApp,
		"thirty names and then garbage": "{" + wide(30) + "?",
	} {
		data := []byte(text)
		var err error
		allocs := testing.AllocsPerRun(100, func() { _, err = strictjson.Parse(data) })
		require.Error(t, err, name)
		assert.LessOrEqual(t, allocs, 6.0, name)
	}
}

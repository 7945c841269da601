package strictjson_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

func TestText(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`""`: "", `"plain"`: "plain", `"a\"b"`: `a"b`, `"\\"`: `\`, `"\\\""`: `\"`, `"https:\/\/x"`: "https://x",
		`"\u00e9\ud83d\ude00\n"`: "é😀\n", `"é, ] } : {"`: "é, ] } : {",
	} {
		v := value(t, raw)
		got, err := v.Text()
		require.NoError(t, err, raw)
		assert.Equal(t, want, got)
		assert.True(t, v.Is(want), raw)
		assert.False(t, v.Is(want+"x"), raw)
		assert.False(t, v.Is("x"+want), raw)
	}
	long := strings.Repeat("é", 500)
	assert.True(t, value(t, `"`+strings.Repeat(`\u00e9`, 500)+`"`).Is(long), "longer than the scratch")
}

func TestEachAccessorRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	raws := []string{`"s"`, `0`, `-1.5e3`, `true`, `false`, `null`, `{"a":1}`, `["a"]`}
	kinds := "\"00tfn{["
	for i, raw := range raws {
		v := value(t, raw)
		assert.Equal(t, kinds[i], v.Kind(), raw)
		checkOnly(t, v, raw)
	}
	var none strictjson.Value
	assert.Zero(t, none.Kind())
	assert.Empty(t, none.Raw())
	checkOnly(t, none, "no value")
}

// checkOnly asserts that v answers the accessors of its own kind and no other.
func checkOnly(t *testing.T, v strictjson.Value, name string) {
	t.Helper()
	kind := v.Kind()
	expect := func(err error, own bool, accessor string) {
		if own {
			assert.NoError(t, err, "%s of %s", accessor, name)
			return
		}
		assert.ErrorIs(t, err, strictjson.ErrType, "%s of %s", accessor, name)
	}
	_, err := v.Text()
	expect(err, kind == '"', "Text")
	_, err = v.Number()
	expect(err, kind == '0', "Number")
	_, err = v.Bool()
	expect(err, kind == 't' || kind == 'f', "Bool")
	_, err = v.Object()
	expect(err, kind == '{', "Object")
	_, err = v.Strings()
	expect(err, kind == '[', "Strings")
	_, found := v.Get("a")
	assert.Equal(t, kind == '{', found, "Get of %s", name)
	assert.Equal(t, kind == '"', v.Is("s"), "Is of %s", name)
	assert.Equal(t, kind == '[', len(slices.Collect(v.Elements())) == 1, "Elements of %s", name)
	members := 0
	for range v.Members() {
		members++
	}
	assert.Equal(t, kind == '{', members == 1, "Members of %s", name)
}

func TestNumbersAreFinite(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]float64{`0`: 0, `9`: 9, `-0`: 0, `1.5`: 1.5, `1e3`: 1000, `1E-400`: 0, `1700000000.25`: 1700000000.25} {
		got, err := value(t, raw).Number()
		require.NoError(t, err, "33 %s", raw)
		assert.InDelta(t, want, got, 0, "33 %s", raw)
	}
	for _, raw := range []string{`1e400`, `-1e400`, `"1"`, `null`} {
		_, err := value(t, raw).Number()
		assert.ErrorIs(t, err, strictjson.ErrType, "33 %s", raw)
	}
}

func TestElementsKeepTheirText(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		`[]`:                             nil,
		"[ \t\r\n]":                      nil,
		`[1]`:                            {`1`},
		"[ 1 ,\n-2.5e+1\t,true , null ]": {`1`, `-2.5e+1`, `true`, `null`},
		`["a,b","\"]","\\",""]`:          {`"a,b"`, `"\"]"`, `"\\"`, `""`},
		`[[],[[1],2],{},{"a":[{}]}]`:     {`[]`, `[[1],2]`, `{}`, `{"a":[{}]}`},
		`[{"}":"]"},"["]`:                {`{"}":"]"}`, `"["`},
	} {
		var got []string
		for e := range value(t, raw).Elements() {
			got = append(got, e.Raw())
		}
		assert.Equal(t, want, got, raw)
	}
	for e := range value(t, `[1,2]`).Elements() { // stopping early is fine
		assert.Equal(t, "1", e.Raw())
		break
	}
}

func TestMembersKeepTheirText(t *testing.T) {
	t.Parallel()
	v := value(t, "{ \"a:b\" : {\"x\":1} ,\n\"\\u0063\":\"}\" , \"\":[ ] }")
	var names, raws []string
	for name, m := range v.Members() {
		names, raws = append(names, name), append(raws, m.Raw())
	}
	assert.Equal(t, []string{"a:b", "c", ""}, names)
	assert.Equal(t, []string{`{"x":1}`, `"}"`, `[ ]`}, raws)
	for name := range v.Members() { // stopping early is fine
		assert.Equal(t, "a:b", name)
		break
	}
	m, ok := v.Get("c")
	require.True(t, ok)
	assert.True(t, m.Is("}"))
	_, ok = v.Get("x")
	assert.False(t, ok, "a nested name is not a member")
}

func TestStringsAreNothingButStrings(t *testing.T) {
	t.Parallel()
	got, err := value(t, `["a","b c",""]`).Strings()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b c", ""}, got)
	got, err = value(t, `[]`).Strings()
	require.NoError(t, err)
	assert.Empty(t, got)
	assert.NotNil(t, got, "an empty list is a list")
	for _, raw := range []string{`[1]`, `["a",1]`, `["a",null]`, `[["a"]]`} {
		_, err := value(t, raw).Strings()
		assert.ErrorIs(t, err, strictjson.ErrType, raw)
	}
}

// On every text of a few pieces of the grammar, what is walked over is what
// encoding/json decodes.
func TestEveryShortTextIsReadAsTheParserReadsIt(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		pieces        []string
		most          int
		before, after string
	}{
		"objects": {[]string{`{`, `}`, `[`, `]`, `:`, `,`, `"a"`, `"b"`, ` `, `1`, `null`}, 4, "", ""},
		"members": {[]string{`{`, `}`, `[`, `]`, `:`, `,`, `"a"`, `"b"`, "\n", `0`}, 5, `{"c":0`, `}`},
		"values":  {[]string{`0`, `-1`, `.5`, `E`, ` `, `true`, `,`, `[`, `]`, `"`}, 4, `{"v":`, `}`},
		"strings": {[]string{`"`, `\`, `u`, `n`, `/`, "é", "\xff", `,`, `]`, `0041`}, 4, `{"s":["`, `"]}`},
		"names":   {[]string{`"a"`, `"\u0061"`, `"b"`, `:0,`, `:{"a":0},`, `:[{"a":0}],`}, 5, `{`, `"z":0}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			valid := 0
			for n := range row.most + 1 {
				every(row.pieces, n, func(text string) {
					if agree(t, row.before+text+row.after) {
						valid++
					}
				})
			}
			assert.GreaterOrEqual(t, valid, 10, "of these something is JSON")
		})
	}
}

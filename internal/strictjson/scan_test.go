package strictjson_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// agree holds Parse against the strict parser that it must agree with.
func agree(t *testing.T, text string) {
	t.Helper()
	reference := jsontext.Value(text)
	_, err := strictjson.Parse([]byte(text))
	if want := reference.IsValid() && reference.Kind() == '{'; want != (err == nil) {
		require.Failf(t, "another reading", "%q is JSON: %v; %v", text, want, err)
	}
}

// every calls do with each text of exactly n of the pieces.
func every(pieces []string, n int, do func(text string)) {
	var grow func(text string, n int)
	grow = func(text string, n int) {
		if n == 0 {
			do(text)
			return
		}
		for _, piece := range pieces {
			grow(text+piece, n-1)
		}
	}
	grow("", n)
}

func TestEveryShortTextIsReadAsTheParserReadsIt(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		pieces        []string
		most          int
		before, after string
	}{
		"objects":         {[]string{`{`, `}`, `[`, `]`, `:`, `,`, `"a"`, `"b"`, ` `, `1`, `null`}, 5, "", ""},
		"members":         {[]string{`{`, `}`, `[`, `]`, `:`, `,`, `"a"`, `"b"`, "\n", `0`}, 5, `{"a":0`, `}`},
		"numbers":         {[]string{`0`, `1`, `9`, `-`, `+`, `.`, `e`, `E`, ` `, `x`}, 5, `{"n":`, `}`},
		"literals":        {[]string{`t`, `r`, `u`, `e`, `true`, `fals`, `nul`, `l`}, 4, `{"l":`, `}`},
		"strings":         {[]string{`"`, `\`, `u`, `n`, `/`, "é", "\ufffd", "\xff", "\x1f", "\x7f", `0041`}, 5, `{"s":"`, `"}`},
		"names":           {[]string{`"a"`, `"\u0061"`, `"b"`, `:0,`, `:{"a":0},`, `:[{"a":0}],`}, 5, `{`, `"z":0}`},
		"code units":      {[]string{`\u`, `d800`, `DBFF`, `dc00`, `dFfF`, `d7ff`, `E000`, `fffd`, `g000`, `12`, `xu`, `\x`}, 4, `{"s":"`, `"}`},
		"bytes of a name": {[]string{"\xed", "\xa0", "\x80", "\xbf", "\xf0", "\x90", "\xf4", "\xc0", "\xe0", "a"}, 4, `{"`, `":0}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range row.most + 1 {
				every(row.pieces, n, func(text string) { agree(t, row.before+text+row.after) })
			}
		})
	}
}

func TestEveryCodeUnitIsReadAsTheParserReadsIt(t *testing.T) {
	t.Parallel()
	for unit := range 1 << 16 {
		agree(t, fmt.Sprintf(`{"s":"\u%04x"}`, unit))
		agree(t, fmt.Sprintf(`{"s":"\ud83d\u%04X"}`, unit))
		agree(t, fmt.Sprintf(`{"s":"\u%04x\ude00"}`, unit))
	}
}

// Strings are looked at eight bytes at a time: each byte is tried at each place.
func TestEveryByteIsReadAsTheParserReadsItWhereverItStands(t *testing.T) {
	t.Parallel()
	const filler = "twenty-four bytes or so."
	for c := range 256 {
		for at := range filler {
			agree(t, `{"s":"`+filler[:at]+string([]byte{byte(c)})+filler[at:]+`"}`)
			agree(t, `{"s":"`+filler[:at]+string([]byte{byte(c), byte(c)})+filler[at:]+`"}`)
			agree(t, `{"`+filler[:at]+string([]byte{byte(c)})+`":0}`)
			agree(t, `{"a":0}`+filler[:at%3]+string([]byte{byte(c)}))
		}
	}
	for pair := range 1 << 16 {
		agree(t, `{"s":"`+string([]byte{byte(pair >> 8), byte(pair)})+`"}`)
	}
}

func TestNestingEndsAtSixtyFourLevels(t *testing.T) {
	t.Parallel()
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	arrays := func(n int) string { return `{"a":` + strings.Repeat(`[`, n) + strings.Repeat("]", n) + "}" }
	for name, row := range map[string]struct {
		text string
		ok   bool
	}{
		"objects, 64":                   {objects(64), true},
		"objects, 65":                   {objects(65), false},
		"arrays in an object, 64":       {arrays(63), true},
		"arrays in an object, 65":       {arrays(64), false},
		"a thousand beside each other":  {`{"a":[` + strings.Repeat(`[],`, 1000) + `{}]}`, true},
		"sixty-four, twice in a row":    {`{"a":[` + objects(62) + "," + objects(62) + `]}`, true},
		"brackets in a string count no": {`{"a":"` + strings.Repeat("[{", 1000) + `"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := strictjson.Parse([]byte(row.text))
			if row.ok {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, "strictjson: nested more than 64 levels deep")
		})
	}
}

func TestADuplicateIsFoundAmongAnyNumberOfNames(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 31, 63, 64, 65, 66, 200, 5000} {
		members := strings.Split(wide(n), ",")
		all := strings.Join(members, ",")
		_, err := strictjson.Parse([]byte("{" + all + "}"))
		require.NoError(t, err, "%d names", n)
		for _, again := range []int{0, n / 2, n - 1} {
			plain := members[again]
			escaped := `"\u003` + plain[1:2] + plain[2:]
			for name, text := range map[string]string{
				"plain":            "{" + all + "," + plain + "}",
				"escaped":          "{" + all + "," + escaped + "}",
				"escaped first":    "{" + escaped + "," + all + "}",
				"in an array":      `{"o":[{` + all + "," + plain + "}]}",
				"in an object":     `{"o":{` + all + "," + escaped + "}}",
				"after an object":  `{"o":{` + all + "}," + all + "," + plain + "}",
				"and then garbage": "{" + all + "," + plain + ";",
			} {
				_, err := strictjson.Parse([]byte(text))
				assert.EqualError(t, err, "strictjson: duplicate member name", "%s, number %d of %d", name, again, n)
			}
		}
		_, err = strictjson.Parse([]byte(`{"o":{` + all + `},"p":[{` + all + `},{` + all + `}],` + all + "}"))
		assert.NoError(t, err, "the same names in different objects, %d", n)
	}
}

// Names whose length and ends agree are told apart by what lies between.
func TestNamesThatLookAlikeAreNoDuplicates(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 60, 64, 65, 500} {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf(`"x%04dx":%d`, i, i)
		}
		obj := parse(t, "{"+strings.Join(names, ",")+"}")
		for i := range n {
			v, ok := obj.Get(fmt.Sprintf("x%04dx", i))
			require.True(t, ok)
			assert.Equal(t, strconv.Itoa(i), v.Raw())
		}
	}
}

// A refusal is what a stranger gets for nothing: it costs the error and no more.
func TestSayingNoAllocatesOnce(t *testing.T) {
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
		assert.LessOrEqual(t, allocs, 1.0, name)
	}
}

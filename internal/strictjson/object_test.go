package strictjson_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

func TestParseRefusesWhatParsersReadDifferently(t *testing.T) {
	t.Parallel()
	const (
		invalid   = "strictjson: invalid JSON at byte "
		duplicate = "strictjson: duplicate member name"
		trailing  = "strictjson: data after the JSON value"
		notObject = "strictjson: not a JSON object"
	)
	for name, row := range map[string]struct{ text, want string }{
		"19 a member twice":                           {`{"alg":"RS256","alg":"none"}`, duplicate},
		"19 a member twice, once escaped":             {`{"alg":"RS256","\u0061lg":"none"}`, duplicate},
		"19 a member twice, in another object":        {`{"a":{"b":1,"b":2}}`, duplicate},
		"19 a member twice, in an object in an array": {`{"a":[{"b":1},{"b":1,"b":2}]}`, duplicate},
		"32 UTF-16, little endian":                    {"{\x00\"\x00a\x00\"\x00:\x001\x00}\x00", invalid + "1"},
		"32 UTF-16 with a byte order mark":            {"\xfe\xff\x00{\x00}", notObject},
		"32 UTF-8 with a byte order mark":             {"\xef\xbb\xbf{}", notObject},
		"32 a byte that is no UTF-8, in a value":      {"{\"a\":\"\xff\"}", invalid + "6"},
		"32 a byte that is no UTF-8, in a name":       {"{\"\xc3\":1}", invalid + "2"},
		"32 an overlong encoding of a slash":          {"{\"a\":\"\xc0\xaf\"}", invalid + "6"},
		"32 half of a surrogate pair":                 {`{"a":"\ud800"}`, invalid + "6"},
		"32 a surrogate encoded as UTF-8":             {"{\"a\":\"\xed\xa0\x80\"}", invalid + "6"},
		"nothing":                                     {"", notObject},
		"white space only":                            {" \n", notObject},
		"an object that does not end":                 {`{"a":1`, invalid + "6"},
		"an object that only begins":                  {`{`, invalid + "1"},
		"a comma before the end":                      {`{"a":1,}`, invalid + "6"},
		"a comma too few":                             {`{"a":1 "b":2}`, invalid + "7"},
		"a name without a value":                      {`{"a"}`, invalid + "4"},
		"a name that is a number":                     {`{1:2}`, invalid + "1"},
		"a name in single quotes":                     {`{'a':1}`, invalid + "1"},
		"a comment":                                   {`{/**/}`, invalid + "1"},
		"a control character in a string":             {"{\"a\":\"\n\"}", invalid + "6"},
		"a number with a leading zero":                {`{"a":01}`, invalid + "6"},
		"a number with a plus":                        {`{"a":+1}`, invalid + "5"},
		"not a number":                                {`{"a":NaN}`, invalid + "5"},
		"infinity":                                    {`{"a":Infinity}`, invalid + "5"},
		"a second object":                             {`{}{}`, trailing},
		"a byte of zero at the end":                   {"{}\x00", trailing},
		"an array":                                    {`[{"a":1}]`, notObject},
		"a string":                                    {`"{}"`, notObject},
		"null":                                        {`null`, notObject},
		"a broken array":                              {`[}`, notObject},
		"an array with a member twice":                {`[{"a":1,"a":1}]`, notObject},
		"an object that ends in the middle":           {`{"a":{}`, invalid + "7"},
		"a brace only":                                {`}`, notObject},
		"nesting without end":                         {strings.Repeat(`{"a":`, 20_000) + "}", "strictjson: nested more than 64 levels deep"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			obj, err := strictjson.Parse([]byte(row.text))
			require.Error(t, err)
			assert.Equal(t, row.want, err.Error())
			assert.Zero(t, obj.Len())
			assert.Empty(t, obj.Text())
		})
	}
	_, err := strictjson.Parse([]byte(`[]`))
	assert.ErrorIs(t, err, strictjson.ErrNotObject)
}

func TestAByteOrderMarkIsForDocumentsAlone(t *testing.T) {
	t.Parallel()
	const text = `{"a":1}`
	obj, err := strictjson.ParseDocument([]byte("\ufeff" + text))
	require.NoError(t, err)
	assert.Equal(t, text, obj.Text())
	_, err = strictjson.ParseDocument([]byte("\ufeff\ufeff" + text))
	require.ErrorIs(t, err, strictjson.ErrNotObject)
	_, err = strictjson.Parse([]byte("\ufeff" + text))
	require.ErrorIs(t, err, strictjson.ErrNotObject, "a token has none")
}

func TestParseErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"secret":1,"secret":2}`, `{"a":"secret\xsecret"}`, `{"secret":secret}`, `secret`, `{"a":1}secret`, `["secret"]`} {
		_, err := strictjson.Parse([]byte(text))
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "secret", text)
	}
}

func TestNamesAreCaseSensitive(t *testing.T) {
	t.Parallel()
	obj := parse(t, `{"ALG":"none","alg":"RS256","Alg":"HS256"}`)
	for name, want := range map[string]string{"alg": "RS256", "ALG": "none", "Alg": "HS256"} {
		v, ok := obj.Get(name)
		require.True(t, ok, "19 %s", name)
		assert.True(t, v.Is(want), "19 %s", name)
	}
	_, ok := obj.Get("aLG")
	assert.False(t, ok, "19 aLG")
}

func TestObjectIndexesItsTopLevelMembers(t *testing.T) {
	t.Parallel()
	const text = "\t{ \"b\" : [ 1 , {\"c\":\"]\"} ] ,\r\n\"a\":{\"b\":{}} , \"\":\"empty\", \"sl\\/ash\":null }\n"
	obj := parse(t, text)
	same(t, text, obj.Text())
	assert.Equal(t, 4, obj.Len())
	assert.Equal(t, []string{"b", "a", "", "sl/ash"}, slices.Collect(obj.Names()))
	for name, raw := range map[string]string{"b": `[ 1 , {"c":"]"} ]`, "a": `{"b":{}}`, "": `"empty"`, "sl/ash": "null"} {
		v, ok := obj.Get(name)
		require.True(t, ok, name)
		assert.Equal(t, raw, v.Raw())
	}
	same(t, strings.TrimSpace(text), obj.Value().Raw())
	for name := range obj.Names() { // stopping early is fine
		assert.Equal(t, "b", name)
		break
	}
}

func TestNamesThatAreWrittenOddlyAreFound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 70_000)
	obj := parse(t, `{"ax":0,"a\u0062":1,"`+long+`":2,"":3,"`+long+`n":4,"\"":5,"aac":6,"abc":7}`)
	for name, raw := range map[string]string{"ax": "0", "ab": "1", long: "2", "": "3", long + "n": "4", `"`: "5", "aac": "6", "abc": "7"} {
		v, ok := obj.Get(name)
		require.True(t, ok, "%.10s", name)
		assert.Equal(t, raw, v.Raw())
	}
	for _, name := range []string{`a\u0062`, long + "nn", `\"`, "adc", "a"} {
		_, ok := obj.Get(name)
		assert.False(t, ok, "%.10s", name)
	}
	assert.Equal(t, []string{"ax", "ab", long, "", long + "n", `"`, "aac", "abc"}, slices.Collect(obj.Names()))
}

func TestANameIsNotAnothersBeginning(t *testing.T) {
	t.Parallel()
	obj := parse(t, `{"aba":0,"aa":1}`)
	_, ok := obj.Get("a")
	assert.False(t, ok)
	v, ok := obj.Get("aa")
	require.True(t, ok)
	assert.Equal(t, "1", v.Raw())

	var names []string
	for n := 60; n > 0; n-- {
		names = append(names, `"`+strings.Repeat("a", n)+`":0`)
	}
	shorter := parse(t, "{"+strings.Join(names, ",")+"}")
	assert.Equal(t, 60, shorter.Len())
}

func TestAnObjectOfOddNamesAlone(t *testing.T) {
	t.Parallel()
	obj := parse(t, `{"\u0061":1,"\u0062":2}`)
	v, ok := obj.Get("b")
	require.True(t, ok)
	assert.Equal(t, "2", v.Raw())
}

func TestWithRoomOfItsCallersAnObjectIsGoodUntilThatIsUsedAgain(t *testing.T) {
	t.Parallel()
	var scratch [8]strictjson.Member
	one, err := strictjson.ParseWith(scratch[:0], []byte(`{"a":1}`))
	require.NoError(t, err)
	kept := one.Detach()
	_, err = strictjson.ParseWith(scratch[:0], []byte(`{"bcdef":2,"g":3}`))
	require.NoError(t, err)
	v, ok := kept.Get("a")
	require.True(t, ok)
	assert.Equal(t, "1", v.Raw())
	_, ok = one.Get("a")
	assert.False(t, ok, "its room holds another index by now")

	broken, err := strictjson.ParseWith(scratch[:0], []byte(`{"a":1`))
	require.EqualError(t, err, "strictjson: invalid JSON at byte 6")
	assert.Zero(t, broken.Len())
}

func TestTheZeroObjectHasNoMembers(t *testing.T) {
	t.Parallel()
	var obj strictjson.Object
	_, ok := obj.Get("")
	assert.False(t, ok)
	assert.Zero(t, obj.Len())
	assert.Empty(t, slices.Collect(obj.Names()))
	assert.Zero(t, obj.Value().Kind())
}

func TestLookupFollowsSegments(t *testing.T) {
	t.Parallel()
	obj := parse(t, `{"realm_access":{"roles":["user"],"a":{"b":{"c":7}}},"realm_access.roles":["trap"],"s":"text"}`)
	for name, row := range map[string]struct {
		path []string
		want string // "" finds nothing
	}{
		"one segment":               {[]string{"s"}, `"text"`},
		"nested":                    {[]string{"realm_access", "roles"}, `["user"]`},
		"deeply nested":             {[]string{"realm_access", "a", "b", "c"}, `7`},
		"a dot is part of a name":   {[]string{"realm_access.roles"}, `["trap"]`},
		"no path":                   {nil, ""},
		"an unknown name":           {[]string{"x", "y"}, ""},
		"an unknown nested name":    {[]string{"realm_access", "x"}, ""},
		"through a string":          {[]string{"s", "roles"}, ""},
		"through an array":          {[]string{"realm_access", "roles", "0"}, ""},
		"past the end of an object": {[]string{"realm_access", "a", "b", "c", "d"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, ok := obj.Lookup(row.path...)
			assert.Equal(t, row.want != "", ok)
			assert.Equal(t, row.want, v.Raw())
		})
	}
}

func TestParseLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	data := []byte(entraApp)
	for range 3 {
		parse(t, string(data))
		_, err := strictjson.Parse(data)
		require.NoError(t, err)
	}
	same(t, entraApp, string(data))
}

func TestScratchIsNotSharedBetweenObjects(t *testing.T) {
	t.Parallel()
	one := parse(t, `{"a":1,"b":2,"c":3}`)
	many := parse(t, "{"+strings.Repeat(` `, 10)+wide(1000)+"}")
	two := parse(t, `{"x":9}`)
	assert.Equal(t, []string{"a", "b", "c"}, slices.Collect(one.Names()))
	assert.Equal(t, 1000, many.Len())
	assert.Equal(t, []string{"x"}, slices.Collect(two.Names()))
}

func TestLookUpsAllocateNothing(t *testing.T) {
	obj := parse(t, `{"a":{"b":{"c":"https:\/\/x"}},"l":["x","y"]}`)
	path := []string{"a", "b", "c"}
	found := 0
	allocs := testing.AllocsPerRun(100, func() {
		v, _ := obj.Lookup(path...)
		if v.Is("https://x") {
			found++
		}
		list, _ := obj.Get("l")
		for e := range list.Elements() {
			if e.Is("y") {
				found++
			}
		}
	})
	assert.Zero(t, allocs)
	assert.Equal(t, 2*101, found)
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

package strictjson_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// entraApp is an Entra v1.0 app token's payload: what Parse meets most.
const entraApp = `{"aud":"api://apim-orders","iss":"https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/",` +
	`"iat":1627896119,"nbf":1627896119,"exp":1627900019,"aio":"E2ZgYDjz+c/2ne8/","appid":"11111111-1111-1111-1111-111111111111",` +
	`"appidacr":"1","idp":"https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/","idtyp":"app",` +
	`"oid":"22222222-2222-2222-2222-222222222222","rh":"0.AX0A","roles":["get","post"],` +
	`"sub":"22222222-2222-2222-2222-222222222222","tid":"a53d724c-15ea-4469-a987-82a5b30ec167",` +
	`"uti":"FVsGxYXI30-TuikuuUoFAA","ver":"1.0"}`

func parse(t *testing.T, text string) strictjson.Object {
	t.Helper()
	obj, err := strictjson.Parse([]byte(text))
	require.NoError(t, err)
	return obj
}

// wide is the inside of an object with n members.
func wide(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(strconv.Itoa(i)) + ":0")
	}
	return b.String()
}

func value(t *testing.T, raw string) strictjson.Value {
	t.Helper()
	obj := parse(t, `{"v":`+raw+`}`)
	v, ok := obj.Get("v")
	require.True(t, ok)
	return v
}

// agree holds Parse against the parsers that it must agree with, and says
// whether the text is an object.
func agree(t *testing.T, text string) bool {
	t.Helper()
	reference := jsontext.Value(text)
	obj, err := strictjson.Parse([]byte(text))
	if want := reference.IsValid() && reference.Kind() == '{'; want != (err == nil) {
		require.Failf(t, "another reading", "%q is JSON: %v; %v", text, want, err)
	}
	if err != nil {
		return false
	}
	var want map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &want), text)
	require.Equal(t, want, decode(t, obj.Value()), text)
	return true
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

// decode rebuilds a value through every accessor.
func decode(t *testing.T, v strictjson.Value) any {
	t.Helper()
	switch v.Kind() {
	case '"':
		s, err := v.Text()
		require.NoError(t, err)
		require.True(t, v.Is(s))
		return s
	case '0':
		n, err := v.Number()
		require.NoError(t, err)
		return n
	case 't', 'f':
		b, err := v.Bool()
		require.NoError(t, err)
		return b
	case '[':
		list := []any{}
		for e := range v.Elements() {
			list = append(list, decode(t, e))
		}
		return list
	case '{':
		return decodeObject(t, v)
	}
	require.Equal(t, "null", v.Raw())
	return nil
}

func decodeObject(t *testing.T, v strictjson.Value) any {
	t.Helper()
	nested, err := v.Object()
	require.NoError(t, err)
	object := map[string]any{}
	for name, m := range v.Members() {
		for _, get := range []func(string) (strictjson.Value, bool){v.Get, nested.Get} {
			same, ok := get(name)
			require.True(t, ok)
			require.Equal(t, m.Raw(), same.Raw())
		}
		object[name] = decode(t, m)
	}
	require.Len(t, object, nested.Len())
	return object
}

// same asserts that two texts are equal byte for byte, where equal as JSON is not enough.
func same(t *testing.T, want, got string) {
	t.Helper()
	if got != want {
		t.Errorf("%q is not %q", got, want)
	}
}

package strictjson_test

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// FuzzParse compares this package with the strict decoder of jsontext: both
// accept the same objects, up to the depth that is allowed here, and walking the
// index gives the same values.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		entraApp, `{}`, `[]`, `{"a":1,"a":2}`, `{"\u0061":"\\\"","b":[{"c":"]}"}]}`, " {\"a\" : [ ] }\n", `{"a":"\ud83d\ude00"}`,
		`{"a":1e400}`, `{"a":-0,"b":[1,2.5,true,false,null]}`, "{\"\xff\":1}", "{" + wide(70) + "}", `{"\u006":0}`, `{"a":[[[[]]]],"\ud800":"\udc00"}`, `{"a":{"b":{"c":["x"]}}}`, `{} {}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		reference := jsontext.Value(data)
		obj, err := strictjson.Parse(append([]byte(nil), data...))
		require.Equal(t, reference.IsValid() && reference.Kind() == '{' && depth(data) <= 64, err == nil, "%q: %v", data, err)
		var want map[string]any
		if err != nil || json.Unmarshal(data, &want) != nil { // numbers may overflow
			return
		}
		got := map[string]any{}
		for name := range obj.Names() {
			v, ok := obj.Get(name)
			require.True(t, ok)
			got[name] = decode(t, v)
		}
		assert.Equal(t, want, got)
	})
}

// depth is how deeply a valid text is nested.
func depth(data []byte) (deepest int) {
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := dec.ReadToken(); err != nil {
			return deepest
		}
		deepest = max(deepest, dec.StackDepth())
	}
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
		same, ok := v.Get(name)
		require.True(t, ok)
		require.Equal(t, m.Raw(), same.Raw())
		same, ok = nested.Get(name)
		require.True(t, ok)
		require.Equal(t, m.Raw(), same.Raw())
		object[name] = decode(t, m)
	}
	require.Len(t, object, nested.Len())
	return object
}

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

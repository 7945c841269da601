package strictjson_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

func TestTheMemberThatIsThereTwiceIsNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,"b":2,"a":3}`:           "a",
		`{"a":1,"\u0061":3}`:            "a",
		`{"cnf":{"jkt":"x","jkt":"y"}}`: "cnf/jkt",
		`{"a":[{},{"b":1,"b":2}]}`:      "a/1/b",
	} {
		path, found := strictjson.Duplicate([]byte(text))
		assert.True(t, found, text)
		assert.Equal(t, want, path, text)
	}
	for _, text := range []string{`{"a":1}`, `{"a":`, "", "7", `{"a":1}{"a":2}`} {
		_, found := strictjson.Duplicate([]byte(text))
		assert.False(t, found, text)
	}
}

package view_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/view"
)

func TestAViewIsTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", "eyJhbGciOiJSUzI1NiJ9", "\x00\xff é"} {
		data := []byte(text)
		assert.Equal(t, text, view.String(data))
		assert.Equal(t, string(data), string(view.Bytes(text)))
	}
}

func TestAViewCopiesNothing(t *testing.T) {
	t.Parallel()
	data := []byte("shared")
	text := view.String(data)
	assert.Same(t, unsafe.SliceData(data), unsafe.StringData(text))
	assert.Same(t, unsafe.StringData(text), unsafe.SliceData(view.Bytes(text)))
	assert.Len(t, view.Bytes(text), len(text))
}

func TestAPartOfATextIsWithinIt(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("abc", 10)
	for _, part := range []string{text, text[:1], text[29:], text[3:7]} {
		assert.True(t, view.Within(text, part))
		assert.False(t, view.Within(text, strings.Clone(part)), "the same letters elsewhere")
	}
	assert.False(t, view.Within(text[:10], text[9:12]))
	assert.False(t, view.Within(text[10:20], text[9:12]))
}

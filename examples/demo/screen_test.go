package main

import (
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
)

func TestWhatIsShownCanBePasted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-d", "a=b", "--data-urlencode", "secret=x y+/=&"},
		{"-u", "é%:s", "-d", "a=b"},
		{"-H", "Content-Type: application/json", "-d", `{"a":"b c"}`},
		{"-d", "a=it's"},
	} {
		var out testkit.Buffer
		request := devauth.TokenRequest{URL: "http://h/t", Args: args}
		(&screen{w: &out}).curl(request)
		assert.Equal(t, []devauth.TokenRequest{request}, curled(t, out.String(), ""))
	}
}

func TestATokenIsShortened(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "eyJhbGci…x3Q (1043 bytes)", shortened("eyJhbGci"+strings.Repeat("a", 1032)+"x3Q"))
	assert.Equal(t, "… (5 bytes)", shortened("short"))
}

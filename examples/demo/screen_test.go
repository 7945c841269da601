package main

import (
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
)

func TestWhatIsShownCanBePasted(t *testing.T) {
	t.Parallel()
	for _, request := range []devauth.TokenRequest{
		{URL: "http://h/t", Args: []string{"-d", "a=b", "--data-urlencode", "secret=x y+/=&"}},
		{URL: "http://h/t", Args: []string{"-u", "é%:s", "-d", "a=b"}},
		{URL: "http://h/t", Args: []string{"-H", "Content-Type: application/json", "-d", `{"a":"b c"}`}},
		{URL: "http://h/t", Args: []string{"-d", "a=it's"}},
	} {
		assert.Equal(t, []devauth.TokenRequest{request}, curled(t, strings.Join(curlLines(request, "no secret"), "\n"), ""))
	}
}

func TestTheSecretIsNotShown(t *testing.T) {
	t.Parallel()
	text := strings.Join(curlLines(devauth.TokenRequest{URL: "http://h/t", Args: []string{
		"-u", "id:s3cr3t", "--data-urlencode", "client_secret=s3cr3t", "-d", `{"client_secret":"s3cr3t"}`,
	}}, "s3cr3t"), "\n")
	assert.NotContains(t, text, "s3cr3t")
	assert.Equal(t, 3, strings.Count(text, hidden))
}

func TestATokenIsShortened(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "eyJhbGci…x3Q (1043 bytes)", shortened("eyJhbGci"+strings.Repeat("a", 1032)+"x3Q"))
	assert.Equal(t, "… (5 bytes)", shortened("short"))
}

package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACurlCommandIsReadAsAShellAndCurlWould(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, line, header, value, body string
	}{
		{
			"a form", `curl -s -X POST 'http://h/t' -d 'a=b' --data-urlencode 'secret=x y+/=&'`,
			"Content-Type", "application/x-www-form-urlencoded", "a=b&secret=x+y%2B%2F%3D%26",
		},
		{"HTTP Basic", `curl -s -X POST 'http://h/t' -u 'é%:s' -d 'a=b'`, "Authorization", "Basic w6klOnM=", "a=b"},
		{"JSON", `curl -s -X POST 'http://h/t' -H 'Content-Type: application/json' -d '{"a":"b c"}'`, "Content-Type", "application/json", `{"a":"b c"}`},
		{"a quote in quotes", `curl -s -X POST http://h/t -d 'a=it'\''s'`, "Content-Type", "application/x-www-form-urlencoded", "a=it's"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, err := readCurl(row.line)
			require.NoError(t, err)
			r, err := c.request(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "POST http://h/t", r.Method+" "+r.URL.String())
			assert.Equal(t, row.value, r.Header.Get(row.header))
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			assert.Equal(t, row.body, string(body))

			shown, err := readCurl(strings.ReplaceAll(strings.Join(c.lines("no secret"), "\n"), "\\\n", ""))
			require.NoError(t, err)
			assert.Equal(t, c, shown, "what is shown can be pasted")
		})
	}
	for _, line := range []string{"", "curl", "wget -s -X POST x", "curl -s -X POST", "curl -s -X POST http://h -d", "curl -s -X POST 'http://h"} {
		_, err := readCurl(line)
		assert.Error(t, err, line)
	}
	c, err := readCurl("curl -s -X POST http://h --insecure yes")
	require.NoError(t, err)
	_, err = c.request(t.Context())
	assert.ErrorContains(t, err, "--insecure")
}

func TestTheSecretIsNotShown(t *testing.T) {
	t.Parallel()
	c, err := readCurl(`curl -s -X POST 'http://h/t' -u 'id:s3cr3t' --data-urlencode 'client_secret=s3cr3t' -d '{"client_secret":"s3cr3t"}'`)
	require.NoError(t, err)
	text := strings.Join(c.lines("s3cr3t"), "\n")
	assert.NotContains(t, text, "s3cr3t")
	assert.Equal(t, 3, strings.Count(text, hidden))
}

func TestATokenIsShortened(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "eyJhbGci…x3Q (1043 bytes)", shortened("eyJhbGci"+strings.Repeat("a", 1032)+"x3Q"))
	assert.Equal(t, "… (5 bytes)", shortened("short"))
}

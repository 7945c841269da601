package devauth_test

import (
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEverySchemeHasItsThreeClientsWithSecretsOfThisStart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, h := range []*harness{start(t), start(t)} {
		for _, scheme := range devauth.Schemes {
			for name, levels := range map[string][]string{devauth.AllLevels: {"get", "post", "put", "delete"}, devauth.GetOnly: {"get"}, devauth.NoLevel: {}} {
				c := h.client(scheme, name)
				assert.Equal(t, levels, c.Levels)
				assert.NotEmpty(t, c.Audiences)
				assert.NotContains(t, c.ID, ":", "a colon ends the id in HTTP Basic")
				assert.Equal(t, c, h.client(scheme, c.ID))
				assert.GreaterOrEqual(t, len(c.Secret), 43, "256 bits")
				assert.False(t, seen[c.Secret])
				seen[c.Secret] = true
			}
		}
	}
	_, err := start(t).Client(devauth.OKQ8, "admin")
	require.Error(t, err)
}

func TestCurlWouldSendTheRequestThatIsSent(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args                []string
		header, value, body string
	}{
		{[]string{"-d", "a=b", "--data-urlencode", "secret=x y+/=&"}, "Content-Type", typeForm, "a=b&secret=x+y%2B%2F%3D%26"},
		{[]string{"-u", "é%:s", "-d", "a=b"}, "Authorization", "Basic w6klOnM=", "a=b"},
		{[]string{"-H", "Content-Type: application/json", "-d", `{"a":"b c"}`}, "Content-Type", typeJSON, `{"a":"b c"}`},
		{[]string{"-d", "a=it's"}, "Content-Type", typeForm, "a=it's"},
	} {
		request := devauth.TokenRequest{URL: "http://h/t", Args: row.args}
		r, err := request.Request(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "POST http://h/t", r.Method+" "+r.URL.String())
		assert.Equal(t, row.value, r.Header.Get(row.header))
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		assert.Equal(t, row.body, string(body))

		words, err := exec.CommandContext(t.Context(), "sh", "-c", `curl() { printf '%s\n' "$@"; }; `+request.Curl()).Output()
		require.NoError(t, err)
		assert.Equal(t, append([]string{"-s", "-X", "POST", "http://h/t"}, row.args...), strings.Split(strings.TrimSpace(string(words)), "\n"))
	}
	_, err := devauth.TokenRequest{URL: "http://h", Args: []string{"--insecure", "yes"}}.Request(t.Context())
	require.ErrorContains(t, err, "--insecure")
}

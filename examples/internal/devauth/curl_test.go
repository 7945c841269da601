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

func TestCurlLines(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, secret := h.credentials(devauth.OKQ8, devauth.AllLevels)
	request, err := h.TokenRequest(devauth.OKQ8, id, "")
	require.NoError(t, err)
	assert.Equal(t, "curl -s -X POST '"+h.base+"/"+devauth.Tenant+"/oauth2/v2.0/token' -d 'grant_type=client_credentials' -d 'client_id="+id+
		"' --data-urlencode 'client_secret="+secret+"' --data-urlencode 'scope=api://apim-x-api/.default'", request.Curl())

	id, secret = h.credentials(devauth.Messaging, devauth.GetOnly)
	request, err = h.TokenRequest(devauth.Messaging, id, "")
	require.NoError(t, err)
	assert.Equal(t, "curl -s -X POST '"+h.base+"/oauth/v2/token' -u 'leser-50%-blåbær:"+secret+"' -d 'grant_type=client_credentials'", request.Curl())

	id, secret = h.credentials(devauth.Bokbasen, devauth.GetOnly)
	request, err = h.TokenRequest(devauth.Bokbasen, id, "https://api.dev.bokbasen.io/order/")
	require.NoError(t, err)
	assert.Equal(t, "curl -s -X POST '"+h.base+"/oauth/token' -H 'Content-Type: application/json' -d '{\"audience\":\"https://api.dev.bokbasen.io/order/\",\"client_id\":\""+id+
		"\",\"client_secret\":\""+secret+"\",\"grant_type\":\"client_credentials\"}'", request.Curl())

	_, err = h.TokenRequest(devauth.Bokbasen, id, "https://elsewhere.example/")
	require.Error(t, err)
	_, err = h.TokenRequest(devauth.Bokbasen, "nobody", "")
	require.Error(t, err)
	_, err = h.TokenRequest("keycloak", "nobody", "")
	require.Error(t, err)
}

func TestCurlWouldSendTheRequestThatIsSent(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name                string
		args                []string
		header, value, body string
	}{
		{"a form", []string{"-d", "a=b", "--data-urlencode", "secret=x y+/=&"}, "Content-Type", "application/x-www-form-urlencoded", "a=b&secret=x+y%2B%2F%3D%26"},
		{"HTTP Basic", []string{"-u", "é%:s", "-d", "a=b"}, "Authorization", "Basic w6klOnM=", "a=b"},
		{"JSON", []string{"-H", "Content-Type: application/json", "-d", `{"a":"b c"}`}, "Content-Type", "application/json", `{"a":"b c"}`},
		{"a quote", []string{"-d", "a=it's"}, "Content-Type", "application/x-www-form-urlencoded", "a=it's"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
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
		})
	}
	_, err := devauth.TokenRequest{URL: "http://h", Args: []string{"--insecure", "yes"}}.Request(t.Context())
	require.ErrorContains(t, err, "--insecure")
}

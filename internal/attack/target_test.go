package attack_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/attack"
)

func TestWrongSettingsAreSaidTogether(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(c *attack.Config){
		"-url is missing":                                func(c *attack.Config) { c.URL = "" },
		"-url must be an address of http or https":       func(c *attack.Config) { c.URL = "ftp://127.0.0.1/" },
		"-url has a user or a fragment":                  func(c *attack.Config) { c.URL = "http://a@127.0.0.1/" },
		"-audience is missing":                           func(c *attack.Config) { c.Audience = "" },
		"-method is not the name of a method":            func(c *attack.Config) { c.Method = "GET /" },
		"-alg must be one of RS256":                      func(c *attack.Config) { c.Alg = "HS256" },
		"-header must be a name":                         func(c *attack.Config) { c.Header = []string{"X: a\r\nY: b"} },
		"-header cannot set authorization":               func(c *attack.Config) { c.Header = []string{"authorization: x"} },
		"-claim cannot set exp":                          func(c *attack.Config) { c.Claims = map[string]any{"exp": 1} },
		"-rate must be between":                          func(c *attack.Config) { c.Rate = 5000 },
		"-wait, -limit and -recovery":                    func(c *attack.Config) { c.Limit = -1 },
		"-listen must be a loopback address":             func(c *attack.Config) { c.Listen = "0.0.0.0:9000" },
		"-only knows no such group: there are key, kid,": func(c *attack.Config) { c.Only = []string{"nothing"} },
		"-skip needs a reason":                           func(c *attack.Config) { c.Skip = map[string]string{"size": " "} },
		"-skip knows neither a case nor a group":         func(c *attack.Config) { c.Skip = map[string]string{"nothing at all": "x"} },
	} {
		cfg := attack.Config{URL: "http://127.0.0.1:1/", Audience: audience, Listen: "127.0.0.1:0", Method: "GET", Alg: "RS256"}
		change(&cfg)
		_, err := attack.Run(t.Context(), cfg)
		var setting *attack.SettingError
		require.ErrorAs(t, err, &setting, want)
		assert.ErrorContains(t, err, want)
	}
	_, err := attack.Run(t.Context(), attack.Config{Alg: "none"})
	for _, want := range []string{"-url is missing", "-audience is missing", "-alg must be"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestOnlyWhatIsOnesOwnIsAttacked(t *testing.T) {
	t.Parallel()
	called := false
	l, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })}}
	server.Start()
	defer server.Close()
	cfg := attack.Config{URL: "http://192.0.2.1:1/orders", Audience: audience, Alg: "EdDSA"} // of RFC 5737: nobody's
	_, err = attack.Run(t.Context(), cfg)
	var setting *attack.SettingError
	require.ErrorAs(t, err, &setting)
	assert.ErrorContains(t, err, "-url is not on this machine (192.0.2.1): attack only what is yours, and say so with -this-api-is-mine")
	assert.False(t, called)
}

func TestASkippedNameMustBeThere(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"aud: another one": true, "aud": true, "path: HTTP/1.0": true, "aud: another": false, "path: HTTP/7": false} {
		report, err := newAPI(t, "EdDSA").attacked(t, func(c *attack.Config) {
			c.Only, c.Skip = []string{"aud", "path"}, map[string]string{name: "we know"}
		})
		if !ok {
			assert.ErrorContains(t, err, "-skip names no case and no group", name)
			continue
		}
		require.NoError(t, err, name)
		require.NotEmpty(t, report.Skipped, name)
		for _, s := range report.Skipped {
			assert.Equal(t, "we know", s.Why)
		}
	}
}

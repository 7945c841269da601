package sallyport_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/providers"
)

// Tests of this file set the environment, so they run alone.

// sound is an environment that says enough.
func sound(more map[string]string) map[string]string {
	all := map[string]string{sallyport.EnvIssuer: "https://issuer.example", sallyport.EnvAudience: "api://orders"}
	for name, value := range more {
		all[name] = value
	}
	return all
}

func TestAMisspeltVariableIsAnError(t *testing.T) {
	for name, meant := range map[string]string{
		"SALLYPORT_CLIENT":               "SALLYPORT_CLIENTS",
		"SALLYPORT_CLINETS":              "SALLYPORT_CLIENTS",
		"SALLYPORT_CLIENT_IDS":           "SALLYPORT_CLIENTS",
		"SALLYPORT_ALLOWED_CLIENTS":      "SALLYPORT_CLIENTS",
		"sallyport_clients":              "SALLYPORT_CLIENTS",
		"SALLYPORT-CLIENTS":              "SALLYPORT_CLIENTS",
		"SALLYPORT__CLIENTS":             "SALLYPORT_CLIENTS",
		"SALLYPORT_ISUER":                "SALLYPORT_ISSUER",
		"SALLYPORT_ISSUERS":              "SALLYPORT_ISSUER",
		"SALLYPORT_AUD":                  "SALLYPORT_AUDIENCE",
		"SALLYPORT_AUDIENCES":            "SALLYPORT_AUDIENCE",
		"SALLYPORT_JWKS_URI":             "SALLYPORT_JWKS_URL",
		"SALLYPORT_JWKS":                 "SALLYPORT_JWKS_URL",
		"SALLYPORT_DISCOVERY":            "SALLYPORT_DISCOVERY_URL",
		"SALLYPORT_TENANT_ID":            "SALLYPORT_TENANT",
		"SALLYPORT_PLAIN_HTTP":           "SALLYPORT_DANGEROUSLY_PLAIN_HTTP",
		"SALLYPORT_PROVIDERS":            "SALLYPORT_PROVIDER",
		"SALLYPORT_LEWAY":                "SALLYPORT_LEEWAY",
		"SALLYPORT_IGNORED":              "SALLYPORT_IGNORE",
		"SALLYPORT_CLIENTS_PORTS":        "SALLYPORT_CLIENTS", // almost a shape of Kubernetes
		"SALLYPORT_SERVICE_HOSTS":        "",
		"SALLYPORT_PORT_80":              "",
		"SALLYPORT_PORT_80_TCP_HOST":     "",
		"SALLYPORT_":                     "",
		"SALLYPORT_SOMETHING_ELSE_AGAIN": "",
	} {
		t.Run("112 an unknown variable is an error: "+name, func(t *testing.T) {
			environment(t, sound(map[string]string{name: "partner"}))
			g, err := sallyport.FromEnv()
			assert.Nil(t, g)
			require.ErrorContains(t, err, `the environment variable "`+name+`" is unknown: is `+meant)
			assert.ErrorContains(t, err, "goes into SALLYPORT_IGNORE")
			if meant != "" {
				assert.ErrorContains(t, err, "is "+meant+" meant?")
			}
			assert.NotContains(t, err.Error(), "partner", "its value is not repeated")
		})
	}
}

func TestVariablesThatAreForOthers(t *testing.T) {
	for name, more := range map[string]map[string]string{
		"a service of Kubernetes called sallyport": {
			"SALLYPORT_SERVICE_HOST": "10.0.0.11", "SALLYPORT_SERVICE_PORT": "8080", "SALLYPORT_SERVICE_PORT_HTTP": "8080",
			"SALLYPORT_PORT": "tcp://10.0.0.11:8080", "SALLYPORT_PORT_8080_TCP": "tcp://10.0.0.11:8080", "SALLYPORT_PORT_8080_TCP_PROTO": "tcp",
			"SALLYPORT_PORT_8080_TCP_PORT": "8080", "SALLYPORT_PORT_8080_TCP_ADDR": "10.0.0.11",
		},
		"a service called sallyport-demo-2": {
			"SALLYPORT_DEMO_2_SERVICE_HOST": "10.0.0.11", "SALLYPORT_DEMO_2_SERVICE_PORT": "53", "SALLYPORT_DEMO_2_SERVICE_PORT_DNS_UDP": "53",
			"SALLYPORT_DEMO_2_PORT": "udp://10.0.0.11:53", "SALLYPORT_DEMO_2_PORT_53_UDP": "udp://10.0.0.11:53", "SALLYPORT_DEMO_2_PORT_53_UDP_ADDR": "10.0.0.11",
			"SALLYPORT_DEMO_2_PORT_9_SCTP_PROTO": "sctp",
		},
		"names that are listed":             {"SALLYPORT_NEXT": "1", "SALLYPORT_OTHER": "2", sallyport.EnvIgnore: " SALLYPORT_OTHER  SALLYPORT_NEXT SALLYPORT_UNSET "},
		"a listed name that is read":        {sallyport.EnvIgnore: "SALLYPORT_AUDIENCE"},
		"names that only begin like it":     {"SALLYPORTS": "1", "SALLYPORTAL_ISSUER": "1", "MY_SALLYPORT_ISSUER": "1"},
		"variables that are set, but empty": {sallyport.EnvClients: "", sallyport.EnvTenant: "", sallyport.EnvLeeway: "", sallyport.EnvIgnore: "", sallyport.EnvJWKSURL: ""},
	} {
		environment(t, sound(more))
		g, err := sallyport.FromEnv()
		closing(t, g, err)
		assert.NoError(t, err, name)
	}
}

func TestOnlyWholeNamesAreIgnored(t *testing.T) {
	for _, name := range []string{"SALLYPORT_*", "SALLYPORT_C*", "*", "OTHER_NAME", "SALLYPORT", "SALLYPORT_CLIENT=x"} {
		environment(t, sound(map[string]string{sallyport.EnvIgnore: name, "SALLYPORT_CLIENT": "x"}))
		_, err := sallyport.FromEnv()
		assert.ErrorContains(t, err, "SALLYPORT_IGNORE holds \""+name+"\": give whole names", name)
		assert.ErrorContains(t, err, "is SALLYPORT_CLIENTS meant?", name)
	}
}

func TestALongNameIsCut(t *testing.T) {
	environment(t, sound(map[string]string{"SALLYPORT_\x1b[31m" + strings.Repeat("X", 5000): "x"}))
	_, err := sallyport.FromEnv()
	require.ErrorContains(t, err, `"SALLYPORT_\x1b[31mXXX`)
	assert.Less(t, len(err.Error()), 300)
}

func TestTheGuideListsEveryVariable(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/guide/environment.md")
	require.NoError(t, err)
	for _, f := range setting.Fields(&providers.Settings{}) {
		assert.Contains(t, string(page), "\n| `"+f.Env+"` |")
	}
	for _, preset := range providers.Names() {
		assert.Contains(t, string(page), "`"+preset+"`")
	}
}

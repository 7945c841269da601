package jwks_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestConfigMistakesAreReportedTogether(t *testing.T) {
	type row struct {
		cfg  jwks.FetcherConfig
		says []string
	}
	each(t, map[string]row{
		"nothing":               {jwks.FetcherConfig{}, []string{"set Issuer, or JWKSURL"}},
		"only a discovery URL":  {jwks.FetcherConfig{DiscoveryURL: issuerURL}, []string{"set Issuer, or JWKSURL"}},
		"a query in the issuer": {jwks.FetcherConfig{Issuer: issuerURL + "?p=1"}, []string{"has a query: set DiscoveryURL"}},
		"two addresses":         {jwks.FetcherConfig{Issuer: issuerURL, DiscoveryURL: issuerURL, JWKSURL: setURL}, []string{"leave one out"}},
		"negative durations": {
			jwks.FetcherConfig{Issuer: issuerURL, Timeout: -1, RefreshInterval: -1, MinRefreshInterval: -1, MaxRefreshInterval: -1, MaxStaleness: -1},
			[]string{"Timeout is -1ns", "RefreshInterval is -1ns", "MinRefreshInterval", "MaxRefreshInterval", "MaxStaleness is -1ns"},
		},
		"less than a second":           {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: time.Millisecond}, []string{"RefreshInterval is 1ms: set at least 1s"}},
		"bounds the wrong way round":   {jwks.FetcherConfig{Issuer: issuerURL, MinRefreshInterval: 2 * time.Hour, MaxRefreshInterval: time.Hour}, []string{"more than MaxRefreshInterval"}},
		"an interval above its bounds": {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: 2 * time.Hour, MaxRefreshInterval: time.Hour}, []string{"not between"}},
		"an interval below its bounds": {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: time.Minute, MinRefreshInterval: time.Hour}, []string{"not between"}},
		"all of them": {
			jwks.FetcherConfig{DiscoveryURL: "http://x.example", JWKSURL: "nowhere", Timeout: -1},
			[]string{"DiscoveryURL", "JWKSURL", "Timeout"},
		},
	}, func(t *testing.T, row row) {
		f, err := jwks.NewFetcher(row.cfg)
		for _, says := range row.says {
			require.ErrorContains(t, err, says)
		}
		assert.EqualError(t, row.cfg.Validate(), err.Error())
		assert.Nil(t, f)
	})
}

func TestConfigAcceptsItsBounds(t *testing.T) {
	each(t, map[string]jwks.FetcherConfig{
		"least of everything":                             {JWKSURL: setURL, Timeout: time.Millisecond, RefreshInterval: time.Second, MinRefreshInterval: time.Second, MaxRefreshInterval: time.Second, MaxStaleness: time.Second},
		"at the upper bound":                              {JWKSURL: setURL, RefreshInterval: time.Hour, MaxRefreshInterval: time.Hour},
		"at the lower bound":                              {JWKSURL: setURL, RefreshInterval: time.Hour, MinRefreshInterval: time.Hour},
		"any issuer's name, where it is not where to ask": {Issuer: "no url?", JWKSURL: setURL},
		"an issuer with a query and metadata elsewhere":   {Issuer: issuerURL + "?p=1", DiscoveryURL: issuerURL},
	}, func(t *testing.T, cfg jwks.FetcherConfig) {
		require.NoError(t, cfg.Validate())
		newFetcher(t, cfg)
	})
}

func TestConfigDefaultsMakeRoomForWhatIsSet(t *testing.T) {
	type row struct {
		cfg    jwks.FetcherConfig
		header string
		want   time.Duration // the refresh interval, less up to a tenth
	}
	eachInBubble(t, map[string]row{
		"the defaults":                        {jwks.FetcherConfig{}, "", 15 * time.Minute},
		"an interval below the lower bound":   {jwks.FetcherConfig{RefreshInterval: 5 * time.Second}, "", 5 * time.Second},
		"which then holds for the server too": {jwks.FetcherConfig{RefreshInterval: 5 * time.Second}, "max-age=0", 5 * time.Second},
		"an interval above the upper bound":   {jwks.FetcherConfig{RefreshInterval: 48 * time.Hour, MaxStaleness: 1000 * time.Hour}, "", 48 * time.Hour},
		"an upper bound alone":                {jwks.FetcherConfig{MaxRefreshInterval: 5 * time.Second}, "max-age=3600", 5 * time.Second},
		"a lower bound alone":                 {jwks.FetcherConfig{MinRefreshInterval: 48 * time.Hour, MaxStaleness: 1000 * time.Hour}, "", 48 * time.Hour},
	}, func(t *testing.T, row row) {
		s := newServer(setOf("a"))
		if row.header != "" {
			s.set("Cache-Control", row.header)
		}
		row.cfg.JWKSURL, row.cfg.Client = setURL, &http.Client{Transport: s}
		f := readyFetcher(t, row.cfg)
		next := time.Until(f.Status().NextRefresh)
		assert.LessOrEqual(t, next, row.want)
		assert.GreaterOrEqual(t, next, row.want*9/10)
	})
}

func TestEveryAddressIsHeldToTheSameRules(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://issuer.example/x":      "use https: plain http is for loopback addresses, localhost and the hosts in DangerouslyPlainHTTP; put \"issuer.example\" there only if",
		"http://127.0.0.1.example/x":   "use https: plain http is for",
		"http://localhost.example/x":   "use https: plain http is for",
		"http://10.0.0.1/x":            "use https: plain http is for", // a private network
		"ftp://127.0.0.1/x":            "use https",
		"gopher://localhost/x":         "use https",
		"file:///etc/passwd":           "no absolute URL",
		"issuer.example/x":             "no absolute URL: start it with https://",
		"https://issuer.example/x#top": "has a fragment",
		"https://me@issuer.example/x":  "holds a user name: let Client add credentials",
		"https://issuer.example:port/": "not a URL",
		"https://issuer.example/%zz":   "not a URL",
		"https://issuer.example/x\n":   "it begins or ends with white space",
		"\"https://issuer.example/x\"": "it holds a quotation mark",
		"https://<tenant>.example/":    "it holds a placeholder",
	} {
		for name, cfg := range map[string]jwks.FetcherConfig{
			"JWKSURL":      {JWKSURL: address},
			"DiscoveryURL": {Issuer: "https://issuer.example", DiscoveryURL: address},
			"Issuer":       {Issuer: address},
		} {
			_, err := jwks.NewFetcher(cfg)
			assert.ErrorContains(t, err, "jwks: "+name+" ", address)
			assert.ErrorContains(t, err, want, "%s %s", name, address)
		}
	}
	for _, address := range []string{"https://issuer.example/x", "http://127.0.0.1:80/x", "http://127.8.9.10:9000", "http://[::1]/x", "http://localhost/x", "http://LocalHost:8080/x"} {
		for _, cfg := range []jwks.FetcherConfig{{JWKSURL: address}, {Issuer: "https://issuer.example", DiscoveryURL: address}, {Issuer: address}} {
			_, err := jwks.NewFetcher(cfg)
			assert.NoError(t, err, address)
		}
	}
}

func TestAMistakeInAnAddressRepeatsNoPassword(t *testing.T) {
	t.Parallel()
	_, err := jwks.NewFetcher(jwks.FetcherConfig{JWKSURL: "https://me:hunter2@issuer.example/x"})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hunter2")
	assert.Contains(t, err.Error(), "issuer.example/x", "which address it is about")

	_, err = jwks.NewFetcher(jwks.FetcherConfig{JWKSURL: "https://me:hunter2@issuer.example:port/x", DangerouslyPlainHTTP: []string{"me:hunter2@keycloak"}})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hunter2", "nor what cannot be parsed")
}

func TestHostsThatMayBeAskedWithoutTLS(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		named, address string
		may            bool
	}{
		{"keycloak", "http://keycloak/realms/x", true},
		{"keycloak", "http://keycloak:8080/realms/x", true},
		{"keycloak:8080", "http://keycloak:8080/realms/x", true},
		{"Keycloak:8080", "HTTP://KEYCLOAK:8080/realms/x", true},
		{"keycloak:80", "http://keycloak/realms/x", true},
		{"host.docker.internal", "http://host.docker.internal:9000", true},
		{"auth_server", "http://auth_server:8080", true},
		{"10.0.0.7:8080", "http://10.0.0.7:8080", true},
		{"fd00::7", "http://[fd00::7]:8080", true},
		{"[fd00::7]:8080", "http://[fd00:0::7]:8080", true},
		{"keycloak:8080", "http://keycloak/realms/x", false},
		{"keycloak:8080", "http://keycloak:8081/realms/x", false},
		{"keycloak", "http://keycloak.example/realms/x", false},
		{"keycloak", "http://keycloak.evil:8080/", false},
		{"keycloak", "http://my.keycloak/", false},
		{"keycloak", "http://evil.example/keycloak", false},
		{"keycloak", "http://evil.example?keycloak", false},
		{"[fd00::7]:8080", "http://[fd00::7]", false},
		{"keycloak", "ftp://keycloak/", false},
		{"keycloak", "http://me@keycloak/", false},
	} {
		for name, cfg := range map[string]jwks.FetcherConfig{
			"JWKSURL":      {JWKSURL: row.address},
			"DiscoveryURL": {Issuer: "https://issuer.example", DiscoveryURL: row.address},
			"Issuer":       {Issuer: row.address},
		} {
			require.Error(t, cfg.Validate(), "%s %s is not named yet", name, row.address)
			cfg.DangerouslyPlainHTTP = []string{"other", row.named}
			assert.Equal(t, row.may, cfg.Validate() == nil, "%s %s: %s %v", row.named, name, row.address, cfg.Validate())
		}
	}
}

func TestWhatIsNoHostIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"", " ", "*", "*.example", "http://keycloak:8080", "keycloak/realms", "keycloak:", "keycloak:0", "keycloak:65536", "keycloak:http",
		"keycloak:8080,auth", "keycloak auth", ":8080", "[fd00::7]8080", "[fd00::7]:", "[keycloak]:80", `"keycloak"`, "key#cloak",
	} {
		cfg := jwks.FetcherConfig{Issuer: "https://issuer.example", DangerouslyPlainHTTP: []string{host}}
		assert.ErrorContains(t, cfg.Validate(), "jwks: DangerouslyPlainHTTP: ", host)
		assert.ErrorContains(t, cfg.Validate(), "give a host, or a host and a port, such as keycloak:8080", host)
	}
}

func TestAnIssuerThatIsNoAddressSaysToGiveTheKeys(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"http://adfs.example/adfs/services/trust", "accounts.google.com", "urn:example:issuer", "my issuer", "spiffe://example.org"} {
		cfg := jwks.FetcherConfig{Issuer: issuer}
		assert.ErrorContains(t, cfg.Validate(), "if tokens do have this iss, give the keys' address with it: JWKSURL or DiscoveryURL", issuer)
		cfg.JWKSURL = setURL
		assert.NoError(t, cfg.Validate(), issuer)
		cfg.JWKSURL, cfg.DiscoveryURL = "", issuerURL
		assert.NoError(t, cfg.Validate(), issuer)
	}
}

// A jwks_uri is https unless its document came by http, and then goes only where
// plain http may go.
//
// RFC 8414 section 2: https://www.rfc-editor.org/rfc/rfc8414#section-2
func TestWhereADocumentMaySend(t *testing.T) {
	type row struct {
		document, set string
		plain         []string
		says          string // "" where keys are fetched
	}
	const compose, local = "http://keycloak:8080/realms/x", "http://127.0.0.1:9000"
	eachInBubble(t, map[string]row{
		"106 from https to https":                       {issuerURL, "https://cdn.example/keys", nil, ""},
		"106 from https to loopback":                    {issuerURL, "http://127.0.0.1:9000/keys", nil, "use https: the document came by https, and so must the keys"},
		"106 from https to localhost":                   {issuerURL, "http://localhost/keys", nil, "the document came by https"},
		"106 from https to a host that may":             {issuerURL, "http://keycloak:8080/keys", []string{"keycloak"}, "the document came by https"},
		"106 from https to a host that may not":         {issuerURL, "http://169.254.169.254/keys", nil, "use https: plain http is for"},
		"106 from loopback to loopback":                 {local, "http://[::1]:9000/keys", nil, ""},
		"106 from loopback to https":                    {local, setURL, nil, ""},
		"106 from loopback to a host that may":          {local, "http://keycloak/keys", []string{"keycloak"}, ""},
		"106 from loopback to a host that may not":      {local, "http://keycloak/keys", nil, `put "keycloak" there`},
		"106 from a host that may to itself":            {compose, "http://keycloak:8080/realms/x/certs", []string{"keycloak:8080"}, ""},
		"106 from a host that may to its other port":    {compose, "http://keycloak:9999/certs", []string{"keycloak:8080"}, "use https: plain http is for"},
		"106 from a host that may to one that may not":  {compose, "http://metadata.internal/certs", []string{"keycloak"}, "use https: plain http is for"},
		"106 from a host that may to another scheme":    {compose, "ftp://keycloak:8080/certs", []string{"keycloak:8080"}, "use https"},
		"106 from a host that may to https":             {compose, setURL, []string{"keycloak:8080"}, ""},
		"106 from https in capitals to http":            {"HTTPS://issuer.example", "http://localhost/keys", nil, "the document came by https"},
		"106 from http in capitals to http in capitals": {"HTTP://localhost", "HTTP://localhost/keys", nil, ""},
	}, func(t *testing.T, row row) {
		s := newServer("")
		s.respond(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, oidcPath) {
				return reply(r, http.StatusOK, metadata(row.document, row.set), nil), nil
			}
			return reply(r, http.StatusOK, setOf("a"), nil), nil
		})
		cfg := s.discovering(row.document)
		cfg.DangerouslyPlainHTTP = row.plain
		f := newFetcher(t, cfg)
		if len(row.plain) > 0 {
			row.plain[0] = "changed" // the Fetcher has its own
		}
		err := f.Refresh(t.Context(), "a")
		if row.says == "" {
			require.NoError(t, err)
			assert.True(t, hasKid(f, "a"))
			return
		}
		require.ErrorContains(t, err, row.says)
		assert.Equal(t, 1, s.count(), "the address is not asked")
	})
}

func TestAHostThatMayBeAskedWithoutTLSRedirectsNowhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.respond(func(r *http.Request) (*http.Response, error) {
			return reply(r, http.StatusFound, "", http.Header{"Location": {"http://keycloak:8080/elsewhere"}}), nil
		})
		f := newFetcher(t, jwks.FetcherConfig{JWKSURL: "http://keycloak:8080/certs", DangerouslyPlainHTTP: []string{"keycloak:8080"}, Client: &http.Client{Transport: s}})
		require.ErrorContains(t, f.Refresh(t.Context(), "a"), "redirects are not followed")
		assert.Equal(t, 1, s.count())
	})
}

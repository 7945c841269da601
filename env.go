package sallyport

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/internal/variables"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

// The environment variables that [FromEnv] reads for every preset. What one
// preset needs beside them is in [providers.Settings]. An empty variable counts as
// not set.
const (
	// EnvIssuer is the iss claim, byte for byte. For auth0 it is the domain
	// alone, for entra it stays empty.
	EnvIssuer = "SALLYPORT_ISSUER"
	// EnvAudience is the aud values that mean this API, separated by spaces.
	EnvAudience = "SALLYPORT_AUDIENCE"
	// EnvProvider is the name of a preset, one of [providers.Names]. Without it
	// generic is meant.
	EnvProvider = "SALLYPORT_PROVIDER"
	// EnvTenant is the tenant's GUID, for entra.
	EnvTenant = "SALLYPORT_TENANT"
	// EnvClients are the client ids that may call, separated by spaces; empty for all.
	EnvClients = "SALLYPORT_CLIENTS"
	// EnvJWKSURL is the key set's address, for issuers without discovery.
	EnvJWKSURL = "SALLYPORT_JWKS_URL"
	// EnvDiscoveryURL is the discovery document's address, where it does not
	// follow from the issuer.
	EnvDiscoveryURL = "SALLYPORT_DISCOVERY_URL"
	// EnvDangerouslyPlainHTTP are the hosts that may be asked without TLS, as
	// host or host:port, separated by spaces.
	EnvDangerouslyPlainHTTP = "SALLYPORT_DANGEROUSLY_PLAIN_HTTP"
	// EnvLeeway is the leeway for clocks, such as 30s; 0s is none.
	EnvLeeway = "SALLYPORT_LEEWAY"
	// EnvProfile is the [Profile]: rfc9068, fapi2 or mcp. What it needs of the Guard
	// is said in code.
	EnvProfile = "SALLYPORT_PROFILE"
	// EnvIgnore are other variables that begin with SALLYPORT_ and are not for
	// this program, separated by spaces. Any other is an error.
	EnvIgnore = "SALLYPORT_IGNORE"
)

// FromEnv protects an API as the environment says, so that one binary runs in
// PROD and TEST and a token of the one is refused by the other. See the Env
// constants and [providers.Settings] for the variables; an unknown one that
// begins with SALLYPORT_ is an error, but for those that Kubernetes sets for a
// service called sallyport or sallyport-anything. cfg is what the environment
// does not say; at most one is taken.
func FromEnv(cfg ...Config) (*Gate, error) {
	var c Config
	if len(cfg) > 0 {
		c = cfg[0]
	}
	given := c // in code
	problems := []error{variables.Unknown(), impossibleValues(), leewayFromEnv(&c.Verifier.Leeway), profileFromEnv(&c.Profile)}
	if len(cfg) > 1 {
		problems = append(problems, errors.New("sallyport: FromEnv takes at most one Config"))
	}
	c.Keys.DangerouslyPlainHTTP = slices.Concat(c.Keys.DangerouslyPlainHTTP, listFromEnv(EnvDangerouslyPlainHTTP))
	p, err := providerFromEnv(&c)
	if err := errors.Join(append(problems, err)...); err != nil {
		_, more := given.compose(err)
		return nil, errors.Join(err, more)
	}
	c.fromEnv = []providers.Provider{p}
	return Open(c)
}

func listFromEnv(name string) []string { return strings.Fields(os.Getenv(name)) }

// impossibleValues reports values that can match nothing. They are not repeated
// where they may hold a password.
func impossibleValues() error {
	var problems []error
	say := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("sallyport: the environment variable "+format, args...))
	}
	texts, lists := []string{EnvProvider, EnvLeeway, EnvProfile}, []string{EnvDangerouslyPlainHTTP, EnvIgnore}
	for _, f := range setting.Fields(&providers.Settings{}) {
		if f.List {
			lists = append(lists, f.Env)
		} else {
			texts = append(texts, f.Env)
		}
	}
	for _, name := range texts {
		if flaw := setting.Flaw(os.Getenv(name)); flaw != "" {
			say("%s %s", name, flaw)
		}
	}
	for _, name := range lists {
		values := listFromEnv(name)
		if len(values) == 0 && os.Getenv(name) != "" && name != EnvAudience { // which is reported as not set
			say("%s holds white space alone", name)
		}
		for _, value := range values {
			if flaw := setting.ListFlaw(value); flaw != "" {
				say("%s: %.100q %s: separate values by spaces", name, value, flaw)
			}
		}
	}
	if os.Getenv(EnvJWKSURL) != "" && os.Getenv(EnvDiscoveryURL) != "" {
		say("%s is set beside %s: leave one out", EnvDiscoveryURL, EnvJWKSURL)
	}
	return errors.Join(problems...)
}

// variableNames returns the variables that settings are read from, by what the
// packages call them.
func variableNames() setting.Names {
	names := setting.NamesBy(setting.Fields(&providers.Settings{}), func(f setting.Field) string { return f.Env })
	names["preset"], names["Leeway"], names["Keys.DangerouslyPlainHTTP"] = EnvProvider, EnvLeeway, EnvDangerouslyPlainHTTP
	return names
}

// providerFromEnv returns the Provider that the environment describes, to be
// used with c. Its mistakes are found before they are mixed with those of c, so
// that each is named by where it was made.
func providerFromEnv(c *Config) (providers.Provider, error) {
	if impossibleValues() != nil {
		return providers.Provider{}, nil //nolint:nilerr // FromEnv reports it
	}
	var s providers.Settings
	for _, f := range setting.Fields(&s) {
		f.Set(os.Getenv(f.Env))
	}
	p := providers.Named(os.Getenv(EnvProvider), s)
	alone := Config{Providers: []providers.Provider{p}, Verifier: verifier.Config{Leeway: c.Verifier.Leeway}}
	alone.Keys.DangerouslyPlainHTTP = c.Keys.DangerouslyPlainHTTP
	_, err := alone.compose(nil)
	return p, setting.Rename(err, "sallyport: the environment variable ", variableNames())
}

// leewayFromEnv sets what the environment says: 0 too, which in a Config would
// be the default.
func leewayFromEnv(leeway *time.Duration) error {
	d, set, err := variables.Leeway()
	if set {
		*leeway = cmp.Or(d, -1)
	}
	return err
}

// profileFromEnv sets what the environment says. One that code has set is not
// replaced: that could make it laxer.
func profileFromEnv(profile *Profile) error {
	named := Profile(os.Getenv(EnvProfile))
	switch {
	case named == "":
	case !slices.Contains(profiles, named):
		return fmt.Errorf("sallyport: the environment variable %s is %.40q: use %s", EnvProfile, string(named), profileNames)
	case *profile != "" && *profile != named:
		return fmt.Errorf("sallyport: the environment variable %s is %s, and Config.Profile is %.40q: leave one out", EnvProfile, named, string(*profile))
	default:
		*profile = named
	}
	return nil
}

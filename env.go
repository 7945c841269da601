package sallyport

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/providers"
)

// The environment variables that [FromEnv] reads.
const (
	// EnvIssuer is the iss claim, byte for byte. For auth0 it is the domain
	// alone, for entra it stays empty.
	EnvIssuer = "SALLYPORT_ISSUER"
	// EnvAudience is the aud values that mean this API, separated by spaces.
	EnvAudience = "SALLYPORT_AUDIENCE"
	// EnvProvider is generic (the default), entra, auth0-permissions or auth0-scopes.
	EnvProvider = "SALLYPORT_PROVIDER"
	// EnvTenant is the tenant's GUID, for entra.
	EnvTenant = "SALLYPORT_TENANT"
	// EnvClients are the client ids that may call, separated by spaces; empty for all.
	EnvClients = "SALLYPORT_CLIENTS"
	// EnvJWKSURL is the key set's address, for issuers without discovery.
	EnvJWKSURL = "SALLYPORT_JWKS_URL"
	// EnvLeeway is the leeway for clocks, such as 30s; 0s is none.
	EnvLeeway = "SALLYPORT_LEEWAY"
)

// FromEnv returns a Gate as the environment variables configure it, so that one
// binary runs in PROD and TEST and a token of the one is refused by the other.
// See the Env constants for the variables. cfg, at most one, is the rest of the
// configuration: the provider of the environment is added to its Providers.
// Every mistake in the environment is reported at once.
func FromEnv(cfg ...Config) (*Gate, error) {
	var c Config
	if len(cfg) > 0 {
		c = cfg[0]
	}
	p, err := providerFromEnv()
	problems := []error{err, leewayFromEnv(&c.Verifier.Leeway)}
	if len(cfg) > 1 {
		problems = append(problems, errors.New("sallyport: FromEnv takes at most one Config"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	c.Providers = append(c.Providers[:len(c.Providers):len(c.Providers)], p)
	return Open(c)
}

// providerFromEnv names the variables in its errors, where the presets name
// their arguments.
func providerFromEnv() (providers.Provider, error) {
	spec := providers.Spec{
		Preset:    os.Getenv(EnvProvider),
		Issuer:    os.Getenv(EnvIssuer),
		Tenant:    os.Getenv(EnvTenant),
		Audiences: strings.Fields(os.Getenv(EnvAudience)),
		Clients:   strings.Fields(os.Getenv(EnvClients)),
		JWKSURL:   os.Getenv(EnvJWKSURL),
	}
	issuer, variable := spec.Issuer, EnvIssuer
	if spec.Preset == "entra" {
		issuer, variable = spec.Tenant, EnvTenant
	}
	if err := errors.Join(needed(variable, issuer != ""), needed(EnvAudience, len(spec.Audiences) > 0)); err != nil {
		return providers.Provider{}, err
	}
	p := spec.Provider()
	if p.Err != nil {
		return p, fmt.Errorf("sallyport: the environment variables %s, %s and %s do not fit: %w", EnvProvider, EnvIssuer, EnvTenant, p.Err)
	}
	return p, nil
}

// leewayFromEnv sets the leeway of the environment, where 0 is none; in a Config
// it would be the default.
func leewayFromEnv(leeway *time.Duration) error {
	text := os.Getenv(EnvLeeway)
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("sallyport: %s is %q: give a duration such as 30s", EnvLeeway, text)
	}
	*leeway = d
	if d == 0 {
		*leeway = -1
	}
	return nil
}

func needed(name string, ok bool) error {
	if ok {
		return nil
	}
	return fmt.Errorf("sallyport: the environment variable %s is not set", name)
}

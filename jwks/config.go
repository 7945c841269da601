package jwks

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/internal/version"
)

// The defaults, which the fields of [FetcherConfig] state too.
const (
	defaultTimeout            = 5 * time.Second
	defaultRefreshInterval    = 15 * time.Minute
	defaultMinRefreshInterval = time.Minute
	defaultMaxRefreshInterval = 24 * time.Hour
	defaultMaxStaleness       = 24 * time.Hour
	defaultCooldown           = 10 * time.Second
)

// Bounds that are not for configuration.
const (
	minSpacing = time.Second // between the starts of two fetches
	maxBackoff = time.Minute
	maxMemory  = time.Minute // of a withdrawn kid that a fetch did not bring back
	maxIdle    = time.Hour   // until a withdrawn kid that no token names is forgotten
)

// FetcherConfig configures a [Fetcher]. Either Issuer or JWKSURL is required.
// Zero durations mean the defaults; negative ones are mistakes, except where
// said. URLs are https; http is accepted for loopback addresses, localhost and
// the hosts in DangerouslyPlainHTTP.
type FetcherConfig struct {
	_ [0]func()

	// Issuer is the issuer that the discovery document has to name, compared
	// byte by byte: a trailing slash counts. With JWKSURL it is only a name,
	// for events, metrics and errors.
	Issuer string
	// DiscoveryURL is where the discovery document lies, if not where the
	// standards put it: Issuer + /.well-known/openid-configuration (OpenID
	// Connect Discovery 1.0 section 4), then, if nothing is there,
	// /.well-known/oauth-authorization-server between host and path of Issuer
	// (RFC 8414 section 3). Issuer still says what it has to name.
	DiscoveryURL string
	// JWKSURL is a fixed address of the JWK Set: there is no discovery.
	JWKSURL string
	// DangerouslyPlainHTTP are hosts that may be asked without TLS, each as host
	// or host:port, compared without regard to case: a service of a compose file
	// (keycloak:8080), one behind the sidecars of a mesh, host.docker.internal.
	// Who can get between can replace the keys, and so forge any token. The
	// jwks_uri of a document may be http only if the document came by http.
	DangerouslyPlainHTTP []string

	// Client makes the requests: its transport can trust a private CA, use a
	// proxy, add a bearer token. It is copied; redirects are refused all the
	// same. nil is a client of the Fetcher's own.
	Client *http.Client
	// UserAgent is "sallyport/<version>" by default.
	UserAgent string
	// Timeout bounds one fetch, discovery and JWK Set together. Default 5 s.
	Timeout time.Duration

	// RefreshInterval is used when the server sends no Cache-Control. Default
	// 15 min, within the bounds below.
	RefreshInterval time.Duration
	// MinRefreshInterval and MaxRefreshInterval bound what the server says. At
	// least a second; by default 1 min and 24 h, widened to hold
	// RefreshInterval and each other.
	MinRefreshInterval, MaxRefreshInterval time.Duration
	// MaxStaleness is how long keys are trusted that could not be confirmed:
	// for so long an outage of the issuer is survived, and a key that it
	// withdraws meanwhile is accepted. Default 24 h. Keys are refreshed at
	// least twice as often.
	MaxStaleness time.Duration
	// Cooldown is how often unknown kids may cause a fetch that does not bring
	// them, after a burst of 5. While that is used up they are refused without
	// waiting, and one fetch for them all runs at the end of each cooldown. It is
	// also how long a kid is refused that a fetch for it did not bring. Default
	// 10 s. Negative means none, which lets anybody cause a fetch per second.
	Cooldown time.Duration

	// OnEvent is called after every fetch, by the fetching goroutine and outside
	// of locks, when Snapshot already returns the new keys and before callers
	// that wait for them go on. It must not block, and must not call Ready,
	// Refresh or Close. A panic in it is not recovered and ends the process.
	OnEvent func(Event)
	// MeterProvider measures fetches and keys, TracerProvider traces fetches. nil
	// is none. See docs/guide/telemetry.md.
	MeterProvider  metric.MeterProvider
	TracerProvider trace.TracerProvider
	// Label is what metrics and spans call the issuer. "" is Issuer or, without
	// one, JWKSURL. Fetchers of issuers that come and go share one label, so that
	// there is no series for each.
	Label string
}

// Validate reports every mistake in the configuration, joined to one error.
// [NewFetcher] calls it.
func (c FetcherConfig) Validate() error {
	return errors.Join(append(c.checkAddresses(), c.checkDurations()...)...)
}

// withDefaults returns a valid configuration with every default filled in.
func (c FetcherConfig) withDefaults() FetcherConfig {
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.MaxStaleness = cmp.Or(c.MaxStaleness, defaultMaxStaleness)
	c.Cooldown = max(0, cmp.Or(c.Cooldown, defaultCooldown))
	c.UserAgent = cmp.Or(c.UserAgent, "sallyport/"+version.Built())
	c.RefreshInterval, c.MinRefreshInterval, c.MaxRefreshInterval = c.intervals()
	c.DangerouslyPlainHTTP = slices.Clone(c.DangerouslyPlainHTTP)
	return c
}

// intervals returns the refresh interval and its bounds: the defaults make room
// for what is set.
func (c FetcherConfig) intervals() (usual, least, most time.Duration) {
	usual, least, most = c.RefreshInterval, c.MinRefreshInterval, c.MaxRefreshInterval
	if most == 0 {
		most = max(defaultMaxRefreshInterval, usual, least)
	}
	if least == 0 {
		room := cmp.Or(usual, most) * 9 / 10 // for the spread ahead of it
		least = max(minSpacing, min(defaultMinRefreshInterval, room))
	}
	return min(max(cmp.Or(usual, defaultRefreshInterval), least), most), least, most
}

func (c FetcherConfig) checkDurations() []error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"Timeout", c.Timeout, time.Millisecond},
		{"RefreshInterval", c.RefreshInterval, minSpacing},
		{"MinRefreshInterval", c.MinRefreshInterval, minSpacing},
		{"MaxRefreshInterval", c.MaxRefreshInterval, minSpacing},
		{"MaxStaleness", c.MaxStaleness, minSpacing},
	} {
		if d.value != 0 && d.value < d.least {
			errs = append(errs, fmt.Errorf("jwks: %s is %v: set at least %v, or 0 for the default", d.name, d.value, d.least))
		}
	}
	usual, least, most := c.RefreshInterval, c.MinRefreshInterval, c.MaxRefreshInterval
	if least > 0 && most > 0 && least > most {
		errs = append(errs, fmt.Errorf("jwks: MinRefreshInterval %v is more than MaxRefreshInterval %v", least, most))
	}
	if usual > 0 && (usual < least || most > 0 && usual > most) {
		errs = append(errs, fmt.Errorf("jwks: RefreshInterval %v is not between MinRefreshInterval and MaxRefreshInterval", usual))
	}
	return errs
}

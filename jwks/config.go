package jwks

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/internal/setting"
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
	// same. nil is a client of the package's own, whose transport is a copy of
	// [http.DefaultTransport] that Fetchers share.
	Client *http.Client
	// PublicNetworksOnly dials no address that is loopback, link-local, private,
	// shared by a provider, multicast or reserved, whatever a name resolves to and
	// however IPv6 writes it: for addresses that strangers choose. No proxy is used,
	// because it would dial in its place. A Transport of Client then is an
	// *http.Transport without Proxy and Dial functions, of which a copy is used.
	PublicNetworksOnly bool
	// CAFile is a file of certificates in PEM form: the servers are trusted by
	// these alone, and not by those of the system or of Client, whose Transport
	// then is an *http.Transport or nil. It is read again for every fetch, so
	// that it may be replaced at any time.
	CAFile string
	// BearerFile is a file with a token that the server asks for, as a Kubernetes
	// API server does. It is read for every request, so that it may rotate, and
	// sent to the scheme, host and port that are configured, of JWKSURL, else
	// DiscoveryURL, else Issuer. No other server gets it: neither a jwks_uri on
	// another host, nor one that a redirect names.
	BearerFile string
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

	// names are what the settings are called in the mistakes that a fetch finds,
	// each renaming what the one before it says.
	names []setting.Names
}

// A program whose settings are variables or flags has mistakes named by those.
var _ = setting.RegisterFetches(func(cfg any, names setting.Names) {
	if c, ok := cfg.(*FetcherConfig); ok {
		c.names = append([]setting.Names{names}, c.names...)
	}
})

// Validate reports every mistake in the configuration, joined to one error. It
// reads CAFile and BearerFile. [NewFetcher] calls it.
func (c FetcherConfig) Validate() error {
	problems := slices.Concat(c.checkAddresses(), c.checkDurations())
	for _, err := range []error{c.checkAuthority(), c.checkBearer(), c.checkNetworks()} {
		if err != nil {
			problems = append(problems, fmt.Errorf("jwks: %w", err))
		}
	}
	return errors.Join(problems...)
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

// The settings that mistakes name.
const (
	nameIssuer       setting.Name = "Issuer"
	nameDiscoveryURL setting.Name = "DiscoveryURL"
	nameJWKSURL      setting.Name = "JWKSURL"
	nameCAFile       setting.Name = "CAFile"
	nameBearerFile   setting.Name = "BearerFile"
	namePlainHTTP    setting.Name = "DangerouslyPlainHTTP"
)

func (c FetcherConfig) checkAddresses() []error {
	var errs []error
	check := func(name setting.Name, address string) {
		if address == "" {
			return
		}
		if why := plainHosts(c.DangerouslyPlainHTTP).refuses(address); why != nil {
			errs = append(errs, fmt.Errorf("jwks: %w", setting.Errorf("%s %.200q: %v", name, redacted(address), why)))
		}
	}
	check(nameDiscoveryURL, c.DiscoveryURL)
	check(nameJWKSURL, c.JWKSURL)
	switch {
	case c.Issuer == "" && c.JWKSURL == "":
		errs = append(errs, fmt.Errorf("jwks: %w", setting.Errorf("nothing says whose keys to fetch: set %s, or %s", nameIssuer, nameJWKSURL)))
	case c.DiscoveryURL != "" && c.JWKSURL != "":
		errs = append(errs, fmt.Errorf("jwks: %w", setting.Errorf("%s and %s are both set: with %[2]s there is no discovery, leave one out", nameDiscoveryURL, nameJWKSURL)))
	case c.DiscoveryURL == "" && c.JWKSURL == "":
		errs = append(errs, c.checkIssuer())
	}
	for _, host := range c.DangerouslyPlainHTTP {
		if _, _, why := splitHost(host); why != "" {
			shown := host[strings.LastIndexByte(host, '@')+1:]
			errs = append(errs, fmt.Errorf("jwks: %w", setting.Errorf("%s: %.200q %s: give a host, or a host and a port, such as keycloak:8080", namePlainHTTP, shown, why)))
		}
	}
	return errs
}

// checkIssuer reports why the keys' address does not follow from the issuer. A
// name need not be an address: then the address is a setting of its own.
func (c FetcherConfig) checkIssuer() error {
	why := plainHosts(c.DangerouslyPlainHTTP).refuses(c.Issuer)
	if why == nil && strings.Contains(c.Issuer, "?") {
		return fmt.Errorf("jwks: %w", setting.Errorf("%s %.200q has a query: set %s too", nameIssuer, c.Issuer, nameDiscoveryURL))
	}
	if why == nil {
		return nil
	}
	return fmt.Errorf("jwks: %w", setting.Errorf("%s %.200q: %v; if tokens do have this iss, give the keys' address with it: %s or %s",
		nameIssuer, redacted(c.Issuer), why, nameJWKSURL, nameDiscoveryURL))
}

// plainHosts are hosts, with or without a port, that may be asked without TLS
// beside this machine.
type plainHosts []string

// refuses reports why keys may not be fetched from an address.
func (p plainHosts) refuses(address string) error {
	if flaw := setting.Flaw(address); flaw != "" {
		return setting.Errorf("it %s", flaw)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return setting.Errorf("not a URL")
	case u.Hostname() == "":
		return setting.Errorf("no absolute URL: start it with https:// and a host")
	case u.User != nil:
		return setting.Errorf("holds a user name: let Client add credentials")
	case strings.Contains(address, "#"):
		return setting.Errorf("has a fragment")
	case u.Scheme == "https", u.Scheme == "http" && p.may(u):
		return nil
	case u.Scheme == "http":
		return setting.Errorf("use https: plain http is for loopback addresses, localhost and the hosts in %s; put %q there only if no stranger can get between", namePlainHTTP, u.Host)
	default:
		return setting.Errorf("use https")
	}
}

// refusesSet reports why the keys may not be fetched from the jwks_uri of a
// document. A document that came by https cannot send its reader to http.
//
// RFC 8414 section 2: https://www.rfc-editor.org/rfc/rfc8414#section-2
func (p plainHosts) refusesSet(known, document string) error {
	if err := p.refuses(known); err != nil {
		return err
	}
	if scheme(known) == "http" && scheme(document) != "http" {
		return errors.New("use https: the document came by https, and so must the keys")
	}
	return nil
}

// may reports whether a host is this machine or one of those named.
func (p plainHosts) may(u *url.URL) bool {
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "80"
	}
	if loopback(host) {
		return true
	}
	return slices.ContainsFunc(p, func(named string) bool {
		h, only, why := splitHost(named)
		return why == "" && sameHost(h, host) && (only == "" || only == port)
	})
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

func sameHost(a, b string) bool {
	x, err := netip.ParseAddr(a)
	y, other := netip.ParseAddr(b)
	return strings.EqualFold(a, b) || err == nil && other == nil && x == y
}

// splitHost splits host:port, where the port may be missing. why says what is
// wrong with it, "" for nothing.
func splitHost(named string) (host, port, why string) {
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(named, "["), "]")); err == nil {
		return addr.String(), "", ""
	}
	if strings.Contains(named, "/") {
		return "", "", "holds a scheme or a path"
	}
	host, port, found := strings.Cut(named, ":")
	if strings.HasPrefix(named, "[") {
		i := strings.LastIndexByte(named, ']')
		host = named[1:max(1, i)]
		port, found = strings.CutPrefix(named[i+1:], ":")
		if _, err := netip.ParseAddr(host); err != nil || found == (i == len(named)-1) {
			return "", "", "is no address"
		}
	} else if host == "" || strings.ContainsFunc(host, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N) && !strings.ContainsRune("-._", r) }) {
		return "", "", "is no host"
	}
	if n, err := strconv.ParseUint(port, 10, 16); found && (err != nil || n == 0) {
		return "", "", "has no such port"
	}
	return host, port, ""
}

func scheme(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme
}

// redacted returns an address without its password.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		return u.Redacted()
	}
	if i := strings.LastIndexByte(address, '@'); i >= 0 { // what cannot be parsed may hold one too
		return "..." + address[i:]
	}
	return address
}

package introspection

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
)

// The documented values of a [Config].
const (
	defaultTimeout     = 5 * time.Second
	defaultCacheFor    = 30 * time.Second
	defaultRefusalsFor = 5 * time.Second
	defaultCacheBytes  = 8 << 20
	defaultMaxInFlight = 64
	maxCacheFor        = time.Hour
)

// Tokens says about which tokens an issuer is asked.
type Tokens int

// What an issuer may be asked about.
const (
	// Opaque asks about tokens that are no JWT of an issuer that the Verifier knows.
	Opaque Tokens = iota
	// JWTs asks about JWTs of the issuer that the Verifier found good, whether they
	// were revoked. Opaque tokens stay malformed.
	JWTs
	// All asks about both.
	All
)

// Config is how one issuer is asked about its tokens. Issuer, Endpoint and
// Credentials are required; what is left empty is safe.
type Config struct {
	_ [0]func() // keyed literals only

	// Issuer is the issuer by its Name in the configuration of the Verifier, which
	// says what its tokens must have: Audiences or NoAudience, Required, Clients,
	// Markers, Claims. It is no template.
	Issuer string
	// Endpoint is the address of the issuer's introspection endpoint, an https URL.
	// Redirects are not followed.
	Endpoint string
	// Credentials say who asks. They are this issuer's own: no other issuer's
	// endpoint sees them.
	Credentials Credentials

	// Tokens are those that the issuer is asked about. The zero value is [Opaque].
	Tokens Tokens
	// Prefixes are what this issuer's opaque tokens begin with. A token that begins
	// with none of them is not shown to this issuer. Empty is any token that has no
	// other issuer's prefix; one issuer alone may have that.
	Prefixes []string
	// DangerouslyShareTokens lets several issuers have no Prefixes. They are asked
	// in turn until one calls the token active, and so each sees the tokens of
	// those after it: one that is hostile, or broken into, can use them.
	DangerouslyShareTokens bool

	// Signed asks for answers that the issuer signs with its keys, and takes no
	// other: for answers that are to be proof, or that cross other hands. The
	// audience of the answers is the client id of Credentials.
	//
	// RFC 9701: https://www.rfc-editor.org/rfc/rfc9701
	Signed bool

	// Client makes the requests; its transport can trust a private CA. It is
	// copied. nil is a client of its own.
	Client *http.Client
	// DangerouslyPlainHTTP are hosts that may be asked without TLS beside loopback
	// addresses and localhost, each as host or host:port. Who can get between reads
	// the tokens and the credentials, and makes any token active.
	DangerouslyPlainHTTP []string
	// Timeout bounds one question. 0 is 5 s.
	Timeout time.Duration
	// MaxInFlight bounds the questions that are asked at once. A quarter is kept for
	// tokens that were active when they were last asked about. 0 is 64.
	MaxInFlight int

	// CacheFor is how long an answer that a token is active is used again, never
	// past its exp: for so long a token that is revoked goes on to open. 0 is 30 s,
	// negative is never, more than 1 h is an error.
	CacheFor time.Duration
	// CacheRefusalsFor is the same for tokens that are not active, or not for this
	// API. 0 is 5 s, negative is never.
	CacheRefusalsFor time.Duration
	// CacheBytes bounds the memory of answers about active tokens. 0 is 8 MiB. Those
	// about others have room of their own, for 8192 of them.
	CacheBytes int64

	// MeterProvider counts the questions by issuer and outcome. nil is none.
	MeterProvider metric.MeterProvider
}

// fieldNames are what mistakes call the settings that package jwks checks.
var fieldNames = setting.Names{"JWKSURL": "Endpoint", "DangerouslyPlainHTTP": "DangerouslyPlainHTTP"}

// Validate reports every mistake in cfg at once. It does not know whether the
// Verifier has such an issuer: [New] does.
func (cfg Config) Validate() error {
	problems := []error{cfg.checkAddress(), setting.CheckList("Prefixes", cfg.Prefixes)}
	say := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if cfg.Issuer == "" {
		say("Issuer is empty: give the Name of an issuer of the Verifier")
	}
	if slices.Contains(cfg.Prefixes, "") {
		say("Prefixes has an empty one, which every token begins with: leave Prefixes empty for that")
	}
	if cfg.Tokens < Opaque || cfg.Tokens > All {
		say("Tokens %d is none: use Opaque, JWTs or All", cfg.Tokens)
	}
	if cfg.Tokens == JWTs && len(cfg.Prefixes) > 0 {
		say("Prefixes are of opaque tokens, and Tokens is JWTs: leave one out")
	}
	if cfg.Timeout < 0 || cfg.MaxInFlight < 0 || cfg.CacheBytes < 0 {
		say("Timeout, MaxInFlight and CacheBytes must not be negative: 0 is the default")
	}
	if cfg.CacheFor > maxCacheFor || cfg.CacheRefusalsFor > maxCacheFor {
		say("CacheFor and CacheRefusalsFor must not be more than %v: for so long a revoked token goes on to open", maxCacheFor)
	}
	problems = append(problems, cfg.Credentials.validate(cfg)...)
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("introspection: %.200q: %w", cfg.Issuer, err)
	}
	return nil
}

// checkAddress holds the endpoint to what keys are held to.
func (cfg Config) checkAddress() error {
	if cfg.Endpoint == "" {
		return errors.New("Endpoint is empty: give the issuer's introspection_endpoint")
	}
	keys := jwks.FetcherConfig{JWKSURL: cfg.Endpoint, DangerouslyPlainHTTP: cfg.DangerouslyPlainHTTP}
	return setting.Rename(keys.Validate(), "", fieldNames)
}

func (cfg Config) withDefaults() Config {
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	cfg.MaxInFlight = cmp.Or(cfg.MaxInFlight, defaultMaxInFlight)
	cfg.CacheFor = max(0, cmp.Or(cfg.CacheFor, defaultCacheFor))
	cfg.CacheRefusalsFor = max(0, cmp.Or(cfg.CacheRefusalsFor, defaultRefusalsFor))
	cfg.CacheBytes = cmp.Or(cfg.CacheBytes, defaultCacheBytes)
	cfg.Prefixes = slices.Clone(cfg.Prefixes)
	return cfg
}

// validateAll reports the mistakes of all configurations, each and together.
func validateAll(configs []Config, knows func(issuer string) bool) error {
	if len(configs) == 0 {
		return errors.New("introspection: no issuer is to be asked: give a Config")
	}
	var problems []error
	seen := map[string]bool{}
	prefixes := map[string]string{}
	var unnamed []Config
	for i := range configs {
		cfg := &configs[i]
		problems = append(problems, cfg.Validate())
		if cfg.Issuer != "" && !knows(cfg.Issuer) {
			problems = append(problems, fmt.Errorf("introspection: %.200q is no issuer of the Verifier, or a template: give its Name", cfg.Issuer))
		}
		if seen[cfg.Issuer] {
			problems = append(problems, fmt.Errorf("introspection: %.200q is there twice", cfg.Issuer))
		}
		seen[cfg.Issuer] = true
		for _, p := range cfg.Prefixes {
			for other, of := range prefixes {
				if of != cfg.Issuer && (strings.HasPrefix(p, other) || strings.HasPrefix(other, p)) {
					problems = append(problems, fmt.Errorf("introspection: Prefixes %.40q of %.200q and %.40q of %.200q: a token may begin with both", p, cfg.Issuer, other, of))
				}
			}
			prefixes[p] = cfg.Issuer
		}
		if cfg.Tokens != JWTs && len(cfg.Prefixes) == 0 {
			unnamed = append(unnamed, *cfg)
		}
	}
	if len(unnamed) > 1 && slices.ContainsFunc(unnamed, func(c Config) bool { return !c.DangerouslyShareTokens }) {
		problems = append(problems, fmt.Errorf("introspection: %.200q and %.200q are both to be asked about any token, so that one sees the other's: say with Prefixes what its tokens begin with",
			unnamed[0].Issuer, unnamed[1].Issuer))
	}
	return errors.Join(problems...)
}

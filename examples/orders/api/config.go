package api

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

// Config says whom the API trusts and how it is served.
type Config struct {
	_ [0]func()

	// Framework is the router that serves the routes: one of [Frameworks].
	Framework string

	// Issuers are the authorization servers to trust. At least one.
	Issuers []Issuer

	// JWKSURL is where the keys are, without discovery; only with one issuer.
	JWKSURL string

	// JWKSRefresh is the longest time between two refreshes of the keys,
	// whatever the issuer says. 0 leaves the library's bounds; else at least a
	// second.
	JWKSRefresh time.Duration

	// Leeway is granted to clocks that differ. 0 is 30 s, negative is none.
	Leeway time.Duration

	// Front, if there is one, is put in front of the routes: the demo's page.
	Front func(gate *sallyport.Gate, routes http.Handler) http.Handler

	// Logger gets refusals with their reasons and what happens to keys. nil is
	// silence.
	Logger *slog.Logger
}

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// openGate puts the library together. All mistakes are reported at once.
func (c *Config) openGate() (*sallyport.Gate, error) {
	if c.JWKSURL != "" && len(c.Issuers) != 1 {
		return nil, errors.New("a JWKS URL goes with exactly one issuer")
	}
	return sallyport.Open(sallyport.Config{
		Providers: c.providers(),
		Keys:      c.keys(),
		Verifier:  verifier.Config{Leeway: c.Leeway},
		Guard:     middleware.Config{Realm: "orders", Logger: c.Logger},
	})
}

// keys lowers all three intervals to the bound: the library wants them in order.
func (c *Config) keys() jwks.FetcherConfig {
	cfg := jwks.FetcherConfig{OnEvent: newKeyLog(c.Logger).event}
	if c.JWKSRefresh != 0 {
		cfg.MaxRefreshInterval = c.JWKSRefresh
		cfg.RefreshInterval = min(c.JWKSRefresh, 15*time.Minute)
		cfg.MinRefreshInterval = min(c.JWKSRefresh, time.Minute)
	}
	return cfg
}

// access names the levels: the audiences are the resources.
func (c *Config) access() claims.AccessLevels {
	var levels claims.AccessLevels
	for _, i := range c.Issuers {
		levels.Resources = append(levels.Resources, i.Audiences...)
	}
	return levels
}

package devauth

import (
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// DefaultAddr is where the server listens unless told otherwise.
const DefaultAddr = "127.0.0.1:9000"

// Config says how a [Server] behaves. The zero value is ready to use.
type Config struct {
	_ [0]func()

	// BaseURL is scheme, host and port that issuers and endpoints start with,
	// http on a loopback address: "http://127.0.0.1:9000" when empty, or the
	// address listened on when the server is made by [Start].
	BaseURL string

	// Now is the clock that token times come from; time.Now when nil.
	Now func() time.Time

	// Logger gets one line per token request and per change of keys or
	// outages, never a secret or a token. Nothing is logged when nil.
	Logger *slog.Logger

	// newSigner lets tests reuse keys: an RSA key takes long to make.
	newSigner func(alg string) (crypto.Signer, error)
}

func (c *Config) setDefaults() {
	if c.BaseURL == "" {
		c.BaseURL = "http://" + DefaultAddr
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.newSigner == nil {
		c.newSigner = newSigner
	}
}

func (c *Config) validate() error {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return fmt.Errorf("devauth: BaseURL: %w", err)
	}
	var errs []error
	if u.Scheme != "http" {
		errs = append(errs, fmt.Errorf("devauth: BaseURL %q must start with http://", c.BaseURL))
	}
	if !isLoopbackHost(u.Hostname()) {
		errs = append(errs, fmt.Errorf("devauth: BaseURL %q must name a loopback address such as 127.0.0.1", c.BaseURL))
	}
	if c.BaseURL != u.Scheme+"://"+u.Host {
		errs = append(errs, fmt.Errorf("devauth: BaseURL %q must be scheme, host and port only, without a slash at the end", c.BaseURL))
	}
	return errors.Join(errs...)
}

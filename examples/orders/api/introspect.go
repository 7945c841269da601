package api

import (
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/introspection"
)

// introspect has an issuer asked about its opaque tokens.
//
// RFC 7662 section 2: https://www.rfc-editor.org/rfc/rfc7662#section-2
func (c *Config) introspect(gate *sallyport.Config) error {
	id, secret, both := strings.Cut(c.IntrospectClient, ":")
	if c.Introspect == "" || c.IntrospectIssuer == "" || !both || id == "" || secret == "" {
		return nil // what is wrong is among the mistakes
	}
	cfg := introspection.Config{
		Issuer: c.IntrospectIssuer, Endpoint: c.Introspect, Credentials: introspection.Basic(id, introspection.Fixed(secret)),
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("-introspect: %w", err)
	}
	gate.Introspection = append(gate.Introspection, cfg)
	return nil
}

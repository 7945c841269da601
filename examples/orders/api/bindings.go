package api

import (
	"errors"
	"fmt"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
)

// bind has the Guard take tokens that are bound to their client.
func (c *Config) bind(guard *middleware.Config, own string) error {
	return errors.Join(c.bindKeys(guard, own))
}

// bindKeys checks proofs, for the origin that was given or for the address own.
//
// RFC 9449 section 7.1: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
func (c *Config) bindKeys(guard *middleware.Config, own string) error {
	if !c.proofs() && c.Origin == "" {
		return nil
	}
	cfg := dpop.Config{Origin: own, Required: c.DPoP == dpopRequire}
	if c.Origin != "" {
		cfg.Origin = c.Origin
	}
	if c.DPoPNonce {
		cfg.Nonces = dpop.NewNonces()
	}
	proofs, err := dpop.New(cfg)
	if err != nil {
		return fmt.Errorf("-origin %q, what proofs are for: %w", cfg.Origin, err)
	}
	if c.proofs() {
		guard.Bindings = append(guard.Bindings, proofs)
	}
	return nil
}

package api

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/stores/redisstore"
)

// bind has the Guard take tokens that are bound to their client.
func (c *Config) bind(guard *middleware.Config, own string, store *redisstore.Store) error {
	return errors.Join(c.bindKeys(guard, own, store), c.bindCertificates(guard))
}

// bindCertificates has tokens that are bound to a certificate come with it.
//
// RFC 8705 section 3: https://www.rfc-editor.org/rfc/rfc8705#section-3
func (c *Config) bindCertificates(guard *middleware.Config) error {
	if c.MTLSCA == "" {
		return nil
	}
	binding, err := mtls.New(mtls.Config{})
	guard.Bindings = append(guard.Bindings, binding)
	return err
}

// redacted returns a URL without the password that it may have.
func redacted(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	return "..."
}

// bindKeys checks proofs, for the origin that was given or for the address own.
//
// RFC 9449 section 7.1: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
func (c *Config) bindKeys(guard *middleware.Config, own string, store *redisstore.Store) error {
	if !c.proofs() && c.Origin == "" {
		return nil
	}
	cfg := dpop.Config{Origin: own, Required: c.DPoP == dpopRequire, Now: c.Now}
	if c.Origin != "" {
		cfg.Origin = c.Origin
	}
	if c.DPoPNonce {
		cfg.Nonces = dpop.NewNonces()
	}
	if store != nil {
		cfg.Replays = store.Replays()
		if c.DPoPNonce {
			cfg.Nonces = store.NonceSecrets()
		}
	}
	proofs, err := dpop.New(cfg)
	if err != nil {
		return fmt.Errorf("-origin %q, what proofs are for: %w", redacted(cfg.Origin), err)
	}
	if c.proofs() {
		guard.Bindings = append(guard.Bindings, proofs)
	}
	return nil
}

package api

import (
	"fmt"

	"github.com/sallyport-go/sallyport/revocation"
	"github.com/sallyport-go/sallyport/stores/redisstore"
	"github.com/sallyport-go/sallyport/verifier"
)

// deny has the Verifier refuse the tokens that were withdrawn, on every call.
func (c *Config) deny(v *verifier.Config, store *redisstore.Store, opened *closers) error {
	var sources []revocation.Source
	if c.DenyFile != "" {
		file, err := revocation.OpenFile(revocation.FileConfig{Path: c.DenyFile, Logger: c.Logger, MeterProvider: c.MeterProvider})
		if err != nil {
			return fmt.Errorf("-deny-file: %w", err)
		}
		*opened = append(*opened, file.Close)
		sources = append(sources, file)
	}
	if store != nil {
		sources = append(sources, store.Denylist())
	}
	if len(sources) > 0 {
		v.Revoked = revocation.Any(sources...)
	}
	return nil
}

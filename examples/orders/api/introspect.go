package api

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/introspection"
)

// credentials returns the API's id and secret, none that is empty.
func (f *Features) credentials() (id, secret string, ok bool) {
	id, secret, ok = strings.Cut(f.IntrospectClient, ":")
	return id, secret, ok && id != "" && secret != ""
}

func (f *Features) wrongQuestions() (errs []error) {
	_, _, ok := f.credentials()
	switch {
	case f.Introspect == "" && f.IntrospectClient != "":
		errs = append(errs, errors.New("-introspect-client is for -introspect, which is missing"))
	case f.Introspect != "" && f.IntrospectClient == "":
		errs = append(errs, errors.New("-introspect-client is missing: -introspect needs credentials, as ID:SECRET"))
	case f.Introspect != "" && !ok:
		errs = append(errs, errors.New("-introspect-client must be ID:SECRET")) // and is not repeated: it may be the secret
	}
	if f.Introspect != "" && f.IntrospectIssuer == "" {
		errs = append(errs, errors.New("-introspect goes with an -issuer, whose endpoint it is"))
	}
	return errs
}

// introspect has an issuer asked about its opaque tokens.
//
// RFC 7662 section 2: https://www.rfc-editor.org/rfc/rfc7662#section-2
func (c *Config) introspect(gate *sallyport.Config) error {
	id, secret, ok := c.credentials()
	if c.Introspect == "" || c.IntrospectIssuer == "" || !ok {
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

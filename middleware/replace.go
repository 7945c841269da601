package middleware

import (
	"errors"
	"fmt"
	"slices"
)

// Replace puts another configuration into force, or reports every mistake in it at
// once and changes nothing. Handlers and tables that the Guard has made follow, with
// their next request; one that is being judged is judged by the configuration that it
// came under, and what was verified in a request needs no second verification
// further in.
//
// Resource and Exempt cannot be replaced, because routers and tables have taken
// them: they have to be as they were. Rules belong to their routes.
func (g *Guard) Replace(cfg Config) error {
	now := g.current()
	if now.decider.verify == nil {
		return fmt.Errorf("middleware: Replace: %w", errNotMadeByNew)
	}
	next, err := cfg.build(now.decider.family)
	if err := errors.Join(now.fixed(&cfg), err); err != nil {
		return err
	}
	g.now.Store(next)
	return nil
}

// fixed reports what a configuration would change that others have taken already.
func (g *guard) fixed(cfg *Config) error {
	var errs []error
	if cfg.Resource != g.resource {
		errs = append(errs, errors.New("middleware: Config.Resource cannot be replaced: clients know the API by it, and routers have the path of its metadata. Open another Guard"))
	}
	if !slices.Equal(cfg.Exempt, g.exemptPatterns) {
		errs = append(errs, errors.New("middleware: Config.Exempt cannot be replaced: tables of Enforce were made with it. Open another Guard"))
	}
	return errors.Join(errs...)
}

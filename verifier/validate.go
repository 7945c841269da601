package verifier

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
)

// What is wrong with the configuration of an issuer.

func (cfg *Issuer) validateName() []error {
	var problems []error
	say := func(format string, args ...any) { problems = append(problems, setting.Errorf(format, args...)) }
	if cfg.Name == "" {
		say("%s is empty: give the iss claim, exactly as the tokens have it", nameName)
	}
	if flaw := setting.Flaw(cfg.Name); flaw != "" {
		say("%s %.200q %s: no iss can equal it", nameName, cfg.Name, flaw)
	}
	if flaw := setting.Flaw(cfg.KeyIssuer); flaw != "" {
		say("KeyIssuer %.200q %s", cfg.KeyIssuer, flaw)
	}
	if !strings.Contains(cfg.Name, tenantSegment) {
		if len(cfg.Tenants) > 0 || cfg.DangerouslyAnyTenant || cfg.KeyIssuer != "" {
			say("Tenants, DangerouslyAnyTenant and KeyIssuer go with a template: put %s into Name", tenantSegment)
		}
		return problems
	}
	if strings.Count(cfg.Name, tenantSegment) > 1 || cfg.Name == tenantSegment {
		say("Name must hold %s once, inside a URL", tenantSegment)
	}
	if cfg.KeyIssuer != "" && strings.Count(cfg.KeyIssuer, tenantSegment) != 1 {
		say("KeyIssuer must hold %s once", tenantSegment)
	}
	if (len(cfg.Tenants) == 0) != cfg.DangerouslyAnyTenant {
		say("a template needs Tenants, or else DangerouslyAnyTenant, and not both")
	}
	for _, t := range cfg.Tenants {
		if !isGUID(t) {
			say("%s: tenant %.100q is no GUID in lower case", nameTenants, t)
		}
	}
	return problems
}

func (cfg *Issuer) validateAudience() []error {
	var problems []error
	if len(cfg.Audiences) == 0 && cfg.NoAudience.isZero() {
		problems = append(problems, setting.Errorf("%s is empty: give the aud values that mean this API; without one, tokens for any other API would open this one", nameAudiences))
	}
	if !cfg.NoAudience.isZero() && len(cfg.NoAudience.Clients) == 0 {
		problems = append(problems, errors.New("NoAudience needs Clients: a scope alone does not say whose token this is"))
	}
	return append(problems, empties("Audiences", cfg.Audiences), setting.CheckList(nameAudiences, cfg.Audiences),
		empties("NoAudience.Clients", cfg.NoAudience.Clients), setting.CheckList("NoAudience.Clients", cfg.NoAudience.Clients))
}

func (cfg *Issuer) validateLists() []error {
	problems := []error{empties("Required", cfg.Required), empties("Clients", cfg.Clients), setting.CheckList(nameClients, cfg.Clients), setting.CheckList("Types", cfg.Types), cfg.Claims.Validate()}
	if cfg.Algorithms != nil && len(cfg.Algorithms) == 0 {
		problems = append(problems, errors.New("Algorithms is empty: leave it nil for the default"))
	}
	if cfg.Types != nil && len(cfg.Types) == 0 {
		problems = append(problems, errors.New("Types is empty: leave it nil for the default"))
	}
	for _, alg := range cfg.Algorithms {
		if !jose.Known(alg) {
			problems = append(problems, fmt.Errorf("algorithm %q is not implemented (names are case-sensitive)", alg))
		}
	}
	for n, m := range cfg.Markers {
		if m.Claim == "" {
			problems = append(problems, fmt.Errorf("Markers[%d] names no Claim", n))
		}
	}
	for n := range cfg.Limits {
		problems = append(problems, cfg.Limits[n].mistakes(n))
	}
	for _, key := range slices.Sorted(maps.Keys(cfg.Hints)) {
		problems = append(problems, checkHintKey(key))
	}
	return problems
}

// isNil reports whether keys is nil or holds a nil pointer, such as a Fetcher
// whose error was ignored.
func isNil(keys jwks.KeySet) bool {
	v := reflect.ValueOf(keys)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func empties(name string, list []string) error {
	if i := slices.Index(list, ""); i >= 0 {
		return fmt.Errorf("%s[%d] is empty", name, i)
	}
	return nil
}

package verifier

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks"
)

// New validates cfg, all mistakes reported together, and compiles it. The
// Verifier that it returns never changes; it needs no Close.
func New(cfg Config) (*Verifier, error) {
	v := &Verifier{
		leeway:        duration(cfg.Leeway, DefaultLeeway),
		maxAge:        cfg.MaxAge,
		maxTokenBytes: cfg.MaxTokenBytes,
		issuers:       make(map[string]*issuer, len(cfg.Issuers)),
		validators:    slices.Clone(cfg.Validators),
		revoked:       cfg.Revoked,
		confirmations: slices.Clone(cfg.Confirmations),
		now:           cfg.Now,
	}
	if v.maxTokenBytes == 0 {
		v.maxTokenBytes = DefaultMaxTokenBytes
	}
	v.tooLarge = fmt.Sprintf("more than %d bytes: raise MaxTokenBytes if such tokens are meant to pass", v.maxTokenBytes)
	if v.now == nil {
		v.now = time.Now
	}
	problems := []error{cfg.validate()}
	for n := range cfg.Issuers {
		if err := v.add(cfg.Issuers[n]); err != nil {
			problems = append(problems, fmt.Errorf("verifier: Issuers[%d] %q: %w", n, cfg.Issuers[n].Name, err))
		}
	}
	cache, err := newCache(cfg.CacheBytes)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	v.cache = cache
	return v, nil
}

// Validate returns every mistake of the configuration at once, but for Keys
// that an Issuer lacks.
func (cfg Config) Validate() error {
	problems := []error{cfg.validate()}
	names := make(map[string]bool)
	for n := range cfg.Issuers {
		i := cfg.Issuers[n]
		if isNil(i.Keys) {
			i.Keys = new(jwks.Static)
		}
		err := errors.Join(i.validate()...)
		if err == nil && names[i.Name] {
			err = errTwice
		}
		names[i.Name] = true
		if err != nil {
			problems = append(problems, fmt.Errorf("verifier: Issuers[%d] %q: %w", n, i.Name, err))
		}
	}
	return errors.Join(problems...)
}

var errTwice = errors.New("the same Name twice: put all audiences and tenants into one Issuer")

func (cfg Config) validate() error {
	var problems []error
	if len(cfg.Issuers) == 0 {
		problems = append(problems, errors.New("verifier: no Issuers: name at least one authorization server to trust"))
	}
	if cfg.Leeway > MaxLeeway {
		problems = append(problems, fmt.Errorf("verifier: Leeway %v is more than %v: fix the clocks instead", cfg.Leeway, MaxLeeway))
	}
	if cfg.MaxAge < 0 {
		problems = append(problems, fmt.Errorf("verifier: MaxAge %v is negative: 0 is no bound", cfg.MaxAge))
	}
	if cfg.MaxTokenBytes < 0 {
		problems = append(problems, fmt.Errorf("verifier: MaxTokenBytes %d is negative: 0 is %d", cfg.MaxTokenBytes, DefaultMaxTokenBytes))
	}
	if i := slices.Index(cfg.Confirmations, ""); i >= 0 {
		problems = append(problems, fmt.Errorf("verifier: Confirmations[%d] is empty", i))
	}
	for i, f := range cfg.Validators {
		if f == nil {
			problems = append(problems, fmt.Errorf("verifier: Validators[%d] is nil", i))
		}
	}
	return errors.Join(problems...)
}

// add compiles one issuer and files it by its name or its template.
func (v *Verifier) add(cfg Issuer) error {
	if err := errors.Join(cfg.validate()...); err != nil {
		return err
	}
	i := cfg.compile()
	_, twice := v.issuers[i.name]
	if twice || slices.ContainsFunc(v.templates, func(t *issuer) bool { return t.name == i.name }) {
		return errTwice
	}
	if i.isTemplate() {
		v.templates = append(v.templates, i)
	} else {
		v.issuers[i.name] = i
	}
	return nil
}

func (cfg Issuer) compile() *issuer {
	i := &issuer{
		name:       cfg.Name,
		anyTenant:  cfg.DangerouslyAnyTenant,
		keys:       cfg.Keys,
		algorithms: orDefault(cfg.Algorithms, defaultAlgorithms),
		types:      orDefault(cfg.Types, defaultTypes),
		audiences:  slices.Clone(cfg.Audiences),
		noAudience: cfg.NoAudience,
		markers:    orDefault(cfg.Markers, DefaultMarkers),
		required:   slices.Clone(cfg.Required),
		clients:    slices.Clone(cfg.Clients),
		mapping:    cfg.Claims.WithDefaults(),
	}
	i.mapping.OpenToAnyClient = i.mapping.OpenToAnyClient && len(i.clients) == 0
	i.noAudience.Clients = slices.Clone(cfg.NoAudience.Clients)
	if t, ok := parseTemplate(cfg.Name); ok {
		i.template = t
		i.keyIssuer = t
		if cfg.KeyIssuer != "" {
			i.keyIssuer, _ = parseTemplate(cfg.KeyIssuer)
		}
		i.tenants = make(map[string]struct{}, len(cfg.Tenants))
		for _, t := range cfg.Tenants {
			i.tenants[t] = struct{}{}
		}
	}
	return i
}

func (cfg Issuer) validate() []error {
	return slices.Concat(cfg.validateName(), cfg.validateAudience(), cfg.validateLists())
}

func (cfg Issuer) validateName() []error {
	var problems []error
	say := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if cfg.Name == "" {
		say("Name is empty: give the iss claim, exactly as the tokens have it")
	}
	if isNil(cfg.Keys) {
		say("Keys is nil: give a jwks.Fetcher or jwks.Static")
	}
	if !strings.Contains(cfg.Name, TenantSegment) {
		if len(cfg.Tenants) > 0 || cfg.DangerouslyAnyTenant || cfg.KeyIssuer != "" {
			say("Tenants, DangerouslyAnyTenant and KeyIssuer go with a template: put %s into Name", TenantSegment)
		}
		return problems
	}
	if strings.Count(cfg.Name, TenantSegment) > 1 || cfg.Name == TenantSegment {
		say("Name must hold %s once, inside a URL", TenantSegment)
	}
	if cfg.KeyIssuer != "" && strings.Count(cfg.KeyIssuer, TenantSegment) != 1 {
		say("KeyIssuer must hold %s once", TenantSegment)
	}
	if (len(cfg.Tenants) == 0) != cfg.DangerouslyAnyTenant {
		say("a template needs Tenants, or else DangerouslyAnyTenant, and not both")
	}
	for _, t := range cfg.Tenants {
		if !isGUID(t) {
			say("tenant %q is no GUID in lower case", t)
		}
	}
	return problems
}

func (cfg Issuer) validateAudience() []error {
	var problems []error
	if len(cfg.Audiences) == 0 && cfg.NoAudience.isZero() {
		problems = append(problems, errors.New("Audiences is empty: give the aud values that mean this API; without one, tokens for any other API would open this one"))
	}
	if !cfg.NoAudience.isZero() && (len(cfg.NoAudience.Clients) == 0 || cfg.NoAudience.ScopePrefix == "") {
		problems = append(problems, errors.New("NoAudience needs both Clients and ScopePrefix"))
	}
	return append(problems, empties("Audiences", cfg.Audiences), empties("NoAudience.Clients", cfg.NoAudience.Clients))
}

func (cfg Issuer) validateLists() []error {
	problems := []error{empties("Required", cfg.Required), empties("Clients", cfg.Clients), cfg.Claims.Validate()}
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
	return problems
}

// isNil sees through an interface around a nil pointer: what is left of a
// Fetcher whose error nobody looked at.
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

// orDefault copies list, or makes the default where there is none.
func orDefault[T any](list []T, otherwise func() []T) []T {
	if list == nil {
		return otherwise()
	}
	return slices.Clone(list)
}

// duration reads 0 as the default and negative as none.
func duration(d, otherwise time.Duration) time.Duration {
	switch {
	case d == 0:
		return otherwise
	case d < 0:
		return 0
	default:
		return d
	}
}

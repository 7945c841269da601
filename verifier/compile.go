package verifier

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks"
)

// New returns the Verifier of cfg, or every mistake in cfg at once.
func New(cfg Config) (*Verifier, error) {
	problems := []error{cfg.Validate()}
	for n := range cfg.Issuers {
		if i := &cfg.Issuers[n]; isNil(i.Keys) {
			problems = append(problems, issuerMistake(n, i, errors.New("Keys is nil: give a jwks.Fetcher or jwks.Static")))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	cache, err := newCache(cfg.CacheBytes)
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		issuers:       make(map[string]*issuer, len(cfg.Issuers)),
		hints:         map[string]string{},
		leeway:        duration(cfg.Leeway, defaultLeeway),
		maxAge:        cfg.MaxAge,
		maxTokenBytes: cmp.Or(cfg.MaxTokenBytes, defaultMaxTokenBytes),
		validators:    slices.Clone(cfg.Validators),
		revoked:       cfg.Revoked,
		now:           cfg.Now,
		cache:         cache,
	}
	v.tooLarge = fmt.Sprintf("more than %d bytes: raise MaxTokenBytes if such tokens are meant to pass", v.maxTokenBytes)
	for n := range cfg.Issuers {
		i := cfg.Issuers[n].compile()
		if i.isTemplate() {
			v.templates = append(v.templates, i)
		} else {
			v.issuers[i.name] = i
		}
		maps.Copy(v.hints, cfg.Issuers[n].Hints)
	}
	return v, nil
}

// Validate reports every mistake in cfg at once. It does not report an issuer
// without Keys, which may be filled in later: [New] does.
func (cfg Config) Validate() error {
	var problems []error
	if len(cfg.Issuers) == 0 {
		problems = append(problems, errors.New("verifier: no Issuers: name at least one authorization server to trust"))
	}
	if cfg.Leeway > maxLeeway {
		problems = append(problems, fmt.Errorf("verifier: Leeway %v is more than %v: fix the clocks instead", cfg.Leeway, maxLeeway))
	}
	if cfg.MaxAge < 0 {
		problems = append(problems, fmt.Errorf("verifier: MaxAge %v is negative: 0 is no bound", cfg.MaxAge))
	}
	if cfg.MaxTokenBytes < 0 {
		problems = append(problems, fmt.Errorf("verifier: MaxTokenBytes %d is negative: 0 is %d", cfg.MaxTokenBytes, defaultMaxTokenBytes))
	}
	for i, f := range cfg.Validators {
		if f == nil {
			problems = append(problems, fmt.Errorf("verifier: Validators[%d] is nil", i))
		}
	}
	seen := make(map[string]bool)
	for n := range cfg.Issuers {
		i := &cfg.Issuers[n]
		mistakes := slices.Concat(i.validateName(), i.validateAudience(), i.validateLists())
		if i.Name != "" && seen[i.Name] {
			mistakes = append(mistakes, errors.New("the same Name twice: put all audiences and tenants into one Issuer"))
		}
		seen[i.Name] = true
		if err := errors.Join(mistakes...); err != nil {
			problems = append(problems, issuerMistake(n, i, err))
		}
	}
	return errors.Join(problems...)
}

func issuerMistake(n int, i *Issuer, err error) error {
	return fmt.Errorf("verifier: Issuers[%d] %q: %w", n, i.Name, err)
}

func (cfg *Issuer) compile() *issuer {
	i := &issuer{
		name:       cfg.Name,
		anyTenant:  cfg.DangerouslyAnyTenant,
		keys:       cfg.Keys,
		algorithms: orDefault(cfg.Algorithms, defaultAlgorithms),
		types:      orDefault(cfg.Types, defaultTypes),
		audiences:  slices.Clone(cfg.Audiences),
		noAudience: cfg.NoAudience,
		markers:    orDefault(cfg.Markers, defaultMarkers),
		required:   slices.Clone(cfg.Required),
		clients:    slices.Clone(cfg.Clients),
		mapping:    cfg.Claims,
	}
	i.mapping.OpenToAnyClient = i.mapping.OpenToAnyClient && len(i.clients) == 0
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

func (cfg *Issuer) validateName() []error {
	var problems []error
	say := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if cfg.Name == "" {
		say("Name is empty: give the iss claim, exactly as the tokens have it")
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
			say("tenant %q is no GUID in lower case", t)
		}
	}
	return problems
}

func (cfg *Issuer) validateAudience() []error {
	var problems []error
	if len(cfg.Audiences) == 0 && cfg.NoAudience == "" {
		problems = append(problems, errors.New("Audiences is empty: give the aud values that mean this API; without one, tokens for any other API would open this one"))
	}
	if cfg.NoAudience != "" && len(cfg.Clients) == 0 {
		problems = append(problems, errors.New("NoAudience needs Clients: a scope alone does not say whose token this is"))
	}
	return append(problems, empties("Audiences", cfg.Audiences))
}

func (cfg *Issuer) validateLists() []error {
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
	for _, key := range slices.Sorted(maps.Keys(cfg.Hints)) {
		if kind, value, _ := strings.Cut(key, ":"); value == "" || !slices.Contains([]string{hintIss, hintAud, hintHeader}, kind) {
			problems = append(problems, fmt.Errorf("Hints[%q]: the key must be iss:VALUE, aud:VALUE or header:NAME", key))
		}
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

// orDefault returns a copy of list, or the default for nil.
func orDefault[T any](list []T, otherwise func() []T) []T {
	if list == nil {
		return otherwise()
	}
	return slices.Clone(list)
}

// duration returns the default for 0 and none for a negative duration.
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

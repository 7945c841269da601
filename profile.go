package sallyport

import (
	"errors"
	"fmt"
	"slices"
)

// Profile is a set of requirements of a standard that goes by one name. It makes
// every issuer and the Guard of a [Config] stricter, and nothing laxer.
type Profile string

// The profiles.
const (
	// RFC9068 wants access tokens that keep to the JWT profile: typ at+jwt, and iss,
	// exp, aud, sub, client_id, iat and jti, so that no issuer has a NoAudience.
	//
	// RFC 9068 section 2: https://www.rfc-editor.org/rfc/rfc9068#section-2
	RFC9068 Profile = "rfc9068"
	// FAPI2 wants tokens that are bound to their sender, each, by a Binding of the
	// Guard, and signed with PS256, ES256 or EdDSA. [Gate.Verify], which has no
	// request, then refuses every token.
	//
	// FAPI 2.0 sections 5.3.4 and 5.4.1: https://openid.net/specs/fapi-security-profile-2_0-final.html
	FAPI2 Profile = "fapi2"
	// MCP wants the metadata of the API: Guard.Resource, which is among the audiences
	// of every issuer. Challenges name it and the scopes of the route.
	//
	// Model Context Protocol: https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization
	MCP Profile = "mcp"
)

// profileNames are the names of profiles, as mistakes list them.
const profileNames = "rfc9068, fapi2 or mcp"

var profiles = []Profile{RFC9068, FAPI2, MCP}

// fapiAlgorithms are those of FAPI 2.0 section 5.4.1, and the other name of EdDSA
// over Ed25519.
var fapiAlgorithms = []string{"PS256", "ES256", "EdDSA", "Ed25519"}

// applyProfile makes the configuration as strict as its profile, once the issuers
// are composed.
func (cfg *Config) applyProfile() error {
	var err error
	switch cfg.Profile {
	case "":
	case RFC9068:
		err = cfg.applyRFC9068()
	case FAPI2:
		err = cfg.applyFAPI2()
	case MCP:
		err = cfg.applyMCP()
	default:
		err = fmt.Errorf("sallyport: Profile %.40q is none: use %s", string(cfg.Profile), profileNames)
	}
	if cfg.Guard.SenderConstrained {
		cfg.requireBinding()
	}
	return err
}

// requireBinding has the verifier refuse tokens without cnf: [Gate.Verify] and
// [Gate.Explain] run no Guard, and would take them.
func (cfg *Config) requireBinding() {
	for i := range cfg.Verifier.Issuers {
		issuer := &cfg.Verifier.Issuers[i]
		issuer.Required = slices.Concat(issuer.Required, []string{"cnf"})
	}
}

func (cfg *Config) applyRFC9068() error {
	for i := range cfg.Verifier.Issuers {
		cfg.Verifier.Issuers[i] = cfg.Verifier.Issuers[i].RFC9068()
	}
	return cfg.wantAudience()
}

// wantAudience reports issuers whose tokens may come without an audience.
func (cfg *Config) wantAudience() error {
	var errs []error
	for i := range cfg.Verifier.Issuers {
		if issuer := &cfg.Verifier.Issuers[i]; len(issuer.NoAudience.Clients) > 0 || issuer.NoAudience.ScopePrefix != "" {
			errs = append(errs, fmt.Errorf("sallyport: Profile %s wants an audience in each token: leave out NoAudience of issuer %.200q", cfg.Profile, issuer.Name))
		}
	}
	return errors.Join(errs...)
}

func (cfg *Config) applyFAPI2() error {
	var errs []error
	if len(cfg.Guard.Bindings) == 0 {
		errs = append(errs, errors.New("sallyport: Profile fapi2 wants tokens that are bound to their sender: give Guard.Bindings one, of DPoP or of certificates"))
	}
	cfg.Guard.SenderConstrained = true
	for i := range cfg.Verifier.Issuers {
		issuer := &cfg.Verifier.Issuers[i]
		if len(issuer.Algorithms) == 0 {
			issuer.Algorithms = slices.Clone(fapiAlgorithms)
			continue
		}
		allowed := slices.DeleteFunc(slices.Clone(issuer.Algorithms), func(alg string) bool { return !slices.Contains(fapiAlgorithms, alg) })
		if len(allowed) == 0 {
			errs = append(errs, fmt.Errorf("sallyport: Profile fapi2: issuer %.200q signs with none of PS256, ES256 and EdDSA, by its Algorithms", issuer.Name))
			continue
		}
		issuer.Algorithms = allowed
	}
	return errors.Join(errs...)
}

func (cfg *Config) applyMCP() error {
	cfg.Guard.ChallengeScope = true
	if cfg.Guard.Resource == "" {
		return errors.New("sallyport: Profile mcp wants Guard.Resource, the address of the server")
	}
	errs := []error{cfg.wantAudience()}
	for i := range cfg.Verifier.Issuers {
		if issuer := &cfg.Verifier.Issuers[i]; !slices.Contains(issuer.Audiences, cfg.Guard.Resource) {
			errs = append(errs, fmt.Errorf("sallyport: Profile mcp: the audiences of issuer %.200q are not %.200q: clients ask for tokens for Guard.Resource (RFC 8707)", issuer.Name, cfg.Guard.Resource))
		}
	}
	return errors.Join(errs...)
}

package providers

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/verifier"
)

const (
	externalHost = ".ciamlogin.com"
	b2cHost      = ".b2clogin.com"
)

// EntraExternal returns a Provider that expects access tokens of an external
// tenant of Microsoft Entra (External ID), given by its GUID. domain is the host
// that its users sign in at, NAME.ciamlogin.com or a custom domain: the discovery
// document is there, while iss has the GUID in place of the name.
//
// audiences are the app registration's GUID, which v2.0 tokens carry.
//
// Entra, External ID: https://learn.microsoft.com/entra/external-id/customers/overview-customers-ciam
func EntraExternal(tenant, domain string, audiences ...string) Provider {
	problems := []error{checkGUID(tenant), checkHost(domain), checkAudiences(audiences)}
	if strings.HasSuffix(domain, b2cHost) {
		problems = append(problems, setting.Errorf("%s %.100q is of Azure AD B2C, whose tokens are of a policy: use EntraB2C", nameDomain, domain))
	}
	if err := errors.Join(problems...); err != nil {
		return failed("EntraExternal", err)
	}
	iss := "https://" + tenant + externalHost + "/" + tenant + "/v2.0"
	tokens := entraTokens(iss, "azp", audiences)
	tokens.Hints = hints(with(entraGrants, externalHints()))
	return Provider{Issuers: []Issuer{{
		Tokens: tokens,
		Source: Source{Issuer: iss, DiscoveryURL: "https://" + domain + "/" + tenant + "/v2.0" + openIDConfiguration},
	}}}
}

const openIDConfiguration = "/.well-known/openid-configuration"

// EntraB2C returns a Provider that expects access tokens of an Azure AD B2C
// tenant, given by its GUID, from these policies (user flows or custom ones), such
// as B2C_1_susi. domain is the host of iss, NAME.b2clogin.com or a custom domain;
// where iss is set to name the policy (https://HOST/tfp/TENANT/POLICY/v2.0/) it is
// HOST/tfp, and each policy is written as it is there.
//
// A token says its policy in tfp, or in acr by an older setting. Without a list,
// the token of a policy that asks for less, such as one for trials or for a reset
// of the password, would be as good as any other. Keys are those of the first
// policy where iss names none: policies that sign with keys of their own need a
// tenant-wide key or the other form of iss.
//
// Azure AD B2C, tokens: https://learn.microsoft.com/azure/active-directory-b2c/tokens-overview
func EntraB2C(tenant, domain string, policies []string, audiences ...string) Provider {
	host, byPolicy := strings.CutSuffix(domain, "/tfp")
	problems := []error{checkGUID(tenant), checkHost(host), checkPolicies(policies), checkAudiences(audiences)}
	if strings.HasSuffix(host, externalHost) {
		problems = append(problems, setting.Errorf("%s %.100q is of External ID, whose tokens have no policies: leave %s empty", nameDomain, domain, namePolicies))
	}
	if err := errors.Join(problems...); err != nil {
		return failed("EntraB2C", err)
	}
	issuer := func(path string, policies ...string) Issuer {
		iss := "https://" + host + "/" + path + "/v2.0/"
		return Issuer{
			Tokens: b2cTokens(iss, policies, audiences),
			Source: Source{Issuer: iss, DiscoveryURL: "https://" + host + "/" + tenant + "/" + policies[0] + "/v2.0" + openIDConfiguration},
		}
	}
	if !byPolicy {
		return Provider{Issuers: []Issuer{issuer(tenant, policies...)}}
	}
	var p Provider
	for _, policy := range policies {
		p.Issuers = append(p.Issuers, issuer("tfp/"+tenant+"/"+policy, policy))
	}
	return p
}

// b2cTokens: the client claim tells an access token from an ID token, and who
// calls is not to be told from the token.
func b2cTokens(iss string, policies, audiences []string) verifier.Issuer {
	tokens := entraTokens(iss, "azp", audiences)
	tokens.Required = []string{"azp"} // tid is not in every policy's tokens
	tokens.Claims.Caller = []claims.Evidence{}
	policy := verifier.Limit{Claims: []claims.Path{{"tfp"}, {"acr"}}}
	for _, name := range policies {
		policy.Values = append(policy.Values, name)
		if lower := strings.ToLower(name); lower != name { // as acr has it
			policy.Values = append(policy.Values, lower)
		}
	}
	tokens.Limits = []verifier.Limit{policy}
	tokens.Hints = hints(with(entraGrants, externalHints()))
	return tokens
}

func entraExternalNamed(s Settings) Provider {
	if len(s.Policies) > 0 || strings.HasSuffix(strings.TrimSuffix(s.Issuer, "/tfp"), b2cHost) {
		return EntraB2C(s.Tenant, s.Issuer, s.Policies, s.Audiences...)
	}
	return EntraExternal(s.Tenant, s.Issuer, s.Audiences...)
}

func checkPolicies(policies []string) error {
	if err := checkSet(namePolicies, policies...); err != nil {
		return err
	}
	problems := []error{setting.CheckList(namePolicies, policies)}
	for i, policy := range policies {
		if strings.ContainsAny(policy, "/?#%*") {
			problems = append(problems, setting.Errorf("%s: %.100q: give the policy's name alone, such as B2C_1_susi", namePolicies, policy))
		}
		if slices.ContainsFunc(policies[:i], func(other string) bool { return strings.EqualFold(other, policy) }) {
			problems = append(problems, setting.Errorf("%s: %.100q is named twice", namePolicies, policy))
		}
	}
	return errors.Join(problems...)
}

// externalHints are what a refusal means at External ID and B2C.
func externalHints() map[string]string {
	return map[string]string{
		"claim:azp": "The token names no client (azp), as an ID token does not: the client must ask for a scope of this API, and send the access token.",
		"claim:tfp": "The token is of another policy (tfp or acr), or of none: add the policy if its users may call.",
	}
}

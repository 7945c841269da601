package providers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/setting"
)

// preset is one row of the table: a Provider by its name.
type preset struct {
	name string
	// needs are the settings that must be there, may those that can be, beside
	// those of every preset. One that is set and in neither is a mistake.
	needs, may []setting.Name
	// build returns the Provider. It reports each need that is empty as not set.
	build func(s Settings) Provider
}

// presets are what [Named] knows. What is known of a vendor is in a file of its
// own.
var presets = []preset{
	{name: "generic", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients", "NoAudienceClients", "ScopePrefix"}, build: genericNamed},
	{name: "oidc", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients", "NoAudienceClients", "ScopePrefix"}, build: oidcNamed},
	{name: "rfc9068", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients"}, build: rfc9068Named},
	{name: "entra", needs: []setting.Name{"Tenant", "Audiences"}, may: []setting.Name{"Clients"}, build: entraNamed},
	{name: "entra-external", needs: []setting.Name{"Tenant", "Issuer", "Audiences"}, may: []setting.Name{"Policies", "Clients"}, build: entraExternalNamed},
	{name: "auth0-permissions", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients"}, build: auth0Named(Auth0Permissions)},
	{name: "auth0-scopes", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients"}, build: auth0Named(Auth0Scopes)},
	{name: "okta", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients"}, build: oktaNamed},
	{name: "keycloak", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients", "RolesFrom"}, build: keycloakNamed},
	{name: "cognito", needs: []setting.Name{"Issuer", "Clients"}, may: []setting.Name{"Audiences", "ScopePrefix"}, build: cognitoNamed},
	{name: "hydra", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients", "NoAudienceClients", "ScopePrefix"}, build: hydraNamed},
	{name: "zitadel", needs: []setting.Name{"Issuer", "Audiences"}, may: []setting.Name{"Clients", "RolesFrom"}, build: zitadelNamed},
	{name: "google", needs: []setting.Name{"Emails", "Audiences"}, may: []setting.Name{"HostedDomains"}, build: googleNamed},
	{name: "github-actions", needs: []setting.Name{"Repositories", "Audiences"}, may: []setting.Name{"Owners", "Workflows", "Issuer"}, build: githubNamed},
	{name: "kubernetes", needs: []setting.Name{"ServiceAccounts", "Audiences"}, may: []setting.Name{"Issuer", "APIServer"}, build: kubernetesNamed},
}

// Names returns the names of the presets, generic first.
func Names() []string {
	names := make([]string, len(presets))
	for i := range presets {
		names[i] = presets[i].name
	}
	return names
}

// Named returns the Provider that a preset makes of plain words, as flags and
// environment variables have them. name is one of [Names], "" is generic. All
// mistakes are in its Err, by the names of the fields of s.
func Named(name string, s Settings) Provider {
	at := slices.IndexFunc(presets, func(p preset) bool { return p.name == cmp.Or(name, "generic") })
	if at < 0 {
		return Provider{Err: fmt.Errorf("providers: %w", setting.Errorf("%s: no preset %.100q: use %s", namePreset, name, listed(Names(), "or")))}
	}
	row := &presets[at]
	p := row.build(s.copied())
	if slices.Contains(row.may, "Clients") {
		p = p.WithClients(s.Clients...)
	}
	p = p.WithJWKS(s.JWKSURL).WithDiscovery(s.DiscoveryURL).WithCAFile(s.CAFile).WithBearerFile(s.BearerFile)
	if err := errors.Join(p.Err, row.unread(s)); err != nil {
		fields := setting.Fields(&s)
		return Provider{Err: setting.Rename(err, "providers: "+row.name+": ", setting.NamesBy(fields, func(f setting.Field) string { return string(f.Name) }))}
	}
	return p
}

func (p *preset) reads(name setting.Name) bool {
	return slices.Contains(p.needs, name) || slices.Contains(p.may, name) || slices.Contains(every, name)
}

// unread reports settings that are set and that the preset does not read.
func (p *preset) unread(s Settings) error {
	var problems []error
	for _, f := range setting.Fields(&s) {
		if len(f.Values()) == 0 || p.reads(f.Name) {
			continue
		}
		var readers []string
		for i := range presets {
			if presets[i].reads(f.Name) {
				readers = append(readers, presets[i].name)
			}
		}
		problems = append(problems, setting.Errorf("%s is set, but the preset %s does not read it: leave it empty (it is for %s)", f.Name, p.name, listed(readers, "and")))
	}
	return errors.Join(problems...)
}

// listed returns "a, b or c".
func listed(names []string, last string) string {
	n := len(names) - 1
	if n < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n], ", ") + " " + last + " " + names[n]
}

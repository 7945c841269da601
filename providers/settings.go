package providers

import (
	"github.com/sallyport-go/sallyport/internal/setting"
)

// Settings are what [Named] makes a Provider of: plain words, as environment
// variables, flags and configuration files have them. Each preset reads some of
// them; one that is set and not read is a mistake. The tags name the variable
// that sallyport.FromEnv reads and the flag of sallyport explain.
//
// The zero value holds nothing. Settings are copied by Named.
type Settings struct {
	_ [0]func() // keyed literals only

	// Issuer is the iss claim, byte for byte; for Auth0 and Entra's external
	// tenants the domain alone.
	Issuer string `env:"SALLYPORT_ISSUER" flag:"issuer" also:"issuer Name domain" help:"the iss claim, exactly as the token has it (for auth0 and entra-external the domain alone)"`
	// Tenant is the tenant's GUID, for Entra and its external tenants.
	Tenant string `env:"SALLYPORT_TENANT" flag:"tenant" also:"tenant" help:"the tenant's GUID"`
	// Audiences are the aud values that mean this API.
	Audiences []string `env:"SALLYPORT_AUDIENCE" flag:"audience" also:"audiences" help:"the audience that means this API, an aud value"`
	// Clients are the client ids that may call; empty for all.
	Clients []string `env:"SALLYPORT_CLIENTS" flag:"client" also:"clients" help:"the client id that may call"`
	// RolesFrom says whose roles count: for Keycloak realm, for the realm's, and
	// client ids; for Zitadel the id of a project.
	RolesFrom []string `env:"SALLYPORT_ROLES_FROM" flag:"roles-from" help:"whose roles count: realm or a client id for keycloak, a project's id for zitadel"`
	// NoAudienceClients are the client ids whose tokens may have no audience.
	NoAudienceClients []string `env:"SALLYPORT_NO_AUDIENCE_CLIENTS" flag:"no-audience-client" also:"NoAudience.Clients" help:"the client id whose tokens may have no audience"`
	// ScopePrefix is what a scope must begin with in a token without an
	// audience, such as orders/.
	ScopePrefix string `env:"SALLYPORT_SCOPE_PREFIX" flag:"scope-prefix" help:"what a scope must begin with in a token without an audience"`
	// Policies are the user flows or custom policies of Azure AD B2C.
	Policies []string `env:"SALLYPORT_POLICIES" flag:"policy" help:"the policy (tfp or acr) whose tokens may call, such as B2C_1_susi"`
	// Emails are the accounts that may call, for Google.
	Emails []string `env:"SALLYPORT_EMAILS" flag:"email" help:"the email of the account that may call"`
	// HostedDomains are the Google Workspace domains whose users may call.
	HostedDomains []string `env:"SALLYPORT_HOSTED_DOMAINS" flag:"hosted-domain" help:"the Google Workspace domain (hd) whose users may call"`
	// Repositories and Owners are ids of GitHub, Workflows the workflow files
	// that may call, by ref or by commit.
	Repositories []string `env:"SALLYPORT_REPOSITORIES" flag:"repository" help:"the id of the GitHub repository whose jobs may call"`
	Owners       []string `env:"SALLYPORT_OWNERS" flag:"owner" help:"the id of the owner of GitHub repositories whose jobs may call"`
	Workflows    []string `env:"SALLYPORT_WORKFLOWS" flag:"workflow" help:"the job_workflow_ref or job_workflow_sha of the GitHub workflow that may call"`
	// ServiceAccounts are who may call, for Kubernetes: NAMESPACE/NAME, or
	// NAMESPACE/* for all of a namespace.
	ServiceAccounts []string `env:"SALLYPORT_SERVICE_ACCOUNTS" flag:"service-account" help:"the Kubernetes service account that may call, as NAMESPACE/NAME or NAMESPACE/*"`
	// APIServer is where the Kubernetes API server answers, "" in the cluster
	// itself.
	APIServer string `env:"SALLYPORT_API_SERVER" flag:"api-server" help:"the address of the Kubernetes API server, where the program runs outside of the cluster"`
	// CAFile has the certificates that the server of the keys is trusted by.
	CAFile string `env:"SALLYPORT_CA_FILE" flag:"ca-file" help:"the file of the certificates that the server of the keys is trusted by"`
	// BearerFile has the token that the server of the keys is asked with.
	BearerFile string `env:"SALLYPORT_BEARER_FILE" flag:"bearer-file" help:"the file of the token that the server of the keys is asked with"`
	// JWKSURL is the key set's address, for issuers without discovery.
	JWKSURL string `env:"SALLYPORT_JWKS_URL" flag:"jwks" also:"WithJWKS" help:"the address of the keys"`
	// DiscoveryURL is the discovery document's address, where it does not follow
	// from the issuer.
	DiscoveryURL string `env:"SALLYPORT_DISCOVERY_URL" flag:"discovery" also:"WithDiscovery" help:"the address of the discovery document, where it does not follow from the issuer"`
}

// every are the settings that each preset may have.
var every = []setting.Name{"JWKSURL", "DiscoveryURL", "CAFile", "BearerFile"}

func (s *Settings) copied() Settings {
	out := *s
	for _, f := range setting.Fields(&out) {
		if f.List {
			list := f.Values()
			f.Set("")
			for _, value := range list {
				f.Add(value)
			}
		}
	}
	return out
}

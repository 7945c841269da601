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
	entraHost   = "https://login.microsoftonline.com/"
	entraHostV1 = "https://sts.windows.net/"
)

// Entra returns a Provider that expects tokens of one Microsoft Entra ID tenant, given by its GUID. It
// accepts v1.0 and v2.0 tokens, because the API's manifest picks the version,
// not the endpoint that hands them out.
//
// audiences are the forms of the API's aud: v2.0 tokens carry the app
// registration's GUID, v1.0 tokens that or the Application ID URI (api://...).
// Give both.
//
// Any client of the tenant can get a token for any API of the tenant: require a
// role, or name the clients with [Provider.WithClients].
func Entra(tenant string, audiences ...string) Provider {
	if err := errors.Join(checkGUID(tenant), checkAudiences(audiences)); err != nil {
		return failed("Entra", err)
	}
	v1, v2 := entraHostV1+tenant+"/", entraHost+tenant+"/v2.0"
	return Provider{Issuers: []Issuer{
		{
			Tokens: entraTokens(v1, "appid", audiences),
			Source: Source{Issuer: v1, DiscoveryURL: entraHost + tenant + "/.well-known/openid-configuration"},
		},
		{
			Tokens: entraTokens(v2, "azp", audiences),
			Source: Source{Issuer: v2},
		},
	}}
}

func entraNamed(s Settings) Provider { return Entra(s.Tenant, s.Audiences...) }

// EntraTenants returns a Provider that expects tokens of these tenants, for an
// API that many organisations use. They share one key set, so a tenant more costs no fetch.
func EntraTenants(tenants []string, audiences ...string) Provider {
	problems := []error{checkAudiences(audiences)}
	if len(tenants) == 0 {
		problems = append(problems, errors.New("give the tenants' GUIDs"))
	}
	for _, t := range tenants {
		problems = append(problems, checkGUID(t))
	}
	if err := errors.Join(problems...); err != nil {
		return failed("EntraTenants", err)
	}
	return entraTemplates(audiences, func(i *verifier.Issuer) { i.Tenants = slices.Clone(tenants) })
}

// DangerouslyEntraAnyTenant returns a Provider that expects tokens of every
// tenant there is. Anyone can make a tenant: a token then proves only that its
// holder has an account with Microsoft. Rules must look at tid.
func DangerouslyEntraAnyTenant(audiences ...string) Provider {
	if err := checkAudiences(audiences); err != nil {
		return failed("DangerouslyEntraAnyTenant", err)
	}
	return entraTemplates(audiences, func(i *verifier.Issuer) { i.DangerouslyAnyTenant = true })
}

// entraTemplates has both token versions checked against the one key set of
// the v2.0 metadata: its keys carry the issuer they sign for.
func entraTemplates(audiences []string, tenancy func(*verifier.Issuer)) Provider {
	v1, v2 := entraHostV1+"{tenantid}"+"/", entraHost+"{tenantid}"+"/v2.0"
	source := Source{Issuer: v2, DiscoveryURL: entraHost + "common/v2.0/.well-known/openid-configuration"}
	p := Provider{Issuers: []Issuer{
		{Tokens: entraTokens(v1, "appid", audiences), Source: source},
		{Tokens: entraTokens(v2, "azp", audiences), Source: source},
	}}
	return p.each(func(i *Issuer) {
		i.Tokens.KeyIssuer = v2
		tenancy(&i.Tokens)
	})
}

// entraTokens: the client claim is required because it is what tells an access
// token from an ID token, which bears no other mark and may carry roles.
func entraTokens(iss, client string, audiences []string) verifier.Issuer {
	return verifier.Issuer{
		Name:       iss,
		Audiences:  slices.Clone(audiences),
		Algorithms: []string{"RS256"}, // the JWKS carries no alg
		Required:   []string{client, "tid"},
		Claims: claims.Mapping{
			Scopes:      []claims.Source{{Path: claims.Path{"scp"}}},
			Roles:       []claims.Source{{Path: claims.Path{"roles"}}},
			Permissions: []claims.Source{},
			ClientID:    []claims.Path{{client}},
			ID:          []claims.Path{{"uti"}, {"jti"}}, // Entra's own name for jti
			// idtyp is optional in the API's manifest. Where it is missing,
			// scp tells: every user token has one, no app token does.
			Caller: []claims.Evidence{
				{Is: claims.CallerApp, Claim: "idtyp", Equals: "app"},
				{Is: claims.CallerUser, Claim: "idtyp", Equals: "user"},
				{Is: claims.CallerUser, Present: []string{"scp"}, Absent: []string{"idtyp"}},
				{Is: claims.CallerApp, Absent: []string{"scp", "idtyp"}},
			},
			OpenToAnyClient: true,
		},
		Hints: hints(entraGrants),
	}
}

func checkGUID(tenant string) error {
	if tenant == "" {
		return unset(nameTenant)
	}
	hex := strings.ReplaceAll(tenant, "-", "")
	if len(tenant) != 36 || len(hex) != 32 || strings.Trim(hex, "0123456789abcdef") != "" {
		return setting.Errorf("%s %.100q: give the tenant's GUID in lower case (its iss has nothing else; a domain name will not match)", nameTenant, tenant)
	}
	return nil
}

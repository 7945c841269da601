// Package providers holds presets: what is to be expected of the access tokens
// of well-known authorization servers, and where their keys are. A preset is
// plain configuration; print it, change it, or write your own the same way.
package providers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/verifier"
)

// Provider is one authorization server, which may use several issuer names. It
// is a value: its methods return a changed copy.
type Provider struct {
	_ [0]func() // keyed literals only

	// Issuers are what to expect, one entry for each iss.
	Issuers []Issuer
	// Err is what is wrong with the arguments of a preset. It is reported when
	// the Provider is used.
	Err error
}

// Issuer is what to expect of one iss, and where its keys are.
type Issuer struct {
	_ [0]func() // keyed literals only

	// Tokens is which tokens are good. Its Keys are nil unless they are fixed:
	// then they are fetched from Source.
	Tokens verifier.Issuer
	// Source is where keys are fetched.
	Source Source
}

// Source is where an issuer publishes its keys.
type Source struct {
	_ [0]func() // keyed literals only

	// Issuer is the issuer that the discovery document must name, exactly
	// (RFC 8414 section 3.3).
	Issuer string
	// DiscoveryURL is the document's address, "" for the one that follows from
	// Issuer.
	DiscoveryURL string
	// JWKSURL is the key set's address; with it there is no discovery.
	JWKSURL string
	// CAFile and BearerFile are files: the certificates that the server is
	// trusted by instead of the system's, and the token that it is asked with.
	// See the fields of that name of [jwks.FetcherConfig].
	//
	// [jwks.FetcherConfig]: https://pkg.go.dev/github.com/sallyport-go/sallyport/jwks#FetcherConfig
	CAFile, BearerFile string
}

// Generic returns a Provider that expects tokens of any issuer that follows RFC 9068 or comes close:
// the claims of [claims.DefaultMapping], the default types and algorithms.
// issuer is the iss claim, byte for byte.
//
// [claims.DefaultMapping]: https://pkg.go.dev/github.com/sallyport-go/sallyport/claims#DefaultMapping
func Generic(issuer string, audiences ...string) Provider {
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{Name: issuer, Audiences: slices.Clone(audiences), Hints: hints(grantsOf(issuer))},
		Source: Source{Issuer: issuer},
	}}}
}

func genericNamed(s Settings) Provider {
	if err := errors.Join(checkSet(nameIssuer, s.Issuer), checkAudiences(s.Audiences)); err != nil {
		return failed("Generic", err)
	}
	return Generic(s.Issuer, s.Audiences...).WithNoAudience(s.ScopePrefix, s.NoAudienceClients...)
}

// WithClients returns p for tokens of these clients only, of all clients if
// there are none. With Entra, where any client of the tenant can get a token for
// any API, this is what tells a partner's token from any other.
func (p Provider) WithClients(clients ...string) Provider {
	return p.each(func(i *Issuer) { i.Tokens.Clients = slices.Clone(clients) })
}

// WithNoAudience returns p for tokens without an audience too, where aud is
// absent, null or []: those of clients that have a scope which begins with
// scopePrefix. Without a scopePrefix every such token of theirs is accepted, so
// that they must use no other API of the issuer. No clients and no scopePrefix
// change nothing. See [verifier.AudienceBinding].
//
// [verifier.AudienceBinding]: https://pkg.go.dev/github.com/sallyport-go/sallyport/verifier#AudienceBinding
func (p Provider) WithNoAudience(scopePrefix string, clients ...string) Provider {
	if scopePrefix == "" && len(clients) == 0 {
		return p
	}
	if len(clients) == 0 {
		p.Err = errors.Join(p.Err, fmt.Errorf("providers: %w", setting.Errorf("%s is set without %s: a scope alone does not say whose token this is", nameScopePrefix, nameNoAudienceClients)))
	}
	return p.each(func(i *Issuer) {
		i.Tokens.NoAudience = verifier.AudienceBinding{Clients: slices.Clone(clients), ScopePrefix: scopePrefix}
	})
}

// WithJWKS returns p with its keys fetched from one address, without discovery.
// It is for issuers that publish no document, whose name is no address, or whose
// keys for this API are at an address of their own. On another host than before,
// a CA and a bearer are left behind: give them after the address. "" changes
// nothing.
func (p Provider) WithJWKS(url string) Provider {
	if url == "" {
		return p
	}
	return p.each(func(i *Issuer) {
		i.Source.leave(url)
		i.Source.JWKSURL, i.Source.DiscoveryURL = url, ""
	})
}

// WithDiscovery returns p with its discovery document read from another address
// than the one that follows from the issuer. The document has to name the
// issuer. Where p has several, as Entra has, and url is the document of one of
// them but for its query, it is that one's keys that all of them use. On another
// host than before, a CA and a bearer are left behind: give them after the
// address. "" changes nothing.
func (p Provider) WithDiscovery(url string) Provider {
	if url == "" {
		return p
	}
	document, _, _ := strings.Cut(url, "?")
	of := slices.IndexFunc(p.Issuers, func(i Issuer) bool { return i.Source.document() == document })
	return p.each(func(i *Issuer) {
		if of >= 0 {
			i.Source.Issuer = p.Issuers[of].Source.Issuer
		}
		i.Source.leave(url)
		i.Source.JWKSURL, i.Source.DiscoveryURL = "", url
	})
}

// document returns the address of the discovery document, without its query.
func (s Source) document() string {
	document, _, _ := strings.Cut(s.DiscoveryURL, "?")
	return cmp.Or(document, strings.TrimSuffix(s.Issuer, "/")+"/.well-known/openid-configuration")
}

func (p Provider) each(change func(*Issuer)) Provider {
	p.Issuers = slices.Clone(p.Issuers)
	for i := range p.Issuers {
		change(&p.Issuers[i])
	}
	return p
}

func failed(preset string, problems ...error) Provider {
	return Provider{Err: fmt.Errorf("providers: %s: %w", preset, errors.Join(problems...))}
}

// The arguments that mistakes name.
const (
	nameIssuer    setting.Name = "issuer"
	nameAudiences setting.Name = "audiences"
	nameTenant    setting.Name = "tenant"
	nameDomain    setting.Name = "domain"
	namePreset    setting.Name = "preset"
	nameClients   setting.Name = "clients"
	nameRolesFrom setting.Name = "RolesFrom"

	nameEmails          setting.Name = "Emails"
	nameHostedDomains   setting.Name = "HostedDomains"
	nameRepositories    setting.Name = "Repositories"
	nameOwners          setting.Name = "Owners"
	nameWorkflows       setting.Name = "Workflows"
	nameServiceAccounts setting.Name = "ServiceAccounts"
	nameAPIServer       setting.Name = "APIServer"
	namePolicies        setting.Name = "Policies"

	nameScopePrefix       setting.Name = "ScopePrefix"
	nameNoAudienceClients setting.Name = "NoAudienceClients"
)

// unset returns the mistake that a setting is empty, with what to give.
func unset(name setting.Name) error {
	var s Settings
	for _, f := range setting.Fields(&s) {
		if f.Name == name || slices.Contains(f.Also, name) {
			return setting.Errorf("%s is not set: give %s", name, f.Help)
		}
	}
	return setting.Errorf("%s is not set", name)
}

func checkSet(name setting.Name, values ...string) error {
	if len(values) == 0 || slices.Contains(values, "") {
		return unset(name)
	}
	return nil
}

func checkAudiences(audiences []string) error {
	return errors.Join(checkSet(nameAudiences, audiences...), setting.CheckList(nameAudiences, audiences))
}

func checkHost(domain string) error {
	if domain == "" {
		return unset(nameDomain)
	}
	if strings.ContainsAny(domain, "/:@?#,;") || setting.Flaw(domain) != "" {
		return setting.Errorf("%s %.100q: give the host name alone, such as login.example.com", nameDomain, domain)
	}
	return nil
}

package providers

import (
	"errors"
	"slices"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/verifier"
)

// Auth0Grants is where an Auth0 API's grants are read from. It has no default:
// the right one depends on a switch in the API's settings.
type Auth0Grants int

const (
	// Auth0Permissions reads `permissions`: for APIs with RBAC and "Add
	// Permissions in the Access Token" switched on.
	Auth0Permissions Auth0Grants = iota + 1
	// Auth0Scopes reads `scope`: for APIs without RBAC. Then a user's token
	// carries whatever scopes its client asked for.
	Auth0Scopes
)

// Auth0 returns a Provider that expects tokens of an Auth0 tenant. domain is that of the iss claim: a
// custom domain if one is in use, which may differ from the host of the token
// endpoint. The issuer is https://domain/ with the slash that Auth0 writes.
func Auth0(domain string, grants Auth0Grants, audiences ...string) Provider {
	problems := []error{checkHost(domain), checkAudiences(audiences)}
	if grants != Auth0Permissions && grants != Auth0Scopes {
		problems = append(problems, errors.New("choose Auth0Permissions or Auth0Scopes"))
	}
	if err := errors.Join(problems...); err != nil {
		return failed("Auth0", err)
	}
	iss := "https://" + domain + "/"
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:       iss,
			Audiences:  slices.Clone(audiences),
			Algorithms: []string{"RS256", "PS256"},
			Claims:     auth0Mapping(grants),
			Hints:      hints(auth0Grants),
		},
		Source: Source{Issuer: iss},
	}}}
}

func auth0Named(grants Auth0Grants) func(Settings) Provider {
	return func(s Settings) Provider { return Auth0(s.Issuer, grants, s.Audiences...) }
}

func auth0Mapping(grants Auth0Grants) claims.Mapping {
	m := claims.Mapping{
		Scopes:      []claims.Source{},
		Roles:       []claims.Source{}, // Auth0 puts roles only into claims of one's own
		Permissions: []claims.Source{},
		ClientID:    []claims.Path{{"client_id"}, {"azp"}}, // the RFC 9068 dialect, the default one
		Caller: []claims.Evidence{
			{Is: claims.CallerApp, Claim: "gty", Equals: "client-credentials"},
			{Is: claims.CallerUser, Present: []string{"gty"}},
		},
	}
	if grants == Auth0Scopes {
		m.Scopes = []claims.Source{{Path: claims.Path{"scope"}}}
	} else {
		m.Permissions = []claims.Source{{Path: claims.Path{"permissions"}}}
	}
	return m
}

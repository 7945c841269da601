package providers

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/verifier"
)

// KeycloakRoles are whose roles count. Those who edit the roles of a client
// decide about this API if the client is named here. The zero value is none.
//
// Each role begins with whose it is, so that the role admin of one client is not
// the role admin of another: rules ask for realm:admin, or for orders:editor of
// the client orders.
type KeycloakRoles struct {
	_ [0]func() // keyed literals only

	// Realm makes the realm's roles count, those of realm_access.
	Realm bool
	// Clients are the client ids whose roles count, those of
	// resource_access.CLIENT.
	Clients []string
}

// keycloakRealm is the realm among the clients, for flags and variables.
const keycloakRealm = "realm"

// Keycloak returns a Provider that expects access tokens of a Keycloak realm.
// issuer is https://HOST/realms/NAME without a slash at the end.
//
// Keycloak writes the API into aud only where the client has an audience mapper.
// The audience account is refused: nearly every access token of a realm has it.
// Access tokens are told from ID and refresh tokens by the claim typ, which must be
// Bearer, or DPoP for one that is bound to a key: such a token also has a cnf, which
// a Binding must check.
//
// Keycloak, audience support: https://www.keycloak.org/docs/latest/server_admin/#audience-support
func Keycloak(issuer string, roles KeycloakRoles, audiences ...string) Provider {
	if err := errors.Join(checkRealm(issuer), roles.mistake(), checkAudiences(audiences), checkAccount(audiences)); err != nil {
		return failed("Keycloak", err)
	}
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:      issuer,
			Audiences: slices.Clone(audiences),
			Types:     []string{"JWT", "at+jwt"}, // the second by a switch of the client
			Markers:   []verifier.Marker{{Claim: "typ", Is: []string{"Bearer", "DPoP"}}},
			Required:  []string{"azp"},
			Claims:    roles.mapping(),
			Hints:     hints(keycloakHints()),
		},
		Source: Source{Issuer: issuer},
	}}}
}

func keycloakNamed(s Settings) Provider {
	var roles KeycloakRoles
	for _, from := range s.RolesFrom {
		if from == keycloakRealm {
			roles.Realm = true
		} else {
			roles.Clients = append(roles.Clients, from)
		}
	}
	return Keycloak(s.Issuer, roles, s.Audiences...)
}

func (r *KeycloakRoles) mapping() claims.Mapping {
	m := claims.Mapping{
		Scopes:      []claims.Source{{Path: claims.Path{"scope"}}},
		Roles:       []claims.Source{},
		Permissions: []claims.Source{},
		ClientID:    []claims.Path{{"azp"}},
		Caller:      []claims.Evidence{}, // nothing in the token tells for certain
	}
	if r.Realm {
		m.Roles = append(m.Roles, claims.Source{Path: claims.Path{"realm_access", "roles"}, Prefix: keycloakRealm + ":"})
	}
	for _, client := range r.Clients {
		m.Roles = append(m.Roles, claims.Source{Path: claims.Path{"resource_access", client, "roles"}, Prefix: client + ":"})
	}
	m.UnionOfRoles = len(m.Roles) > 1
	return m
}

// mistake reports clients whose roles could be read as those of another.
func (r *KeycloakRoles) mistake() error {
	problems := []error{setting.CheckList(nameRolesFrom, r.Clients)}
	for i, client := range r.Clients {
		switch {
		case client == "":
			problems = append(problems, setting.Errorf("%s: a client id is empty", nameRolesFrom))
		case client == keycloakRealm:
			problems = append(problems, setting.Errorf("%s: the roles of a client called realm would read like those of the realm: name its roles in Claims", nameRolesFrom))
		case slices.Contains(r.Clients[:i], client):
			problems = append(problems, setting.Errorf("%s: the client %.100q is named twice", nameRolesFrom, client))
		}
	}
	return errors.Join(problems...)
}

// checkAccount reports the audience of Keycloak's own account console, which the
// role mappings that every user has put into the tokens of all clients.
func checkAccount(audiences []string) error {
	if slices.Contains(audiences, "account") {
		return setting.Errorf("%s: account is Keycloak's own, and in the tokens of nearly every client of the realm: choose an audience of your own, and add an audience mapper to the clients that may call", nameAudiences)
	}
	return nil
}

func checkRealm(issuer string) error {
	if issuer == "" {
		return unset(nameIssuer)
	}
	_, realm, ok := strings.Cut(issuer, "/realms/")
	if !ok || realm == "" || strings.ContainsAny(realm, "/?#") {
		return setting.Errorf("%s %.200q: the issuer of a realm is https://HOST/realms/NAME, without anything behind", nameIssuer, issuer)
	}
	return nil
}

func keycloakHints() map[string]string {
	all := map[string]string{
		"claim:typ": "By its claim typ this is not Keycloak's access token (Bearer, or DPoP) but its ID, refresh or offline token: send the access_token of the response.",
		"claim:azp": "The token names no client (azp), which Keycloak's access tokens do: is it of another kind, or did a mapper remove it?",
		"claim:aud": "Keycloak puts the API into aud only with an audience mapper on the client: add one (for lightweight access tokens, with Add to lightweight access token on).",
	}
	for key, text := range keycloakGrants {
		all[key] = text
	}
	all["lacks:role"] = "In Keycloak, assign the role, for client credentials under the client's Service accounts roles; then have the preset read it (RolesFrom) and the rule ask for realm:ROLE or CLIENT:ROLE."
	return all
}

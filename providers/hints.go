package providers

import (
	"maps"
	"strings"
)

// hints are typical mistakes with the tokens of well-known authorization
// servers. Every preset has them all: a token of one server is often sent to an
// API that expects another's. Where a server grants what a good token lacks is
// its own.
func hints(grants map[string]string) map[string]string {
	const (
		graph    = "The token is for Microsoft Graph: the client must ask for your API's scope (api://.../.default)."
		versions = "This is a Microsoft Entra token: v1.0 and v2.0 tokens have different issuers, and the API's manifest picks one; the Entra preset accepts both for your tenant."
	)
	known := map[string]string{
		"iss:" + entraHostV1 + "*": versions,
		"iss:" + entraHost + "*":   versions,

		// Graph's tokens are signed over another header than the one they bear.
		"header:nonce": "This token is for Microsoft Graph, which alone can verify it: the client must ask for your API's scope (api://.../.default).",
		"aud:00000003-0000-0000-c000-000000000000": graph,
		"aud:https://graph.microsoft.com*":         graph,

		"aud:{issuer}": "aud is the issuer itself, as in the tokens of Okta's org authorization server, which are for Okta's own API: use a custom authorization server, whose tokens name yours.",

		"aud:{guid}":  "aud is a GUID, as Entra v2.0 tokens have it: if it is your app registration's, add it to the audiences.",
		"aud:account": "Keycloak puts the API into aud only with an audience mapper on the client: add one.",
	}
	maps.Copy(known, grants)
	return known
}

// Where the presets' servers grant what a token lacks.
//
// Entra: https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps
// Auth0: https://auth0.com/docs/get-started/apis/enable-role-based-access-control-for-apis
// Keycloak: https://www.keycloak.org/docs/latest/server_admin/#_client_scopes
var (
	entraGrants = map[string]string{
		"lacks:scope":      "In Entra, an app's own token carries app roles and never scopes; for a user's token, add the scope under Expose an API, and have the client ask for api://.../SCOPE.",
		"lacks:role":       "In Entra, add an app role of that value to the API's app registration, and assign it: to an app under API permissions, with an admin's consent, to a user under Enterprise applications, Users and groups.",
		"lacks:permission": "Entra has no permissions beside scopes and app roles: let the rule ask for one of them.",
		"lacks:level":      "In Entra, add app roles whose values are get, post, put and delete to the API's app registration, and assign them to the client under API permissions, with an admin's consent.",
	}
	auth0Grants = map[string]string{
		"lacks:scope":      "In Auth0, scopes are the API's permissions: authorize the application for the API with it, have a user's client ask for it, and make the preset read scopes; with RBAC on, the permissions count instead.",
		"lacks:role":       "Auth0 puts roles only into claims of your own, by an Action: have it add one, and name it in Claims; or let the rule ask for a permission.",
		"lacks:permission": "In Auth0, switch on RBAC and Add Permissions in the Access Token for the API; then authorize the application for the API with that permission, or assign it to the user, alone or by a role.",
		"lacks:level":      "In Auth0, add permissions called get, post, put and delete to the API, and authorize the application for it with those that it may use.",
	}
	keycloakGrants = map[string]string{
		"lacks:scope":      "In Keycloak, add a client scope of that name to the client, as default or as optional; an optional one the client must ask for.",
		"lacks:role":       "In Keycloak, assign the role, for client credentials under the client's Service accounts roles; it is in realm_access.roles or resource_access: name that claim in Claims.",
		"lacks:permission": "Keycloak puts no permissions into access tokens by itself: add a mapper, or let the rule ask for a role or a scope.",
		"lacks:level":      "In Keycloak, add client scopes called get, post, put and delete to the client, each with Include in token scope on.",
	}
)

// grantsOf tells a server by its issuer where there is no preset for it.
func grantsOf(issuer string) map[string]string {
	if strings.Contains(issuer, "/realms/") {
		return keycloakGrants
	}
	return nil
}

// lacking returns the hints that one sentence answers whatever a token lacks.
func lacking(sentence string) map[string]string {
	all := make(map[string]string)
	for _, kind := range []string{"scope", "role", "permission", "level"} {
		all["lacks:"+kind] = sentence
	}
	return all
}

// with returns both.
func with(grants, more map[string]string) map[string]string {
	all := maps.Clone(grants)
	maps.Copy(all, more)
	return all
}

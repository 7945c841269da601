package providers

// hints are typical mistakes with the tokens of well-known authorization
// servers. Every preset has them all: a token of one server is often sent to an
// API that expects another's.
func hints() map[string]string {
	const (
		graph    = "The token is for Microsoft Graph: the client must ask for your API's scope (api://.../.default)."
		versions = "This is a Microsoft Entra token: v1.0 and v2.0 tokens have different issuers, and the API's manifest picks one; the Entra preset accepts both for your tenant."
	)
	return map[string]string{
		"iss:" + entraHostV1 + "*": versions,
		"iss:" + entraHost + "*":   versions,

		// Graph's tokens are signed over another header than the one they bear.
		"header:nonce": "This token is for Microsoft Graph, which alone can verify it: the client must ask for your API's scope (api://.../.default).",
		"aud:00000003-0000-0000-c000-000000000000": graph,
		"aud:https://graph.microsoft.com*":         graph,

		"aud:{guid}":  "aud is a GUID, as Entra v2.0 tokens have it: if it is your app registration's, add it to the audiences.",
		"aud:account": "Keycloak puts the API into aud only with an audience mapper on the client: add one.",
	}
}

package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestHints(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		setup func(*world)
		token func(*world) string
		hint  string
	}{
		// Shape.
		"nothing at all":                 {token: text(""), hint: "There is no token."},
		"the word Bearer pasted":         {token: func(w *world) string { return "Bearer " + w.Token() }, hint: "without the word Bearer"},
		"bearer pasted with an opaque":   {token: text("bearer 1234"), hint: "without the word Bearer"},
		"an opaque token with a dot":     {token: text("ory_at_zT1m.pXkR"), hint: "This is no JWT but an opaque token"},
		"an opaque token":                {token: text("NgXCXRKcMz0Yjw="), hint: "This is no JWT but an opaque token"},
		"an encrypted token":             {token: text("e30.e30.e30.e30.e30"), hint: "The token is encrypted (JWE)"},
		"a token cut in two":             {token: func(w *world) string { h, p, _ := parts(w.Token()); return h + "." + p }, hint: "was it cut when it was copied?"},
		"a part that does not decode":    {token: func(w *world) string { return w.Token() + "=" }, hint: "The signature is padded with ="},
		"a token too large":              {setup: maxTokenBytes(10), hint: "Raise MaxTokenBytes"},
		"crit":                           {token: with(jwkstest.Header{"crit": []string{"b64"}}), hint: "must not mark header members as critical"},
		"an unsigned token":              {token: with(jwkstest.Header{"alg": "None"}), hint: "The token is unsigned: no setting accepts it."},
		"an algorithm that is not named": {token: with(jwkstest.WithAlgorithm("ES384")), hint: `Add "ES384" to the issuer's Algorithms`},
		"another kind by its typ":        {token: with(jwkstest.Header{"typ": "dpop+jwt"}), hint: `Add "dpop+jwt" to the issuer's Types if`},
		"a nested token":                 {token: with(jwkstest.Header{"cty": "JWT"}), hint: "The token holds another token (cty)"},
		"no typ where one is wanted":     {setup: types("JWT"), token: with(jwkstest.Header{"typ": nil}), hint: `Add "" to the issuer's Types`},
		"another kind by a claim":        {token: having(jwkstest.Claims{"at_hash": "x"}), hint: "This is not an access token (an ID token, perhaps)"},

		// Issuer.
		"a slash too many":            {token: having(jwkstest.Claims{"iss": issuerName + "/"}), hint: `the path differs ("//", and "/" is configured)`},
		"the slash missing":           {token: having(jwkstest.Claims{"iss": "https://issuer.example"}), hint: `Only the trailing slash differs: set the issuer to "https://issuer.example".`},
		"another scheme, port, path":  {token: having(jwkstest.Claims{"iss": "http://issuer.example:8080/x"}), hint: "from another issuer (iss)"},
		"another port":                {token: having(jwkstest.Claims{"iss": "https://issuer.example:8443/"}), hint: "Only the port differs (:8443, and none is configured)"},
		"another scheme":              {token: having(jwkstest.Claims{"iss": "http://issuer.example/"}), hint: `Only the scheme differs ("http", and "https" is configured): set the issuer to "http://issuer.example/".`},
		"another realm":               {token: having(jwkstest.Claims{"iss": "https://issuer.example/realms/x"}), hint: `the path differs ("/realms/x", and "/" is configured): set the issuer to "https://issuer.example/realms/x", or is it from TEST`},
		"another case":                {token: having(jwkstest.Claims{"iss": "https://Issuer.example/"}), hint: `Only upper and lower case differ: set the issuer to "https://Issuer.example/".`},
		"an issuer that is known":     {token: having(jwkstest.Claims{"iss": "https://login.example/" + contoso}), hint: "Known by its beginning."},
		"the longest beginning":       {token: having(jwkstest.Claims{"iss": "https://login.example/common/x"}), hint: "Known by a longer beginning."},
		"the other environment":       {token: having(jwkstest.Claims{"iss": "https://test.example/"}), hint: "is it from TEST while this is PROD?"},
		"a tenant that is not listed": {setup: tenants(contoso), token: of(fabrikam), hint: "Add the tenant to Tenants"},

		// Keys.
		"a kid that is not published":    {token: with(jwkstest.Header{"kid": "new"}), hint: "was it just rotated"},
		"keys that cannot be told apart": {setup: func(w *world) { w.Publish(others(w, nil)...) }, token: with(jwkstest.Header{"kid": nil}), hint: "does not say which key signed it"},
		"no kid, and no key made it":     {token: func(w *world) string { return tampered(w.Token(jwkstest.Header{"kid": nil})) }, hint: "None of the issuer's keys that the token can mean made its signature"},
		"an RSA key without alg":         {token: signedBy("PS256", jwkstest.JWK{"alg": nil}), hint: `put "PS256" first if that is what the issuer signs with`},
		"a key for encryption":           {token: signedBy("ES256", jwkstest.JWK{"use": "enc"}), hint: `must not check access tokens: key 0 (kid "key-2"): use is "enc", not sig.`},
		"a key that cannot be read":      {token: signedBy("ES256", jwkstest.JWK{"x": "!!"}), hint: `cannot be read, so the token was not judged: key 0 (kid "key-2"): unusable EC key: x is not base64url.`},
		"a key for another alg":          {token: with(jwkstest.Header{"alg": "RS256"}), hint: "The key of that kid is published for another alg"},
		"no kid, and no key for alg":     {token: with(jwkstest.Header{"alg": "RS256", "kid": nil}), hint: "none of the issuer's keys is for its alg"},
		"a key of another tenant":        {setup: tenants(contoso), token: of(contoso), hint: "The signing key belongs to another issuer or tenant"},
		"a token changed":                {token: func(w *world) string { return tampered(w.Token()) }, hint: "changed after it was signed"},
		"a header member that is known":  {token: func(w *world) string { return tampered(w.Token(jwkstest.Header{"nonce": "n"})) }, hint: "Known by its header."},

		// Claims.
		"exp in milliseconds": {token: having(jwkstest.Claims{"exp": noon.UnixMilli()}), hint: "exp is in milliseconds: RFC 7519 wants seconds."},
		"nbf in milliseconds": {token: having(jwkstest.Claims{"nbf": noon.UnixMilli()}), hint: "nbf is in milliseconds"},
		"the last second of all dates is none in milliseconds": {token: having(jwkstest.Claims{"exp": 253402300799, "nbf": "soon"}), hint: `The claim "nbf" is malformed`},
		"a claim's type": {token: having(jwkstest.Claims{"exp": "soon"}), hint: `The claim "exp" is malformed: it is a string; want a number of seconds.`},
		"roles that are an object": {
			token: having(jwkstest.Claims{"roles": map[string]any{"admin": map[string]any{"1": "example.org"}}}),
			hint:  `The claim "roles" is an object: if its member names are what it grants, as with Zitadel's roles, set Keys in the Source that names it in Claims.`,
		},
		"a client that is a number":      {token: having(jwkstest.Claims{"client_id": 7}), hint: `The claim "client_id" is malformed: it is a number; want a string.`},
		"no exp":                         {token: having(jwkstest.Claims{"exp": nil}), hint: "The token lacks a claim that is needed: exp."},
		"the audience's slash":           {setup: audiences("https://api.example/orders/"), token: with(jwkstest.WithAudience("https://api.example/orders")), hint: `set the audience to "https://api.example/orders".`},
		"a slash, in a list":             {token: with(jwkstest.WithAudience("https://x.example/userinfo", audience+"/")), hint: `set the audience to "api://orders/".`},
		"an audience that is known":      {token: with(jwkstest.WithAudience("x", "account")), hint: "Known."},
		"a known GUID before any GUID":   {token: with(jwkstest.WithAudience(contoso)), hint: "The known GUID."},
		"any GUID":                       {token: with(jwkstest.WithAudience(fabrikam)), hint: "Any GUID."},
		"a longer audience than a known": {token: with(jwkstest.WithAudience("accounts")), hint: "The token is for another API"},
		"another API":                    {token: with(jwkstest.WithAudience("api://billing")), hint: "The token is for another API"},
		"a null claim":                   {setup: required("tid"), token: having(jwkstest.Claims{"tid": null}), hint: "The token's tid is null, which counts as absent"},
		"a null iss":                     {token: having(jwkstest.Claims{"iss": null}), hint: "The token's iss is null"},
		"no aud":                         {token: having(jwkstest.Claims{"aud": nil}), hint: "The token has no aud: have the issuer write this API's audience into it"},
		"a null aud":                     {token: having(jwkstest.Claims{"aud": null}), hint: "The token's aud is null: have the issuer write"},
		"an empty aud":                   {token: having(jwkstest.Claims{"aud": []string{}}), hint: "The token's aud is an empty array: have the issuer write"},
		"no aud, and no scope for it":    {setup: noAudience("test-client"), token: having(jwkstest.Claims{"aud": nil}), hint: `The token has no aud, and no scope of it begins with "orders/": ask for such a scope`},
		"no aud, and another client":     {setup: noAudience("partner"), token: having(jwkstest.Claims{"aud": []string{}}), hint: "The token's aud is an empty array, and its client is not among NoAudience.Clients: add it there"},
		"no aud, and no client":          {setup: noAudience("partner"), token: having(jwkstest.Claims{"aud": null, "client_id": nil}), hint: "The token's aud is null, and it names no client"},
		"an audience that is empty":      {token: having(jwkstest.Claims{"aud": ""}), hint: "The token's aud is an empty string"},
		"an empty typ":                   {token: with(jwkstest.Header{"typ": ""}), hint: `The token's typ is empty: list "" in the issuer's Types`},
		"a client not listed":            {setup: func(w *world) { w.issuer().Clients = []string{"partner"} }, hint: "Add the client id to the issuer's Clients"},
		"a bound token":                  {token: having(jwkstest.Claims{"cnf": map[string]any{"jkt": "t"}}), hint: "bound to its sender's key (cnf)"},

		// What is configured for this issuer.
		"an issuer that is known, and near": {token: func(w *world) string { return w.Token(jwkstest.Claims{"iss": w.issuer().Name + "x"}) }, hint: "Known, however near."},
		"a typ that is known":               {token: with(jwkstest.Header{"typ": "x+jwt"}), hint: "Known by its typ."},
		"a claim that is known to lack":     {setup: required("tid"), token: having(jwkstest.Claims{"tid": nil}), hint: "Known to lack tid."},
		"a mark that is known":              {token: having(jwkstest.Claims{"c_hash": "x"}), hint: "Known by its hash."},
		"an opaque token of a known server": {
			setup: func(w *world) { w.issuer().Hints["token:opaque"] = "Choose JWT." }, token: text("NgXCXRKcMz0Yjw="),
			hint: "This is no JWT but an opaque token. Choose JWT.",
		},
		"an aud that is the issuer": {token: func(w *world) string { return w.Token(jwkstest.WithAudience(w.issuer().Name)) }, hint: "aud is the issuer itself: the token is for its own API"},
		"an issuer that is known for it": {
			setup: func(w *world) { w.issuer().Hints["aud:{issuer}"] = "Known for it." }, token: func(w *world) string { return w.Token(jwkstest.WithAudience(w.issuer().Name)) },
			hint: "Known for it.",
		},
		"another API, by a known server": {
			setup: func(w *world) { w.issuer().Hints["claim:aud"] = "Ask for it." }, token: with(jwkstest.WithAudience("api://billing")),
			hint: "The token is for another API, by its aud. Ask for it.",
		},
		"no typ, by a known server": {
			setup: func(w *world) { w.issuer().Hints["typ:"] = "Write one."; w.issuer().Types = []string{"at+jwt"} }, token: with(jwkstest.Header{"typ": nil}),
			hint: "Write one.",
		},
		"no aud, by a known server": {
			setup: func(w *world) { w.issuer().Hints["claim:aud"] = "Ask for it." }, token: having(jwkstest.Claims{"aud": []string{}}),
			hint: "The token's aud is an empty array. Ask for it.",
		},

		// Time and hooks.
		"expired":                   {setup: func(w *world) { w.set(noon.Add(90 * time.Minute)) }, hint: "Expired 30m0s ago"},
		"not valid yet":             {token: having(jwkstest.Claims{"nbf": noon.Add(time.Hour)}), hint: "The token is valid later"},
		"issued in the future":      {token: having(jwkstest.Claims{"iat": noon.Add(time.Hour)}), hint: "issued in the future"},
		"too old":                   {setup: func(w *world) { w.cfg.MaxAge = time.Minute; w.set(noon.Add(time.Hour - 1)) }, hint: "older than MaxAge"},
		"a validator":               {setup: validating(errors.New("the contract ended")), hint: "A validator of your own refused the token: the contract ended."},
		"a validator with a reason": {setup: validating(fmt.Errorf("not our tenant: %w", reason.UnknownTenant)), hint: "A validator of your own refused the token: not our tenant: unknown_tenant."},
		"revoked":                   {setup: revoked(true, nil), hint: "The token was withdrawn"},
		"no revocation to ask":      {setup: revoked(false, errors.New("redis is down")), hint: "The revocation hook failed, and the call was refused to be safe: redis is down."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.issuer().Hints = map[string]string{
				"iss:https://login.example/*": "Known by its beginning.", "iss:https://login.example/common/*": "Known by a longer beginning.",
				"aud:account": "Known.", "aud:" + contoso: "The known GUID.", "aud:{guid}": "Any GUID.", "header:nonce": "Known by its header.",
				"iss:" + w.issuer().Name + "x": "Known, however near.", "typ:x+jwt": "Known by its typ.", "claim:tid": "Known to lack tid.", "claim:c_hash": "Known by its hash.",
			}
			if r.setup != nil {
				r.setup(w)
			}
			token := w.plainOr(r.token)
			w.keys.fetch()
			report, _ := w.explain(t, token)
			assert.False(t, report.OK)
			assert.Contains(t, report.Hint, r.hint)
			assert.True(t, strings.HasSuffix(report.Hint, ".") || strings.HasSuffix(report.Hint, "?"), "a hint is a sentence: %q", report.Hint)
		})
	}
}

// noAudience accepts tokens of a client without aud.
func noAudience(client string) func(*world) {
	return func(w *world) {
		w.issuer().NoAudience = verifier.AudienceBinding{Clients: []string{client}, ScopePrefix: "orders/"}
	}
}

func TestAHintForACallerWhoLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keys.refresh = func(ctx context.Context, _ string) error { return ctx.Err() }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report := w.verifier(t).Explain(ctx, w.Token(jwkstest.Header{"kid": "new"}))
	assert.Contains(t, report.Hint, "cut short: allow more time")
}

package verifier_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// The rules on claims (RFC 7519) and on access tokens (RFC 9068, RFC 8725).

func rfc9068(w *world) { w.cfg.Issuers[0] = w.cfg.Issuers[0].RFC9068() }

func unknownIssuer(iss string) row {
	return row{token: having(jwkstest.Claims{"iss": iss}), want: reason.UnknownIssuer, check: "issuer", detail: "the token's iss is not configured"}
}

func wrongAudience(aud any) row {
	return row{token: having(jwkstest.Claims{"aud": aud}), want: reason.WrongAudience, check: "audience", detail: "the token is meant for another API: see Audiences"}
}

func TestConformanceOfClaims(t *testing.T) {
	t.Parallel()
	named := func(iss, aud string) func(*world) {
		return func(w *world) { w.issuer().Name, w.issuer().Audiences = iss, []string{aud} }
	}
	// exactly wants iss and aud as they are configured, and no other form of them.
	exactly := func(configured, other string) table {
		iss, aud := unknownIssuer(other), wrongAudience(other)
		iss.setup, aud.setup = named(configured, audience), named(issuerName, configured)
		return table{
			"as iss":             iss,
			"as aud":             aud,
			"the form itself is": {setup: named(configured, configured), token: having(jwkstest.Claims{"iss": configured, "aud": configured})},
		}
	}
	forms := table{}
	for name, pair := range map[string][2]string{
		"a slash more":                 {"https://a.example", "https://a.example/"},
		"a slash less":                 {"https://a.example/", "https://a.example"},
		"another case":                 {"https://a.example/Realm", "https://a.example/realm"},
		"a host in caps":               {"https://a.example/", "https://A.example/"},
		"a percent escape":             {"https://a.example/~r", "https://a.example/%7Er"},
		"a default port":               {"https://a.example/am", "https://a.example:443/am"},
		"and none":                     {"https://a.example:443/am", "https://a.example/am"},
		"dot segments":                 {"https://a.example/r", "https://a.example/./r"},
		"white space":                  {"https://a.example/", "https://a.example/ "},
		"a letter that looks the same": {"https://a.example/", "https://а.example/"}, //nolint:gosmopolitan // that is the point
	} {
		for where, r := range exactly(pair[0], pair[1]) {
			forms[name+" "+where] = r
		}
	}
	expired := row{want: reason.Expired, check: "expiry"}
	early := row{want: reason.NotYetValid, check: "not_before", detail: "nbf lies ahead: is a clock wrong?"}
	strict := func(r row) row { r.setup = leeway(-1); return r }
	hour := jwkstest.Claims{"exp": noon.Add(time.Hour), "nbf": noon}

	rules{
		"33 a NumericDate is a number": {
			"with a fraction":   {token: having(jwkstest.Claims{"exp": float64(noon.Unix()) + 3600.5, "iat": float64(noon.Unix()) - 0.25})},
			"with an exponent":  {token: rawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","exp":2.0e9}`)},
			"a string":          malformedClaim("exp", "1795176000"),
			"null":              malformedClaim("exp", null),
			"true":              malformedClaim("nbf", true),
			"a list":            malformedClaim("iat", []int64{noon.Unix()}),
			"negative":          malformedClaim("exp", -1),
			"in milliseconds":   malformedClaim("exp", noon.UnixMilli()),
			"beyond a float":    {token: rawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","exp":1e400}`), want: reason.MalformedClaims, check: "claims"},
			"a date in letters": malformedClaim("nbf", "2026-11-20T12:00:00Z"),
		},
		"34 iss and aud are compared byte for byte": forms,
		"35 aud is a string or an array of strings": {
			"a string":              {token: having(jwkstest.Claims{"aud": audience})},
			"an array":              {token: having(jwkstest.Claims{"aud": []string{"x", audience}})},
			"an empty array":        wrongAudience([]string{}),
			"an array of a number":  malformedClaim("aud", []int{1}),
			"an array of an array":  malformedClaim("aud", [][]string{{audience}}),
			"an object":             malformedClaim("aud", map[string]any{"v": audience}),
			"a number":              malformedClaim("aud", 1),
			"a longer string":       wrongAudience(audience + "-archive"),
			"a shorter string":      wrongAudience(audience[:len(audience)-1]),
			"several in one string": wrongAudience("x " + audience),
			"several with a comma":  wrongAudience("x," + audience),
		},
		"36 exp and nbf are exact": {
			"before exp":                  at(time.Hour-1, hour, strict(row{})),
			"at exp":                      at(time.Hour, hour, strict(expired)),
			"before exp and leeway":       at(time.Hour+30*time.Second-1, hour, row{}),
			"at exp and leeway":           at(time.Hour+30*time.Second, hour, expired),
			"at nbf":                      at(0, jwkstest.Claims{"nbf": noon}, strict(row{})),
			"before nbf":                  at(-1, jwkstest.Claims{"nbf": noon, "iat": nil}, strict(early)),
			"at nbf less leeway":          at(-30*time.Second, jwkstest.Claims{"nbf": noon, "iat": nil}, row{}),
			"before nbf less leeway":      at(-30*time.Second-1, jwkstest.Claims{"nbf": noon, "iat": nil}, early),
			"a token without exp is none": {token: having(jwkstest.Claims{"exp": nil}), want: reason.MissingClaim, check: "required", detail: "exp"},
		},
		"38 unknown claims are ignored": {
			"of every type": {token: having(jwkstest.Claims{
				"https://api.example/x": map[string]any{"deep": []any{1, "a", nil}}, "": "", "n": null, "t": true, "authorization_details": []any{},
			})},
			"hundreds of them": {token: func(w *world) string {
				many := jwkstest.Claims{}
				for i := range 300 {
					many[fmt.Sprintf("claim-%d", i)] = i
				}
				return w.Token(many)
			}},
		},
	}.run(t)
}

func TestConformanceOfTheAccessTokenProfile(t *testing.T) {
	t.Parallel()
	strict := func(r row) row { r.setup = rfc9068; return r }
	dropped := table{"with all of them": {setup: rfc9068}}
	for _, name := range []string{"sub", "client_id", "iat", "jti"} {
		dropped["without "+name] = strict(row{token: having(jwkstest.Claims{name: nil}), want: reason.MissingClaim, check: "required", detail: name})
		dropped["without "+name+" and not strict"] = row{token: having(jwkstest.Claims{name: nil})}
	}
	dropped["without exp"] = strict(row{token: having(jwkstest.Claims{"exp": nil}), want: reason.MissingClaim, check: "required", detail: "exp"})
	dropped["without iss"] = strict(row{token: having(jwkstest.Claims{"iss": nil}), want: reason.MissingClaim, check: "issuer", detail: "iss"})
	dropped["without aud"] = strict(row{token: having(jwkstest.Claims{"aud": nil}), want: reason.MissingClaim, check: "audience", detail: "aud"})

	marked := func(c jwkstest.Claims, name string) row {
		return row{token: having(c), want: reason.UnsupportedType, check: "kind", detail: "by its " + name + " claim this is no access token"}
	}
	logout := jwkstest.Claims{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	rules{
		"39 the strict profile wants typ at+jwt": {
			"at+jwt":                        {setup: rfc9068},
			"application/at+jwt":            {setup: rfc9068, token: with(jwkstest.Header{"typ": "application/at+jwt"})},
			"JWT":                           strict(otherType(jwkstest.Header{"typ": "JWT"})),
			"none":                          strict(otherType(jwkstest.Header{"typ": nil})),
			"JWT where it is not strict":    {token: with(jwkstest.Header{"typ": "JWT"})},
			"no typ where it is not strict": {token: with(jwkstest.Header{"typ": nil})},
		},
		"40 media types are compared without regard to case": {
			"AT+JWT":             {setup: rfc9068, token: with(jwkstest.Header{"typ": "AT+JWT"})},
			"Application/AT+jwt": {setup: rfc9068, token: with(jwkstest.Header{"typ": "Application/AT+jwt"})},
		},
		"41 iss is exact, aud holds this API, the keys are the issuer's": {
			"all three":           {setup: rfc9068},
			"another iss":         unknownIssuer("https://issuer.example/x"),
			"another aud":         wrongAudience("api://billing"),
			"a key of a stranger": {token: func(w *world) string { return w.Token(jwkstest.WithKey(w.NewKey("ES256"))) }, want: reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-2"`},
		},
		"42 RS256 is supported": {"RS256": {setup: rfc9068, token: with(jwkstest.WithAlgorithm("RS256"))}},
		"43 iss, exp, aud, sub, client_id, iat and jti are required": dropped,
		"48 other kinds of JWT are refused": {
			"a logout token":                 otherType(jwkstest.Header{"typ": "logout+jwt"}),
			"a DPoP proof":                   otherType(jwkstest.Header{"typ": "dpop+jwt"}),
			"a security event":               otherType(jwkstest.Header{"typ": "secevent+jwt"}),
			"an introspection answer":        otherType(jwkstest.Header{"typ": "token-introspection+jwt"}),
			"a request object":               otherType(jwkstest.Header{"typ": "oauth-authz-req+jwt"}),
			"with the long media type":       otherType(jwkstest.Header{"typ": "application/dpop+jwt"}),
			"an ID token by at_hash":         marked(jwkstest.Claims{"at_hash": "x"}, "at_hash"),
			"an ID token by c_hash":          marked(jwkstest.Claims{"c_hash": "x"}, "c_hash"),
			"an ID token by its typ claim":   marked(jwkstest.Claims{"typ": "ID"}, "typ"),
			"an ID token by its token_use":   marked(jwkstest.Claims{"token_use": "id"}, "token_use"),
			"a refresh token":                marked(jwkstest.Claims{"typ": "Refresh"}, "typ"),
			"a logout token without its typ": marked(logout, "events"),
		},
	}.run(t)

	t.Run("45 authorization claims are used", func(t *testing.T) {
		t.Parallel()
		c := granted(t, jwkstest.Claims{"scope": "orders.read orders.write"})
		assert.True(t, claims.AllScopes("orders.write", "orders.read").Check(c).Allowed)
		assert.False(t, claims.AllScopes("orders.delete").Check(c).Allowed)
	})
	t.Run("46 roles, groups and entitlements can be used", func(t *testing.T) {
		t.Parallel()
		c := granted(t, jwkstest.Claims{"roles": []string{"admin"}, "groups": []string{"sales"}, "entitlements": []string{"export"}})
		assert.True(t, claims.AnyRole("admin").Check(c).Allowed)
		assert.True(t, claims.Contains("sales", "groups").Check(c).Allowed)
		assert.True(t, claims.Contains("export", "entitlements").Check(c).Allowed)
		assert.False(t, claims.Contains("admin", "groups").Check(c).Allowed)
	})
	t.Run("47 issuer A's key with iss B fails", func(t *testing.T) {
		t.Parallel()
		a, b := newWorld(t), newWorld(t, jwkstest.WithName("https://b.example"))
		a.cfg.Issuers = append(a.cfg.Issuers, *b.issuer())
		v := a.verifier(t)
		_, got := verify(t, v, b.Token())
		require.Empty(t, got)
		a.Rotate() // to a kid that B does not have
		a.keys.fetch()
		for _, key := range a.Published() {
			want := map[string]reason.Code{"key-1": reason.BadSignature, "key-2": reason.UnknownKey}[key.ID()]
			forged := a.Token(jwkstest.WithKey(key), jwkstest.Claims{"iss": b.Issuer.Issuer()})
			_, got := verify(t, v, forged)
			assert.Equal(t, want, got)
			assert.Equal(t, want, v.Explain(t.Context(), forged).Reason)
		}
	})
	t.Run("49 app and user are told apart", func(t *testing.T) {
		t.Parallel()
		app := granted(t, jwkstest.Claims{"idtyp": "app", "roles": []string{"get"}})
		user := granted(t, jwkstest.Claims{"idtyp": "user", "roles": []string{"get"}, "scp": "access_as_user"})
		nobody := granted(t, jwkstest.Claims{"scope": "x"})
		assert.Equal(t, []claims.CallerType{claims.CallerApp, claims.CallerUser, claims.CallerUnknown},
			[]claims.CallerType{app.Caller(), user.Caller(), nobody.Caller()})
		level := claims.AccessLevels{Resources: []string{audience}}.Require(claims.LevelGet)
		assert.True(t, level.Check(app).Allowed)
		assert.False(t, level.Check(user).Allowed, "a user's role is no app's permission")
		assert.False(t, claims.AppOnly().Check(nobody).Allowed)
	})
}

// granted are the claims of a good token.
func granted(t *testing.T, members jwkstest.Claims) *claims.Claims {
	t.Helper()
	w := newWorld(t)
	c, got := verify(t, w.verifier(t), w.Token(members))
	require.Empty(t, got)
	return c
}

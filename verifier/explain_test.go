package verifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// explain is the report on a token, and its checks by name.
func (w *world) explain(t *testing.T, token string) (verifier.Report, map[string]verifier.Check) {
	t.Helper()
	report := w.verifier(t).Explain(t.Context(), token)
	checks := make(map[string]verifier.Check)
	for _, c := range report.Checks {
		checks[c.Name] = c
	}
	assertUnsigned(t, report, token)
	return report, checks
}

// lines are "check: found; expected", for the checks that are named.
func lines(checks map[string]verifier.Check, names ...string) []string {
	var out []string
	for _, name := range names {
		out = append(out, name+": "+checks[name].Found+"; "+checks[name].Expected)
	}
	return out
}

func TestExplainSaysWhatItFoundAndExpected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.MaxAge = time.Hour
	w.cfg.Validators = []verifier.Validator{func(context.Context, *claims.Claims) error { return nil }}
	w.cfg.Revoked = func(context.Context, *claims.Claims) (bool, error) { return false, nil }
	w.issuer().Clients = []string{"test-client", "partner"}
	w.issuer().Required = []string{"sub"}
	w.issuer().Markers = []verifier.Marker{{Claim: "use", Is: []string{"at"}}, {Claim: "typ", Not: []string{"ID"}}, {Claim: "events"}}
	token := w.Token(jwkstest.Claims{"use": "at"})
	report, checks := w.explain(t, token)

	assert.True(t, report.OK)
	assert.Empty(t, report.Reason)
	assert.Empty(t, report.Hint)
	assert.Equal(t, "at most 8192", checks["size"].Expected)
	assert.Equal(t, []string{
		"structure: 3 parts; 3 parts: header.payload.signature",
		"header: a JSON object; a JSON object in canonical base64url, no member twice",
		"critical: neither; neither crit nor b64",
		"payload: a JSON object; a JSON object in canonical base64url, no member twice",
		`issuer: "https://issuer.example/"; "https://issuer.example/"`,
		`type: "at+jwt"; "at+jwt" or "JWT" or no typ`,
		`algorithm: "ES256"; "RS256" or "PS256" or "ES256" or "EdDSA"`,
		`key: kid "key-1"; "key-1" EC ES256`,
		`signature: ; made with ES256 by key "key-1"`,
		"claims: 8 claims; registered claims of the right types",
		"required: all; exp, sub",
		"tenant: ; nothing: the issuer has no tenants",
		`kind: an access token; use "at"; typ not "ID"; no events`,
		`audience: "api://orders"; "api://orders"`,
		`client: "test-client"; "test-client" or "partner"`,
		"binding: no cnf; no cnf",
		"expiry: 2026-11-20T13:00:00Z, in 1h0m0s; after 2026-11-20T11:59:30Z (leeway 30s)",
		"not_before: no nbf; none, or not after 2026-11-20T12:00:30Z (leeway 30s)",
		"issued_at: 2026-11-20T12:00:00Z, 0s ago; none, or not after 2026-11-20T12:00:30Z (leeway 30s)",
		"age: 2026-11-20T12:00:00Z, 0s ago; issued within 1h0m0s (leeway 30s)",
		"validators: ; 1 validators of your own to agree",
		"revocation: ; not revoked",
	}, lines(checks, checkNames[1:]...))
}

func TestExplainOfTheOtherChoices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, jwkstest.JWK{"issuer": pattern})
	tenants(contoso, fabrikam)(w)
	w.issuer().NoAudience, w.issuer().Clients = verifier.AudienceBinding{Clients: []string{"a"}, ScopePrefix: "orders/"}, []string{"a"}
	w.issuer().Types = []string{""}
	for range 8 {
		w.Publish(w.NewKey("EdDSA"))
	}
	w.keys.fetch()
	anybody := *w.issuer()
	anybody.Name, anybody.Tenants, anybody.DangerouslyAnyTenant = "https://sts.example/{tenantid}/", nil, true
	w.cfg.Issuers = append(w.cfg.Issuers, anybody)
	for _, name := range []string{"https://a.example", "https://b.example", "https://c.example", "https://d.example"} {
		second(name)(w)
		w.cfg.Issuers[len(w.cfg.Issuers)-1].Tenants = nil
	}
	_, checks := w.explain(t, of(contoso, jwkstest.Header{"kid": nil, "typ": nil}, jwkstest.Claims{"client_id": "a", "scope": "x"})(w))

	assert.Equal(t, []string{
		`issuer: "https://login.example/` + contoso + `/v2.0"; "https://a.example" or "https://b.example" or "https://c.example" or "https://d.example" or "https://login.example/{tenantid}/v2.0" of 2 tenants or 1 more`,
		"type: no typ; no typ",
		`key: no kid; "key-1" EC ES256 or "key-2" OKP EdDSA or "key-3" OKP EdDSA or "key-4" OKP EdDSA or "key-5" OKP EdDSA or "key-6" OKP EdDSA or "key-7" OKP EdDSA or "key-8" OKP EdDSA or 1 more`,
		`tenant: tid "` + contoso + `", key of "https://login.example/{tenantid}/v2.0"; tid "` + contoso + `", key of https://login.example/{tenantid}/v2.0`,
		`audience: "api://orders"; "api://orders" (or no aud, and client "a" with a scope that begins with "orders/")`,
		`client: "a"; "a"`,
		"binding: no cnf; no cnf",
		"age: 2026-11-20T12:00:00Z, 0s ago; any age",
		"validators: ; 0 validators of your own to agree",
		"revocation: ; nothing: no revocation is configured",
	}, lines(checks, "issuer", "type", "key", "tenant", "audience", "client", "binding", "age", "validators", "revocation"))
}

// TestExplainCutsListsOnlyWhereTheyAreLong has as many of each as are shown.
func TestExplainCutsListsOnlyWhereTheyAreLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anybody := *w.issuer()
	anybody.Name, anybody.DangerouslyAnyTenant = pattern, true
	w.cfg.Issuers = append(w.cfg.Issuers, anybody)
	for _, name := range []string{"https://a.example", "https://b.example", "https://c.example"} {
		second(name)(w)
		w.cfg.Issuers[len(w.cfg.Issuers)-1].DangerouslyAnyTenant = false
	}
	for range 7 {
		w.Publish(w.NewKey("EdDSA"))
	}
	w.keys.fetch()
	w.issuer().Audiences = nil
	w.issuer().NoAudience = verifier.AudienceBinding{Clients: []string{"a"}, ScopePrefix: "orders/"}
	_, checks := w.explain(t, w.Token(jwkstest.WithAudience(strings.Repeat("a", 198)), jwkstest.Header{"b64": true}))

	assert.Equal(t, []string{
		`issuer: "https://issuer.example/"; "https://a.example" or "https://b.example" or "https://c.example" or "https://issuer.example/" or "https://login.example/{tenantid}/v2.0" of any tenant`,
		`critical: crit or b64; neither crit nor b64`,
		`audience: "` + strings.Repeat("a", 198) + `"; nothing (or no aud, and client "a" with a scope that begins with "orders/")`,
	}, lines(checks, "issuer", "critical", "audience"))
	assert.Equal(t, 7, strings.Count(checks["key"].Expected, " or "))
	assert.NotContains(t, checks["key"].Expected, "more")
}

func TestExplainGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.issuer().Required = []string{"tid", "sub"}
	token := tampered(w.Token(
		jwkstest.WithAudience("api://billing"),
		jwkstest.Claims{"exp": noon.Add(-time.Hour), "at_hash": "h", "client_id": nil, "nbf": noon.Add(time.Hour)},
		jwkstest.Header{"crit": []string{"exp"}, "typ": "id+jwt", "cty": "JWT"},
	))
	report, checks := w.explain(t, token)

	assert.Equal(t, reason.CriticalHeader, report.Reason, "the first that failed gives the reason")
	var failed, skipped []string
	for _, c := range report.Checks {
		switch {
		case c.Skipped:
			skipped = append(skipped, c.Name)
			assert.Empty(t, c.Found+c.Expected)
		case !c.OK:
			failed = append(failed, c.Name)
		}
	}
	assert.Equal(t, []string{"critical", "type", "signature", "required", "kind", "audience", "expiry", "not_before"}, failed)
	assert.Equal(t, []string{"validators", "revocation"}, skipped, "hooks are not run for a token that failed")
	assert.Equal(t, []string{
		"critical: crit or b64; neither crit nor b64",
		`type: "id+jwt" and cty "JWT"; "at+jwt" or "JWT" or no typ`,
		"required: no tid; exp, tid, sub",
		"client: no client id; any client",
		`audience: "api://billing"; "api://orders"`,
		"expiry: 2026-11-20T11:00:00Z, 1h0m0s ago; after 2026-11-20T11:59:30Z (leeway 30s)",
		"not_before: 2026-11-20T13:00:00Z, in 1h0m0s; none, or not after 2026-11-20T12:00:30Z (leeway 30s)",
	}, lines(checks, "critical", "type", "required", "client", "audience", "expiry", "not_before"))
	assert.Equal(t, `at_hash "h"`, checks["kind"].Found)
}

func TestExplainSkipsWhatItCannotSee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	skipped := func(token string) []string {
		var out []string
		report, _ := w.explain(t, token)
		for _, c := range report.Checks {
			if c.Skipped {
				out = append(out, c.Name)
			}
		}
		return out
	}
	after := func(name string) []string { return checkNames[slices.Index(checkNames, name)+1:] }

	assert.Equal(t, after("structure"), skipped("opaque"))
	assert.Equal(t, append([]string{"critical", "type", "algorithm", "key", "signature", "tenant"}, "validators", "revocation"),
		skipped("x"+w.Token()), "what needs the header")
	assert.Equal(t, after("payload"), skipped(w.Token(jwkstest.WithRawPayload("7"))))
	assert.Equal(t, after("issuer"), skipped(w.Token(jwkstest.Claims{"iss": "https://other.example"})))
	assert.Equal(t, []string{"signature", "tenant", "validators", "revocation"}, skipped(w.Token(jwkstest.Header{"kid": "new"})), "what needs the key")
	assert.Equal(t, append([]string{"required", "tenant", "kind", "audience", "client", "binding"}, after("binding")...),
		skipped(w.Token(jwkstest.Claims{"sub": 7})), "what needs the claims")
}

func TestExplainRunsNoHookOnUnverifiedClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ran := ""
	w.cfg.Validators = []verifier.Validator{func(context.Context, *claims.Claims) error { ran += "v"; return errors.New("no") }}
	w.cfg.Revoked = func(context.Context, *claims.Claims) (bool, error) { ran += "r"; return false, nil }

	w.explain(t, tampered(w.Token()))
	assert.Empty(t, ran)
	report, checks := w.explain(t, w.Token())
	assert.Equal(t, "v", ran, "nor revocation on claims that a validator refused")
	assert.Equal(t, reason.Denied, report.Reason)
	assert.True(t, checks["revocation"].Skipped)
}

func TestExplainSaysWhatIsWrongWithThePartsOfAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	header, payload, signature := parts(w.Token())
	for token, want := range map[string]struct{ check, found string }{
		header + "." + payload:                                   {"structure", "2 parts"},
		header + "=." + payload + "." + signature:                {"header", "jose: a part is not canonical base64url"},
		encode("[]") + "." + payload + "." + signature:           {"header", "strictjson: not a JSON object"},
		header + "." + encode(`{"a":1,"a":2}`) + "." + signature: {"payload", "strictjson: duplicate member name"},
		header + "." + encode(`{"a":`) + "." + signature:         {"payload", "strictjson: invalid JSON at byte 5"},
		header + "." + payload + "." + signature + "=":           {"signature", "jose: a part is not canonical base64url"},
		w.Token(jwkstest.Claims{"nbf": "soon"}):                  {"claims", `claim "nbf" is malformed: want a number of seconds`},
	} {
		_, checks := w.explain(t, token)
		assert.False(t, checks[want.check].OK)
		assert.Contains(t, checks[want.check].Found, want.found, token)
	}
}

func TestExplainShowsClaimsFitForATerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, checks := w.explain(t, w.Token(jwkstest.WithRawPayload(`{"iss":"https://issuer.example/","aud":"`+"\u202e\u0085"+strings.Repeat("a", 300)+`"}`)))
	assert.Equal(t, `"\u202e\u0085`+strings.Repeat("a", 194)+"...", checks["audience"].Found)

	_, checks = w.explain(t, w.Token(jwkstest.Header{"kid": "\x1b[31m", "alg": "\x1b[0m", "typ": "\x07"}))
	assert.Equal(t, []string{`kid "\x1b[31m"`, `"\x1b[0m"`, `"\a"`}, []string{checks["key"].Found, checks["algorithm"].Found, checks["type"].Found})
}

func TestExplainWithoutKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.issuer().Keys = failing(unloaded(), &jwks.UnavailableError{Err: errors.New("connection refused")})
	report, checks := w.explain(t, w.Token())
	assert.Equal(t, reason.KeysUnavailable, report.Reason)
	assert.Equal(t, `keys of the issuer, which could not be had`, checks["key"].Expected)
	assert.Contains(t, report.Hint, "connection refused")
	assert.True(t, checks["audience"].OK, "the rest is reported all the same")
}

func TestAReportAsJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(verifier.Report{Reason: reason.Expired, Hint: "h", Checks: []verifier.Check{{Name: "size", OK: true, Found: "f"}, {Name: "key", Skipped: true}}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"ok":false,"reason":"expired","hint":"h","checks":[{"name":"size","ok":true,"found":"f"},{"name":"key","ok":false,"skipped":true}]}`, string(text))
}

func TestAReportSaysWhatTheTokenNamesItsKeyBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, jwkstest.JWK{"x5t": "one"})
	w.Publish(w.NewKey("ES256"))
	w.keys.fetch()
	for want, header := range map[string]jwkstest.Header{
		`kid "key-1"`:           {"x5t": "one"},
		"no kid":                {"kid": nil},
		`no kid, x5t "one"`:     {"kid": nil, "x5t": "one"},
		`no kid, x5t#S256 "\a"`: {"kid": nil, "x5t#S256": "\a"},
	} {
		_, checks := w.explain(t, w.Token(header))
		assert.Equal(t, want, checks["key"].Found)
	}
	_, checks := w.explain(t, w.Token(jwkstest.Header{"kid": nil}))
	assert.Equal(t, `made with ES256 by key "key-1" or "key-2"`, checks["signature"].Expected)
}

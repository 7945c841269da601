package claims_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

// atNoon is a call whose verifier has a clock of its own.
type atNoon struct{ route }

var noon = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

func (atNoon) Elapsed(t time.Time) time.Duration { return noon.Sub(t) }

func ago(d time.Duration) string { return strconv.FormatInt(noon.Add(-d).Unix(), 10) }

func TestRow78StepUp(t *testing.T) {
	t.Parallel()
	const within = "authentication within 5m0s"
	acr, fresh := claims.AnyACR("urn:example:mfa", "urn:example:pwd"), claims.AuthenticatedWithin(5*time.Minute)
	both := claims.AllOf(claims.AllScopes("orders.write"), acr, fresh)
	refused := func(missing string, values []string, age time.Duration) claims.Decision {
		return claims.Decision{Reason: reason.InsufficientUserAuthentication, Missing: []string{missing}, ACRValues: values, MaxAge: age}
	}
	const anyACR = "acr of urn:example:mfa, urn:example:pwd"
	values := []string{"urn:example:mfa", "urn:example:pwd"}
	for name, row := range map[string]struct {
		rule    claims.Rule
		payload string
		want    claims.Decision
	}{
		"78 the preferred acr":               {acr, `{"acr":"urn:example:mfa"}`, claims.Decision{Allowed: true}},
		"78 any other of the list":           {acr, `{"acr":"urn:example:pwd"}`, claims.Decision{Allowed: true}},
		"78 an acr that is not listed":       {acr, `{"acr":"urn:example:sms"}`, refused(anyACR, values, 0)},
		"78 the beginning of one":            {acr, `{"acr":"urn:example:mf"}`, refused(anyACR, values, 0)},
		"78 several in one string":           {acr, `{"acr":"urn:example:mfa urn:example:pwd"}`, refused(anyACR, values, 0)},
		"78 a list is no acr":                {acr, `{"acr":["urn:example:mfa"]}`, refused(anyACR, values, 0)},
		"78 no acr":                          {acr, `{}`, refused(anyACR, values, 0)},
		"78 a fresh login":                   {fresh, `{"auth_time":` + ago(time.Minute) + `}`, claims.Decision{Allowed: true}},
		"78 one at the age that is allowed":  {fresh, `{"auth_time":` + ago(5*time.Minute) + `}`, claims.Decision{Allowed: true}},
		"78 one a second older":              {fresh, `{"auth_time":` + ago(5*time.Minute+time.Second) + `}`, refused(within, nil, 5*time.Minute)},
		"78 one that lies ahead":             {fresh, `{"auth_time":` + ago(-time.Second) + `}`, refused(within, nil, 5*time.Minute)},
		"78 no auth_time":                    {fresh, `{}`, refused(within, nil, 5*time.Minute)},
		"78 an auth_time that is null":       {fresh, `{"auth_time":null}`, refused(within, nil, 5*time.Minute)},
		"78 an auth_time in a string":        {fresh, `{"auth_time":"` + ago(0) + `"}`, refused(within, nil, 5*time.Minute)},
		"78 an auth_time in milliseconds":    {fresh, `{"auth_time":` + ago(0) + `000}`, refused(within, nil, 5*time.Minute)},
		"78 the challenge asks for both":     {both, `{"scope":"orders.write","acr":"urn:example:mfa"}`, refused(within, values, 5*time.Minute)},
		"78 a scope is not what is lacking":  {both, `{"acr":"x"}`, claims.Decision{Reason: reason.InsufficientScope, Scope: "orders.write", Missing: []string{"orders.write"}}},
		"78 the shorter of two ages":         {claims.AllOf(fresh, claims.AuthenticatedWithin(time.Minute)), `{}`, refused(within, nil, time.Minute)},
		"78 what two lists have in common":   {claims.AllOf(acr, claims.AnyACR("urn:example:pwd", "x")), `{"acr":"x"}`, refused(anyACR, []string{"urn:example:pwd"}, 0)},
		"78 of lists without such the first": {claims.AllOf(acr, claims.AnyACR("x")), `{"acr":"x"}`, refused(anyACR, values, 0)},
		"78 of alternatives the first":       {claims.AnyOf(acr, fresh), `{}`, refused(anyACR, values, 0)},
		"78 any alternative does":            {claims.AnyOf(acr, fresh), `{"auth_time":` + ago(0) + `}`, claims.Decision{Allowed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, row.rule.CheckCall(parse(t, row.payload), atNoon{}))
		})
	}
}

func TestAnAgeIsJudgedByTheMachineWhereNoVerifierIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rule := claims.AuthenticatedWithin(time.Minute)
		c := parse(t, `{"auth_time":`+strconv.FormatInt(time.Now().Unix(), 10)+`}`)
		time.Sleep(time.Minute)
		assert.True(t, rule.Check(c).Allowed)
		time.Sleep(time.Second)
		assert.False(t, rule.Check(c).Allowed)
		assert.False(t, rule.Check(nil).Allowed)
		for ahead, allowed := range map[time.Duration]bool{0: true, 30 * time.Second: true, 31 * time.Second: false, 200 * 365 * 24 * time.Hour: false} {
			at := strconv.FormatInt(time.Now().Unix()+int64(ahead/time.Second), 10)
			assert.Equal(t, allowed, rule.Check(parse(t, `{"auth_time":`+at+`}`)).Allowed, "%v ahead", ahead)
		}
	})
}

func TestRulesAboutTheUsersAuthenticationThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for want, rule := range map[string]claims.Rule{
		"AnyACR: name at least one value":      claims.AnyACR(),
		"AnyACR: name at least one value, ":    claims.AnyACR("a", ""),
		"AnyACR: name at least one value, and": claims.AnyACR("a b"),
		"0s is no age in whole seconds":        claims.AuthenticatedWithin(0),
		"-1s is no age in whole seconds":       claims.AuthenticatedWithin(-time.Second),
		"1.5s is no age in whole seconds":      claims.AuthenticatedWithin(1500 * time.Millisecond),
	} {
		require.ErrorContains(t, rule.Err(), want)
		assert.False(t, rule.Check(parse(t, `{"acr":"a","auth_time":1}`)).Allowed, want)
	}
}

// bare is the call of a report: rules about a route cannot be asked.
type bare struct{ atNoon }

func (bare) NoRoute() {}

func TestACallWithoutARouteIsNoneForRulesAboutIt(t *testing.T) {
	t.Parallel()
	never := claims.FuncCall("never", func(*claims.Claims, claims.Call) bool { panic("asked without a route") })
	assert.False(t, never.CheckCall(parse(t, `{}`), bare{}).Allowed)
	assert.True(t, claims.AuthenticatedWithin(time.Minute).CheckCall(parse(t, `{"auth_time":`+ago(0)+`}`), bare{}).Allowed)
}

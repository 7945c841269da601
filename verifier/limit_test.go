package verifier_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	limits := func(list ...verifier.Limit) func(*world) { return func(w *world) { w.issuer().Limits = list } }
	email := verifier.Limit{Claims: []claims.Path{{"email"}}, Values: []string{"a@x.example", "b@x.example"}}
	verified := verifier.Limit{Claims: []claims.Path{{"email_verified"}}, True: true}
	account := verifier.Limit{Claims: []claims.Path{{"sub"}}, Values: []string{"ns:one"}, Prefixes: []string{"all:"}}
	policy := verifier.Limit{Claims: []claims.Path{{"tfp"}, {"ext", "acr"}}, Values: []string{"B2C_1_susi"}}
	wrong := func(claim string) row {
		return row{want: reason.WrongClient, check: "client", detail: claim + " is not among the issuer's Limits"}
	}
	lacks := func(claim string) row { return row{want: reason.MissingClaim, check: "client", detail: claim} }
	table{
		"a value of the list":                      good(having(jwkstest.Claims{"email": "b@x.example"})).under(limits(email)),
		"a value of nobody on the list":            wrong("email").as(having(jwkstest.Claims{"email": "c@x.example"})).under(limits(email)),
		"a value in another case":                  wrong("email").as(having(jwkstest.Claims{"email": "A@x.example"})).under(limits(email)),
		"the beginning of a value is not enough":   wrong("email").as(having(jwkstest.Claims{"email": "a@x.example.evil"})).under(limits(email)),
		"a list that holds the value":              wrong("email").as(having(jwkstest.Claims{"email": []string{"a@x.example"}})).under(limits(email)),
		"no such claim":                            lacks("email").as(having(jwkstest.Claims{})).under(limits(email)),
		"the claim is null":                        lacks("email").as(having(jwkstest.Claims{"email": null})).under(limits(email)),
		"true":                                     good(having(jwkstest.Claims{"email_verified": true})).under(limits(verified)),
		"false":                                    wrong("email_verified").as(having(jwkstest.Claims{"email_verified": false})).under(limits(verified)),
		"the text true":                            wrong("email_verified").as(having(jwkstest.Claims{"email_verified": "true"})).under(limits(verified)),
		"the number 1":                             wrong("email_verified").as(having(jwkstest.Claims{"email_verified": 1})).under(limits(verified)),
		"a value beside prefixes":                  good(having(jwkstest.Claims{"sub": "ns:one"})).under(limits(account)),
		"a prefix":                                 good(having(jwkstest.Claims{"sub": "all:any"})).under(limits(account)),
		"a value that is no prefix":                wrong("sub").as(having(jwkstest.Claims{"sub": "ns:one-more"})).under(limits(account)),
		"a prefix elsewhere":                       wrong("sub").as(having(jwkstest.Claims{"sub": "not-all:any"})).under(limits(account)),
		"the second claim, where the first is not": good(having(jwkstest.Claims{"ext": map[string]any{"acr": "B2C_1_susi"}})).under(limits(policy)),
		"the first claim counts": wrong("tfp").as(having(jwkstest.Claims{"tfp": "B2C_1_test", "ext": map[string]any{"acr": "B2C_1_susi"}})).
			under(limits(policy)),
		"neither claim":        lacks("tfp or ext.acr").as(having(jwkstest.Claims{})).under(limits(policy)),
		"every limit holds":    good(having(jwkstest.Claims{"email": "a@x.example", "email_verified": true})).under(limits(email, verified)),
		"all but one hold":     wrong("email_verified").as(having(jwkstest.Claims{"email": "a@x.example", "email_verified": false})).under(limits(email, verified)),
		"Clients come first":   row{want: reason.WrongClient, check: "client", detail: otherClient}.as(having(jwkstest.Claims{"client_id": "x"})).under(func(w *world) { clients("partner")(w); limits(email)(w) }),
		"Clients do not widen": lacks("email").as(having(jwkstest.Claims{"client_id": "partner"})).under(func(w *world) { clients("partner")(w); limits(email)(w) }),
	}.run(t)
}

func TestAReportShowsTheLimitAndSaysWhatToChange(t *testing.T) {
	t.Parallel()
	email := verifier.Limit{Claims: []claims.Path{{"email"}}, Values: []string{"a@x.example"}, Prefixes: []string{"robot-"}}
	for name, row := range map[string]struct {
		limit                 verifier.Limit
		claims                jwkstest.Claims
		found, expected, hint string
		hints                 map[string]string
	}{
		"of somebody else": {
			email,
			jwkstest.Claims{"email": "b@x.example"},
			`"client-1", email "b@x.example"`, `any client, email "a@x.example" or "robot-"...`,
			`The token is of somebody else: add its "email" to the issuer's Limits if it may call.`, nil,
		},
		"of nobody that it says": {
			email, nil, `"client-1", no email`, `any client, email "a@x.example" or "robot-"...`,
			"The token has no email, which says whose it is: have the issuer write it.", nil,
		},
		"with a sentence of its own": {
			email, nil, `"client-1", no email`, `any client, email "a@x.example" or "robot-"...`, "Add the email to the list.",
			map[string]string{"claim:email": "Add the email to the list."},
		},
		"a boolean": {
			verifier.Limit{Claims: []claims.Path{{"email_verified"}}, True: true},
			jwkstest.Claims{"email_verified": "true"},
			`"client-1", email_verified "true"`, "any client, email_verified true",
			`The token is of somebody else: add its "email_verified" to the issuer's Limits if it may call.`, nil,
		},
		"good": {email, jwkstest.Claims{"email": "a@x.example"}, `"client-1"`, "any client", "", nil},
	} {
		w := newWorld(t)
		w.issuer().Limits, w.issuer().Hints = []verifier.Limit{row.limit}, row.hints
		report := w.verifier(t).Explain(t.Context(), w.Token(jwkstest.Claims{"client_id": "client-1"}, row.claims))
		assert.Equal(t, row.hint, report.Hint, name)
		for _, c := range report.Checks {
			if c.Name == "client" {
				assert.Equal(t, row.found, c.Found, name)
				assert.Equal(t, row.expected, c.Expected, name)
			}
		}
	}
}

func TestLimitsThatHoldForNoneOrForAllAreMistakes(t *testing.T) {
	t.Parallel()
	sub := []claims.Path{{"sub"}}
	for says, l := range map[string]verifier.Limit{
		"Limits[0] names no claim":                     {Values: []string{"a"}},
		"Limits[0] has a path without a name":          {Claims: []claims.Path{{"a", ""}}, Values: []string{"a"}},
		"Limits[0] accepts nothing":                    {Claims: sub},
		"Limits[0] has an empty value":                 {Claims: sub, Prefixes: []string{""}},
		"Limits[0] has True and Values or Prefixes":    {Claims: sub, Values: []string{"a"}, True: true},
		`Limits: "a,b" holds a comma`:                  {Claims: sub, Values: []string{"a,b"}},
		`Limits: " a" begins or ends with white space`: {Claims: sub, Prefixes: []string{" a"}},
		"Limits[0] names no claim\nLimits[0] accepts":  {},
	} {
		w := newWorld(t)
		w.issuer().Limits = []verifier.Limit{l}
		_, err := verifier.New(w.cfg)
		assert.ErrorContains(t, err, says)
	}
}

func TestLimitsAreCopied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := verifier.Limit{Claims: []claims.Path{{"sub"}}, Values: []string{"alice"}}
	w.issuer().Limits = []verifier.Limit{l}
	v := w.verifier(t)
	l.Values[0], l.Claims[0] = "mallory", claims.Path{"jti"}
	w.issuer().Limits[0] = verifier.Limit{}
	_, err := v.Verify(t.Context(), w.Token(jwkstest.Claims{"sub": "mallory"}))
	require.ErrorIs(t, err, reason.WrongClient)
	_, err = v.Verify(t.Context(), w.Token(jwkstest.Claims{"sub": "alice"}))
	assert.NoError(t, err)
}

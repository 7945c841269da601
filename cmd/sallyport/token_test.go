package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestATokenIsTakenAsPeoplePasteIt(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	token := iss.Token()
	var wrapped strings.Builder
	for rest := token; rest != ""; {
		n := min(76, len(rest))
		wrapped.WriteString(rest[:n] + "\r\n  ")
		rest = rest[n:]
	}
	response, err := json.MarshalIndent(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "a b"}, "", "  ")
	require.NoError(t, err)
	for name, pasted := range map[string]string{
		"wrapped over lines":              wrapped.String(),
		"wrapped behind Bearer":           "Bearer\n" + wrapped.String(),
		"wrapped with backslashes":        token[:20] + "\\\n" + token[20:],
		"in small letters behind bearer":  "bearer  " + token,
		"as a header, in quotes":          `"Authorization: Bearer ` + token + `"`,
		"as a header of DPoP":             "authorization: DPoP " + token,
		"a token response":                string(response),
		"a token response behind a mark":  "\ufeff" + string(response),
		"a response whose token is quirk": `{"access_token":"Bearer ` + token + `"}`,
		"a member of JSON":                `"` + token + `",`,
	} {
		for _, args := range [][]string{{"explain", "-issuer", iss.Issuer(), "-audience", iss.Audience()}, {"inspect"}} {
			a := command(t, pasted, args...)
			assert.Equal(t, accepted, a.code, "%s, %s: %s%s", args[0], name, a.out, a.errs)
		}
	}
}

func TestWhatHoldsNoTokenIsSaid(t *testing.T) {
	t.Parallel()
	for pasted, want := range map[string]string{
		`{"error":"invalid_client","error_description":"d"}`:       `the token response is an error, "invalid_client": it holds no token`,
		`{"error":"` + strings.Repeat("e", 500) + "\\u001b[31m\"}": `"` + strings.Repeat("e", 64) + `"...`,
		`{"id_token":"a.b.c"}`:  "the token response has an id_token and no access_token",
		`{"token":"a.b.c"}`:     "the JSON has no access_token",
		`{"access_token":"a.b.`: "was it cut when it was copied?",
		"a.b.c\nd.e.f":          "one token at a time: there are 2",
		" \r\n ":                "no token",
		`""`:                    "no token",
		`{"access_token":" "}`:  "no token",
	} {
		a := command(t, pasted, "inspect")
		assert.Equal(t, wrongUse, a.code, pasted)
		assert.Contains(t, a.errs, want)
		assert.Empty(t, a.out)
	}
}

// What is printed is kept: in a terminal's history, in a ticket, in a log of CI.
func TestNoArgumentIsEchoedInFull(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	token := iss.Token()
	const opaque = "NgXCXRKcMz0YjwQ2"
	trusting := []string{"explain", "-issuer", "https://issuer.example/", "-audience", "a"}
	for _, secret := range []string{token, opaque, strings.ReplaceAll(token, "-", `"`)} {
		for name, args := range map[string][]string{
			"as the command":           {secret},
			"as a flag":                {"explain", "-" + secret},
			"as a flag with two":       {"inspect", "--" + secret},
			"as a flag with a value":   {"explain", "-" + secret + "=" + secret},
			"as the value of a flag":   {"explain", "-leeway", secret},
			"as such a value with =":   {"explain", "-at=" + secret},
			"as a boolean":             {"explain", "-json=" + secret},
			"as a preset":              append(trusting, "-preset", secret, "x.y.z"),
			"as an access level":       append(trusting, "-access", secret, "x.y.z"),
			"as the size":              {"inspect", "-max-token-bytes", secret},
			"twice":                    append(trusting, secret, secret),
			"behind version":           {"version", secret},
			"as a domain":              {"explain", "-preset", "auth0-scopes", "-issuer", secret + "/", "-audience", "a", "x.y.z"},
			"as a tenant":              {"explain", "-preset", "entra", "-tenant", secret, "-audience", "a", "x.y.z"},
			"as a file of keys":        append(trusting, "-jwks", secret, "x.y.z"),
			"as a document":            append(trusting, "-discovery", secret, "x.y.z"),
			"as a host":                append(trusting, "-dangerously-plain-http", secret+"/", "x.y.z"),
			"as an audience in a list": append(trusting, "-audience", secret+",b", "x.y.z"),
		} {
			a := command(t, "", args...)
			assert.Equal(t, wrongUse, a.code, "%s: %s", name, a.out)
			if secret != opaque || strings.HasPrefix(name, "as the") || strings.HasPrefix(name, "as a flag") {
				assert.NotContains(t, a.out+a.errs, secret, name)
			}
			assert.NotContains(t, a.out+a.errs, token[len(token)-20:], "nor the signature, %s", name)
			assert.NotEmpty(t, a.errs, name)
		}
	}
}

func TestInspectHasTheLimitsOfTheLibrary(t *testing.T) {
	t.Parallel()
	nested := func(depth, more int) string {
		return `{"a":` + strings.Repeat("[", depth) + strings.Repeat("0,", more) + "0" + strings.Repeat("]", depth) + "}"
	}
	of := func(payload string) string { return encode(`{"alg":"RS256"}`) + "." + encode(payload) + ".AAAA" }
	for name, row := range map[string]struct {
		token string
		want  string
		args  []string
	}{
		"as deep as can be":      {token: of(nested(63, 0))},
		"one level deeper":       {of(nested(64, 0)), "payload: nested more than 64 levels deep", nil},
		"deep and no JSON":       {of(strings.Repeat(`{"a":[`, 40)), "payload: nested more than 64 levels deep", nil},
		"too large":              {of(nested(1, 5000)), "are more than 8192: an API refuses such a token unless it raises MaxTokenBytes", nil},
		"large, as asked":        {of(nested(1, 5000)), "", []string{"-max-token-bytes", "20000"}},
		"brackets in a string":   {token: of(`{"a":"` + strings.Repeat("[", 100) + `\"` + strings.Repeat("{", 100) + `"}`)},
		"dots without end":       {strings.Repeat(".", 8000), "this has more than 6", nil},
		"more than can be asked": {"x", "write a number of bytes up to 1048576", []string{"-max-token-bytes", "1048577"}},
	} {
		a := command(t, row.token, append([]string{"inspect"}, row.args...)...)
		assert.Equal(t, row.want == "", a.code == accepted, "%s: %s", name, a.errs)
		assert.Contains(t, a.errs, row.want, name)
		assert.Less(t, len(a.out), 1<<20, name)
	}
	twice := command(t, of(`{"a":1,"a":2}`), "inspect")
	assert.Equal(t, accepted, twice.code)
	assert.Contains(t, twice.out, "(refused by the library: duplicate member name)", "it is shown all the same")
	assert.Contains(t, command(t, of(`{"exp":1e300,"iat":-1,"nbf":1}`), "inspect").out, "iat is no date in seconds\nnbf 1970-01-01T00:00:01Z\nexp is no date in seconds\n")
}

func TestNothingOfOthersIsObeyedByATerminal(t *testing.T) {
	t.Parallel()
	evil := "\x1b]0;owned\x07\x1b[31mred\u202e\u009b1m\r\n"
	quoted, err := json.Marshal(evil)
	require.NoError(t, err)
	e := string(quoted)
	token := encode(fmt.Sprintf(`{"alg":%s,"kid":%[1]s,"typ":%[1]s,"cty":%[1]s}`, e)) + "." +
		encode(fmt.Sprintf(`{"iss":"https://i.example","sub":%s,"aud":%[1]s,"client_id":%[1]s,%[1]s:%[1]s,"tid":%[1]s,"typ":%[1]s,"exp":1e300,"iat":%[1]s}`, e)) + ".AAAA"
	known := encode(`{"alg":"ES256","kid":`+e+`}`) + "." + encode(`{"iss":"https://i.example","aud":`+e+`,"exp":1}`) + ".AAAA"
	for member, set := range map[string]string{
		"crv": `{"keys":[{"kty":"EC","crv":` + e + `,"x":"AA","y":"AA"}]}`,
		"alg": `{"keys":[{"kty":"EC","crv":"P-256","alg":` + e + `}]}`,
		"use": `{"keys":[{"kty":"EC","crv":"P-256","use":` + e + `}]}`,
		"kty": `{"keys":[{"kty":` + e + `}]}`,
		"x":   `{"keys":[{"kty":"EC","crv":"P-256","x":` + e + `,"y":"AA"}]}`,
		"all": "{" + evil,
	} {
		for _, pasted := range []string{token, known, evil, evil + "." + evil + ".x", token + evil} {
			for _, args := range [][]string{{"explain"}, {"explain", "-json"}} {
				file := keyFile(t, set)
				a := command(t, pasted, append(args, "-issuer", "https://i.example", "-audience", "api://x", "-jwks", file)...)
				assertObeysNothing(t, a.out+a.errs, member)
			}
			a := command(t, pasted, "inspect")
			assertObeysNothing(t, a.out+a.errs, "inspect")
		}
	}
	a := command(t, "", "explain", "-"+evil)
	assertObeysNothing(t, a.out+a.errs, "a flag")
}

func assertObeysNothing(t *testing.T, text, name string) {
	t.Helper()
	assert.False(t, strings.ContainsAny(text, "\x1b\x07\u009b\u202e\r"), "%s: %q", name, text)
}

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/verifier"
)

type answer struct {
	code      int
	out, errs string
}

func command(t *testing.T, stdin string, args ...string) answer {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return answer{code, out.String(), errs.String()}
}

func TestExplainAcceptsAGoodToken(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	token := iss.Token()
	for name, row := range map[string]struct {
		stdin string
		more  []string
	}{
		"on standard input":       {stdin: token + "\n"},
		"as a dash":               {stdin: token, more: []string{"-"}},
		"as an argument":          {more: []string{token}},
		"with what stands around": {stdin: "Authorization: Bearer " + token + "\r\n"},
		"quoted as in JSON":       {stdin: `"` + token + `"`},
	} {
		args := append([]string{"explain", "-issuer", iss.Issuer(), "-audience", "api://other", "-audience", "api://orders"}, row.more...)
		a := command(t, row.stdin, args...)
		assert.Equal(t, accepted, a.code, "%s: %s%s", name, a.out, a.errs)
		assert.Contains(t, a.out, "\naccepted\n", name)
		assert.NotContains(t, a.out, "\x1b[", "no colours off a terminal")
	}
}

func TestExplainSaysWhatToChange(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	token := iss.Token()
	for name, row := range map[string]struct {
		token, reason, hint string
	}{
		"wrong audience": {iss.Token(jwkstest.WithAudience("6e74172b-be56-4843-9ff4-e66a39bb12e3")), "wrong_audience", "add it to the audiences"},
		"expired":        {iss.Token(jwkstest.Claims{"exp": time.Now().Add(-12 * time.Minute)}), "expired", "Expired 12m"},
		"another issuer": {iss.Token(jwkstest.Claims{"iss": "https://test.example/"}), "unknown_issuer", "TEST"},
		"tampered":       {token[:len(token)-8] + "AAAAAAAA", "bad_signature", "changed after it was signed"},
		"opaque":         {"NgXCXRKcMz0Yjw", "malformed", "opaque"},
	} {
		a := command(t, row.token, "explain", "-issuer", iss.Issuer(), "-audience", "api://orders")
		assert.Equal(t, refused, a.code, name)
		assert.Contains(t, a.out, "\nrefused: "+row.reason+"\n", name)
		assert.Contains(t, a.out, row.hint, name)
		assert.Empty(t, a.errs, name)
	}
}

func TestExplainNeverPrintsTheSignature(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	token := iss.Token(jwkstest.Claims{"exp": 1})
	signature := token[strings.LastIndexByte(token, '.')+1:]
	for _, args := range [][]string{{}, {"-json"}} {
		a := command(t, token, append([]string{"explain", "-issuer", iss.Issuer(), "-audience", iss.Audience()}, args...)...)
		assert.NotContains(t, a.out+a.errs, signature)
	}
	assert.NotContains(t, command(t, token, "inspect").out, signature)
}

func TestExplainAsJSON(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	a := command(t, iss.Token(jwkstest.WithAudience("<other>")), "explain", "-issuer", iss.Issuer(), "-audience", iss.Audience(), "-json")
	assert.Equal(t, refused, a.code)
	assert.Contains(t, a.out, `"<other>\"`, "no HTML escapes")
	var report verifier.Report
	require.NoError(t, json.Unmarshal([]byte(a.out), &report))
	assert.False(t, report.OK)
	assert.EqualValues(t, "wrong_audience", report.Reason)
	assert.NotEmpty(t, report.Hint)
	for _, c := range report.Checks {
		assert.Equal(t, c.Name != "audience", c.OK || c.Skipped, c.Name)
	}
}

func TestKeysFromAFileNeedNoNetworkAndFromAURLNoDiscovery(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	set, err := json.Marshal(map[string]any{"keys": []any{iss.Key().JWK()}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "jwks.json")
	require.NoError(t, os.WriteFile(file, set, 0o600))
	a := command(t, iss.Token(), "explain", "-issuer", iss.Issuer(), "-audience", iss.Audience(), "-jwks", file)
	assert.Equal(t, accepted, a.code, a.out+a.errs)
	assert.Zero(t, iss.Fetches())

	iss = jwkstest.New(t)
	a = command(t, iss.Token(), "explain", "-issuer", iss.Issuer(), "-audience", iss.Audience(), "-jwks", iss.JWKSURL())
	assert.Equal(t, accepted, a.code, a.out+a.errs)
	assert.Zero(t, iss.DiscoveryFetches())
}

func TestTheDocumentCanBeElsewhere(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	a := command(t, iss.Token(), "explain", "-issuer", iss.Issuer(), "-audience", iss.Audience(), "-discovery", iss.DiscoveryURL())
	assert.Equal(t, accepted, a.code, a.out+a.errs)
	assert.Equal(t, 1, iss.DiscoveryFetches())
}

func TestUnavailableKeysAreNoVerdict(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	iss.Fail(503)
	a := command(t, iss.Token(), "explain", "-issuer", iss.Issuer(), "-audience", iss.Audience())
	assert.Equal(t, unavailable, a.code)
	assert.Contains(t, a.out, "\nnot judged: keys_unavailable\n")
	assert.NotContains(t, a.out, "refused")
	assert.Contains(t, a.out, "503")
}

func TestKeysThatTakeTooLongAreNoVerdict(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	iss.Hang()
	args := []string{"explain", "-issuer", iss.Issuer(), "-audience", iss.Audience(), "-timeout", "50ms"}
	a := command(t, iss.Token(), args...)
	assert.Equal(t, unavailable, a.code)
	assert.Contains(t, a.out, "\nnot judged: canceled\nThe issuer's keys did not come within 50ms: give them more time with -timeout, or as a file with -jwks.\n")

	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	assert.Equal(t, unavailable, run(interrupted, args, strings.NewReader(iss.Token()), &out, &errs))
	assert.NotContains(t, out.String(), "-timeout", "it was not for want of time")
}

func TestATokenCanBeJudgedAtAnotherTime(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	exp := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	token := iss.Token(jwkstest.Claims{"exp": exp, "iat": exp.Add(-time.Hour)})
	at := func(d time.Duration, more ...string) int {
		args := append([]string{"explain", "-issuer", iss.Issuer(), "-audience", iss.Audience(), "-at", exp.Add(d).Format(time.RFC3339)}, more...)
		return command(t, token, args...).code
	}
	assert.Equal(t, accepted, at(-time.Minute))
	assert.Equal(t, accepted, at(29*time.Second), "the leeway of 30 s")
	assert.Equal(t, refused, at(30*time.Second))
	assert.Equal(t, refused, at(0, "-leeway", "0"), "no leeway")
	assert.Equal(t, accepted, at(299*time.Second, "-leeway", "5m"), "all that there can be")
	assert.Equal(t, refused, at(5*time.Minute, "-leeway", "5m"))
}

func TestWrongUseIsExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken, saved := filepath.Join(dir, "broken.json"), filepath.Join(dir, "saved")
	require.NoError(t, os.WriteFile(broken, []byte("<html>"), 0o600))
	endless := filepath.Join(dir, "endless.json")
	require.NoError(t, os.WriteFile(endless, []byte(strings.Repeat(" ", 2<<20)), 0o600))
	require.NoError(t, os.WriteFile(saved, []byte("x.y.z"), 0o600))
	good := []string{"-issuer", "https://i.example/", "-audience", "a"}
	explaining := func(args ...string) []string { return slices.Concat([]string{"explain"}, good, args) }
	const lists = "(sallyport explain -h lists the flags)\n"
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"no command":          {nil, "sallyport explain"},
		"unknown command":     {[]string{"verify"}, "use explain, inspect, attack or version (sallyport help says how)\n"},
		"unknown flag":        {[]string{"explain", "-isuer", "x"}, "sallyport explain: flag provided but not defined: -isuer " + lists},
		"no flags":            {[]string{"explain", "x.y.z"}, "sallyport explain: -issuer is not set: give the iss claim, exactly as the token has it (for auth0 and entra-external the domain alone)\nsallyport explain: -audience is not set: give the audience that means this API, an aud value\n"},
		"no audience":         {[]string{"explain", "-issuer", "https://i.example/", "x.y.z"}, "sallyport explain: -audience is not set: give the audience that means this API, an aud value\n"},
		"an empty audience":   {explaining("-audience", "", "x.y.z"), `invalid value "" for flag -audience: it is empty ` + lists},
		"unknown preset":      {explaining("-preset", "acme", "x.y.z"), `-preset: no preset "acme": use generic, `},
		"tenant by name":      {[]string{"explain", "-preset", "entra", "-tenant", "contoso.com", "-audience", "a", "x.y.z"}, "GUID"},
		"two tokens":          {explaining("x", "y"), "one token at a time"},
		"flags behind":        {[]string{"explain", "x.y.z", "-issuer", "i"}, "flags come first"},
		"empty input":         {explaining(), "no token: give it on standard input, or as the last argument\n"},
		"a token in a file":   {explaining(saved), "is a file and no token: give what is in it on standard input, as in < " + saved + "\n"},
		"a directory":         {explaining(dir), "is a file and no token"},
		"no such file":        {explaining("-jwks", "nowhere.json", "x.y.z"), "-jwks \"nowhere.json\": no such file or directory: give the file of a JWK Set, or a URL\n"},
		"keys in no file":     {explaining("-jwks", dir, "x.y.z"), "is a directory: give the file of a JWK Set, or a URL\n"},
		"keys without an end": {explaining("-jwks", endless, "x.y.z"), "it holds more than 1048576 bytes: give the file of a JWK Set, or a URL\n"},
		"not a key set":       {explaining("-jwks", broken, "x.y.z"), "save there what the issuer's jwks_uri answers\n"},
		"http to a host":      {[]string{"explain", "-issuer", "http://issuer.example/", "-audience", "a", "x.y.z"}, `sallyport explain: -issuer "http://issuer.example/": use https: plain http is for loopback addresses, localhost and the hosts in -dangerously-plain-http; put "issuer.example" there`},
		"no address":          {[]string{"explain", "-issuer", "urn:x", "-audience", "a", "x.y.z"}, "if tokens do have this iss, give the keys' address with it: -jwks or -discovery\n"},
		"http for keys":       {explaining("-jwks", "http://issuer.example/", "x.y.z"), `sallyport explain: -jwks "http://issuer.example/": use https`},
		"a host that is none": {explaining("-dangerously-plain-http", "http://x", "x.y.z"), `sallyport explain: -dangerously-plain-http: "http://x" holds a scheme or a path`},
		"two addresses":       {explaining("-discovery", "https://x.example", "-jwks", "https://y.example", "x.y.z"), "-discovery is set beside -jwks: leave one out\n"},
		"audiences in one":    {explaining("-audience", "a,b", "x.y.z"), `sallyport explain: -audience: "a,b" holds a comma`},
		"a quoted client":     {explaining("-client", "'a'", "x.y.z"), `sallyport explain: -client: "'a'" holds a quotation mark`},
		"not a time":          {explaining("-at", "2026-11-21"), `invalid value "2026-11-21" for flag -at: write date, time and zone, as in 2026-11-21T12:00:00Z ` + lists},
		"no unit":             {explaining("-leeway", "30"), `invalid value "30" for flag -leeway: write a number and its unit, as in 30s ` + lists},
		"too much leeway":     {explaining("-leeway", "6m", "x.y.z"), "-leeway 6m0s must be between 0s and 5m0s\n"},
		"less than none":      {explaining("-leeway", "-1s", "x.y.z"), "-leeway -1s must be between 0s and 5m0s\n"},
		"no time for keys":    {explaining("-timeout", "0s", "x.y.z"), "-timeout 0s must be longer than 0s\n"},
		"inspect of two":      {[]string{"inspect", "a", "b"}, "one token at a time"},
		"inspect of a file":   {[]string{"inspect", saved}, "is a file and no token"},
		"inspect, a flag":     {[]string{"inspect", "-x"}, "-x (sallyport inspect -h lists the flags)\n"},
		"inspect, nothing":    {[]string{"inspect"}, "no token"},
	} {
		a := command(t, "", row.args...)
		assert.Equal(t, wrongUse, a.code, name)
		assert.Contains(t, a.errs, row.want, name)
		assert.Empty(t, a.out, name)
	}
	var out, errs bytes.Buffer
	assert.Equal(t, wrongUse, run(t.Context(), []string{"inspect"}, iotest.ErrReader(errors.New("gone")), &out, &errs))
	assert.Contains(t, errs.String(), "gone")
	assert.Equal(t, wrongUse, run(t.Context(), []string{"inspect"}, strings.NewReader(strings.Repeat("A", 2<<20)), &out, &errs))
	assert.Contains(t, errs.String(), "that is no token")
}

func TestHelpIsNoMistake(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"explain", "-h"}, {"inspect", "-h"}} {
		a := command(t, "", args...)
		assert.Equal(t, accepted, a.code)
		assert.Contains(t, a.out, "sallyport inspect [TOKEN|-]")
		assert.Empty(t, a.errs)
	}
	text := command(t, "", "explain", "-h").out
	for _, flag := range []string{"issuer", "audience", "preset", "tenant", "client", "jwks", "leeway", "timeout", "at", "json"} {
		assert.Contains(t, text, "\n  -"+flag)
	}
	assert.Contains(t, text, "(default 30s)")
	assert.Contains(t, text, "(default 10s)")
}

func TestInspectSaysLoudlyThatNothingWasVerified(t *testing.T) {
	t.Parallel()
	encoded := base64.RawURLEncoding.EncodeToString
	a := command(t, encoded([]byte(`{"alg":"RS256"}`))+"."+encoded([]byte(`{"iat":1893452400,"exp":1893456000}`))+".x", "inspect")
	assert.Equal(t, accepted, a.code)
	assert.True(t, strings.HasPrefix(unverified, "NOT VERIFIED"))
	assert.Equal(t, unverified+`
header {
  "alg": "RS256"
}
payload {
  "iat": 1893452400,
  "exp": 1893456000
}
iat 2029-12-31T23:00:00Z
exp 2030-01-01T00:00:00Z

`+unverified, a.out)

	for token, want := range map[string]string{"opaque": "this has 1: was it cut", "a.b.c.d.e": "this has 5", "e30=.e30.x": "header: padded with =", "e3!.e30.x": "header: not base64url", "e30.bm8.x": "payload: not JSON"} {
		a := command(t, token, "inspect")
		assert.Equal(t, refused, a.code)
		assert.Contains(t, a.errs, want)
	}
}

func TestInspectPrintsNothingThatATerminalObeys(t *testing.T) {
	t.Parallel()
	encoded := base64.RawURLEncoding.EncodeToString
	payload := "{\"sub\":\"a\u009b2Jb\u202e\u007f\U000e0041\xffblåbær\"}"
	a := command(t, encoded([]byte("{}"))+"."+encoded([]byte(payload))+".x", "inspect")
	assert.Equal(t, accepted, a.code, a.errs)
	assert.Contains(t, a.out, `"a\u009b2Jb\u202e\u007f\udb40\udc41`+"\ufffd"+`blåbær"`)
}

// A terminal, as far as this can tell.
func TestWhoSitsAtATerminalIsToldWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	in, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer in.Close()
	for _, args := range [][]string{{"inspect"}, {"inspect", "-"}} {
		var out, errs bytes.Buffer
		assert.Equal(t, wrongUse, run(t.Context(), args, in, &out, &errs))
		assert.Contains(t, errs.String(), "Paste the token, then press Enter and Ctrl-D.\n")
	}
	assert.NotContains(t, command(t, "", "inspect").errs, "Paste")
}

func TestAReportIsALineForEachCheck(t *testing.T) {
	t.Parallel()
	checks := []verifier.Check{
		{Name: "size", OK: true, Found: "3 bytes"},
		{Name: "required", OK: true, Expected: "all"},
		{Name: "audience", Found: `"a"`, Expected: `"b"`},
		{Name: "key", Expected: "a kid"},
		{Name: "claims", Skipped: true},
	}
	const lines = "  ✓ size         3 bytes\n  ✓ required     all\n" +
		"  ✗ audience     \"a\"\n                 expected \"b\"\n" +
		"  ✗ key          no\n                 expected a kid\n  - claims       not looked at\n\n"
	for _, row := range []struct {
		report verifier.Report
		want   string
	}{
		{verifier.Report{OK: true, Checks: checks}, lines + "accepted\n"},
		{verifier.Report{Reason: "wrong_audience", Hint: "Do this.", Checks: checks}, lines + "refused: wrong_audience\nDo this.\n"},
		{verifier.Report{Reason: "keys_unavailable", Hint: "Do that.", Checks: checks}, lines + "not judged: keys_unavailable\nDo that.\n"},
	} {
		var out bytes.Buffer
		require.NoError(t, render(&out, row.report, false))
		assert.Equal(t, row.want, out.String())
		out.Reset()
		require.NoError(t, render(&out, row.report, true))
		assert.Equal(t, row.want, regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(out.String(), ""), "colours change nothing else")
		assert.Equal(t, 6, strings.Count(out.String(), "\x1b[0m"), "each colour ends")
	}
}

func TestAReportThatCannotBePrintedIsNoVerdict(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	unread, broken := io.Pipe()
	require.NoError(t, unread.CloseWithError(errors.New("broken pipe")))
	for _, args := range [][]string{{}, {"-json"}} {
		var errs bytes.Buffer
		args = append([]string{"explain", "-issuer", iss.Issuer(), "-audience", iss.Audience()}, args...)
		assert.Equal(t, wrongUse, run(t.Context(), args, strings.NewReader(iss.Token()), broken, &errs))
		assert.Equal(t, "sallyport explain: broken pipe\n", errs.String())
	}
}

// Not parallel: it changes the environment.
func TestColoursAreForTerminals(t *testing.T) {
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // as far as can be told
	require.NoError(t, err)
	defer terminal.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	defer file.Close()
	for _, row := range []struct {
		out          io.Writer
		noColor, was string // NO_COLOR and TERM
		want         bool
	}{
		{terminal, "", "xterm", true},
		{terminal, "1", "xterm", false},
		{terminal, "", "dumb", false},
		{file, "", "xterm", false},
		{&bytes.Buffer{}, "", "xterm", false},
	} {
		t.Setenv("NO_COLOR", row.noColor)
		t.Setenv("TERM", row.was)
		assert.Equal(t, row.want, colourful(row.out), "%T NO_COLOR=%s TERM=%s", row.out, row.noColor, row.was)
	}
}

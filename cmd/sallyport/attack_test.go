package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/attack"
	"github.com/sallyport-go/sallyport/providers"
)

// attacked is an API that trusts an issuer on an address that is fixed, and the flags to attack it.
func attacked(t *testing.T, audiences ...string) []string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	issuer := l.Addr().String()
	require.NoError(t, l.Close())
	gate, err := sallyport.NewFrom(providers.Generic("http://"+issuer, audiences...))
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	api, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("POST /orders", gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ordered")
	})))
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(api) }()
	t.Cleanup(func() { _ = server.Close() })
	return []string{
		"attack", "-url", "http://" + api.Addr().String() + "/orders", "-audience", audiences[0], "-listen", issuer, "-alg", "ES256", "-method", "POST",
		"-claim", "scope=orders.read", "-claim", `n=[1,null]`, "-header", "X-Trace: 1", "-body", "{}", "-rate", "1000",
	}
}

func TestAttackEndsByWhatItFound(t *testing.T) {
	t.Parallel()
	slash := []string{"api://orders", "api://orders/"} // the second one is a mistake
	for name, row := range map[string]struct {
		audiences []string
		more      []string
		code      int
		out       string
	}{
		"nothing":                         {[]string{"api://orders"}, []string{"-only", "aud"}, 0, "no findings\n"},
		"a confusion":                     {slash, []string{"-only", "aud,iss"}, 1, "confusion a token for another API opens this one"},
		"a confusion that does not count": {slash, []string{"-only", "aud", "-fail-on", "hole,outage"}, 0, "cases tried: 2 confusions\n"},
		"a confusion that is skipped":     {slash, []string{"-only", "aud", "-skip", "aud=it is ours too"}, 3, ""},
		"two cases that are skipped": {
			slash,
			[]string{"-only", "aud", "-skip", "aud: a slash more or less=it is ours too", "-skip", "aud: an array of others=the same"},
			0,
			"skipped   aud: a slash more or less: it is ours too\nskipped   aud: an array of others: the same\n",
		},
		"as Markdown": {slash, []string{"-only", "aud", "-markdown"}, 1, "| **confusion** |"},
		"as JUnit":    {slash, []string{"-only", "aud", "-junit"}, 1, `failures="2"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := command(t, "", append(attacked(t, row.audiences...), row.more...)...)
			assert.Equal(t, row.code, a.code, "%s%s", a.out, a.errs)
			assert.Contains(t, a.out, row.out)
			if row.code < 2 {
				assert.Empty(t, a.errs)
			}
		})
	}
}

func TestAttackPrintsJSONForOthers(t *testing.T) {
	t.Parallel()
	a := command(t, "", append(attacked(t, "api://orders", "api://orders/"), "-json", "-only", "aud")...)
	assert.Equal(t, 1, a.code)
	var report attack.Report
	decoder := json.NewDecoder(strings.NewReader(a.out))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&report))
	require.Len(t, report.Findings, 2)
	assert.Equal(t, attack.Finding{
		Name: "aud: a slash more or less", Group: "aud", Level: "confusion", Section: "RFC 9068 4", URL: "https://www.rfc-editor.org/rfc/rfc9068#section-4",
		What: "a token for another API opens this one: any of them can use its callers' tokens here", Status: 200,
	}, report.Findings[0])
}

func TestAttackSaysWhatIsWrongWithItsFlags(t *testing.T) {
	t.Parallel()
	good := []string{"attack", "-url", "http://127.0.0.1:1/", "-audience", "a"}
	for want, args := range map[string][]string{
		"-url is missing":                     {"attack", "-audience", "a"},
		"-audience is missing":                {"attack", "-url", "http://127.0.0.1:1/"},
		"-url is not on this machine":         {"attack", "-url", "http://192.0.2.1/", "-audience", "a"},
		"write NAME=VALUE":                    append(good, "-claim", "scope"),
		"is given twice":                      append(good, "-claim", "a=1", "-claim", "a=2"),
		"a reason is missing":                 append(good, "-skip", "aud"),
		"-skip needs a reason":                append(good, "-skip", "aud="),
		"levels are hole, confusion":          append(good, "-fail-on", "holes"),
		"three forms of one report":           append(good, "-json", "-junit"),
		"the command that starts the API sta": append(good, "./api"),
		"-only knows no such group":           append(good, "-only", "everything"),
		"flag provided but not defined":       append(good, "-nothing"),
		"write a number and its unit":         append(good, "-wait", "soon"),
	} {
		a := command(t, "", args...)
		assert.Equal(t, wrongUse, a.code, want)
		assert.Contains(t, a.errs, want)
		assert.Empty(t, a.out, want)
	}
	a := command(t, "", "attack", "-h")
	assert.Equal(t, accepted, a.code)
	for _, want := range []string{"hole       somebody gets in", "-this-api-is-mine", "Exit status: 0 nothing"} {
		assert.Contains(t, a.out, want)
	}
}

func TestAttackOfNothingCouldNotBeTried(t *testing.T) {
	t.Parallel()
	a := command(t, "", "attack", "-url", "http://127.0.0.1:1/", "-audience", "api://orders", "-wait", "100ms", "-json", "-alg", "EdDSA")
	assert.Equal(t, unavailable, a.code)
	assert.Empty(t, a.out)
	assert.Contains(t, a.errs, "sallyport attack: within 100ms the API did not accept a good token: tell it whom to trust\n  issuer    http://127.0.0.1:")
	a = command(t, "", "attack", "-url", "http://127.0.0.1:1/", "-audience", "a", "-alg", "EdDSA", "--", "sh", "-c", "exit 4")
	assert.Equal(t, unavailable, a.code)
	assert.Contains(t, a.errs, "the command ended (exit status 4)")
}

func TestASkippedNameMayHaveAnEqualsSign(t *testing.T) {
	t.Parallel()
	var o attackOptions
	o.Skip = map[string]string{}
	for _, s := range []string{`typ: "at+jwt;x=y"=a proxy = adds it`, `size=because a=b`, `nothing=why`} {
		require.NoError(t, o.skip(s))
	}
	assert.Equal(t, map[string]string{`typ: "at+jwt;x=y"`: "a proxy = adds it", "size": "because a=b", "nothing": "why"}, o.Skip)
}

func TestTheBarShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := &bar{out: &out, shown: true}
	b.move(1, 2, "aud: \x1b")
	assert.Equal(t, "\r\x1b[K[###############...............] 1/2 aud: \\u001b", out.String())
	b.end()
	assert.True(t, strings.HasSuffix(out.String(), "\r\x1b[K"), "it leaves nothing behind")
	out.Reset()
	hidden := &bar{out: &out}
	hidden.move(1, 2, "x")
	hidden.end()
	assert.Empty(t, out.String())
}

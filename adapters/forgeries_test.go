package adapters_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

// Every known forgery gets the same bytes from every framework, for the reason
// that the verifier has.
func TestEveryForgeryIsRefusedAlike(t *testing.T) {
	t.Parallel()
	f := &fixture{servers: map[site]string{}}
	f.issuer = jwkstest.New(t, jwkstest.WithAudience(audience))
	var rows []row
	for name, forgery := range f.issuer.Forgeries(scope("orders.read")) { // before keys are fetched: some publish one
		if forgery.Token != strings.Trim(forgery.Token, " \t") || strings.ContainsAny(forgery.Token, "\r\n") {
			continue // no header can carry it: what arrives is another token
		}
		rows = append(rows, row{name: name, token: forgery.Token}.invalidToken(forgery.Reason))
	}
	require.Greater(t, len(rows), 80)
	f.serve(t, "plain", sallyport.Config{Providers: []providers.Provider{providers.Generic(f.issuer.Issuer(), audience)}})
	good := row{name: "the token that they forge", token: f.good()}.accepted(hello)
	f.check(t, good, "routes")
	t.Cleanup(func() { assert.Zero(t, f.issuer.Strays(), "what a forgery points at was fetched") })
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, wiring := range []string{"routes", "table"} {
				if strings.ContainsFunc(r.token, breaksHeader) {
					f.checkBroken(t, r, wiring)
				} else {
					f.check(t, r, wiring)
				}
			}
		})
	}
}

// breaksHeader finds what the Guard, or net/http's server, stumbles over before
// a verifier sees a token.
func breaksHeader(c rune) bool { return c <= ' ' || c == ',' || c == 0x7f }

func (f *fixture) checkBroken(t *testing.T, r row, wiring string) {
	t.Helper()
	var all []message
	for _, fw := range frameworks {
		got := exchange(t, f.servers[site{"plain", wiring, fw.name}], r.request(r.name))
		assert.Contains(t, []string{statusLine(400), statusLine(401)}, got.statusLine)
		assert.Empty(t, got.header["X-Handler"])
		all = append(all, got)
	}
	assert.Equal(t, all[0], all[1])
	assert.Equal(t, all[0], all[2])
	assert.False(t, slices.ContainsFunc(f.decisions.of(r.name), func(line string) bool { return line == "verified" }))
}

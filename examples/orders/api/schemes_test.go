package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var schemes = []devauth.Scheme{devauth.OKQ8, devauth.Messaging, devauth.Bokbasen}

func TestEveryRouteForEveryClientOfEveryScheme(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	for _, framework := range api.Frameworks() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			tryEveryRoute(t, auth, start(t, api.Config{Framework: framework, Issuers: api.Devauth(auth)}))
		})
	}
}

func tryEveryRoute(t *testing.T, auth *devauth.Server, w *world) {
	t.Helper()
	// What each client gets, by the levels that it was granted.
	for _, route := range []struct {
		method, path      string
		all, reader, none int
		level             string // that a 403 asks for
	}{
		{http.MethodGet, "/orders", 200, 200, 403, "get"},
		{http.MethodHead, "/orders", 200, 200, 403, "get"},
		{http.MethodPost, "/orders", 201, 403, 403, "post"},
		{http.MethodPut, "/orders/1", 200, 403, 403, "put"},
		{http.MethodDelete, "/orders/1", 204, 403, 403, "delete"},
		{http.MethodGet, "/whoami", 200, 200, 200, ""},
		{http.MethodGet, "/healthz", 200, 200, 200, ""},
		{http.MethodGet, "/keys", 200, 200, 200, ""},
	} {
		for _, scheme := range schemes {
			for client, want := range map[string]int{devauth.AllLevels: route.all, devauth.GetOnly: route.reader, devauth.NoLevel: route.none} {
				t.Run(fmt.Sprintf("%s %s of %s/%s is %d", route.method, route.path, scheme, client, want), func(t *testing.T) {
					t.Parallel()
					a := w.in(t).do(route.method, route.path, mint(t, auth, scheme, client, devauth.Sound), "")
					assert.Equal(t, want, a.status, a.body)
					challenge := ""
					if want == http.StatusForbidden {
						challenge = `Bearer realm="orders", error="insufficient_scope", scope="` + route.level + `"`
					}
					assert.Equal(t, challenge, a.challenge())
				})
			}
		}
	}
}

func TestAFlawedTokenIsRefusedForItsFlaw(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	for flaw, reason := range map[devauth.Flaw]string{
		devauth.Expired: "expired", devauth.OtherAudience: "wrong_audience", devauth.Tampered: "bad_signature",
	} {
		for _, scheme := range schemes {
			t.Run(string(flaw)+" of "+string(scheme), func(t *testing.T) {
				t.Parallel()
				w := start(t, api.Config{Issuers: api.Devauth(auth)})
				token := mint(t, auth, scheme, devauth.AllLevels, flaw)
				for _, path := range []string{"/orders", "/whoami"} {
					a := w.get(path, token)
					assert.Equal(t, http.StatusUnauthorized, a.status)
					assert.Equal(t, `Bearer realm="orders", error="invalid_token"`, a.challenge())
				}
				assert.Equal(t, []string{reason, reason}, w.reasons())
				assert.NotContains(t, w.log.String(), token)
			})
		}
	}
}

func TestATokenOfTestIsRefusedInProd(t *testing.T) {
	t.Parallel()
	prod, test := newAuth(t), newAuth(t)
	w := start(t, api.Config{Issuers: api.Devauth(prod)})
	for _, scheme := range schemes {
		ours, theirs := mint(t, prod, scheme, devauth.AllLevels, devauth.Sound), mint(t, test, scheme, devauth.AllLevels, devauth.Sound)
		assert.Equal(t, http.StatusOK, w.get("/orders", ours).status)
		a := w.get("/orders", theirs)
		assert.Equal(t, http.StatusUnauthorized, a.status, "the same client, audience and levels, from TEST's issuer")
		assert.Contains(t, a.challenge(), `error="invalid_token"`)
	}
	assert.Equal(t, []string{"unknown_issuer", "unknown_issuer", "unknown_issuer"}, w.reasons())
}

func TestWhoamiTellsCallersWhatTheirTokenSays(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	w := start(t, api.Config{Issuers: api.Devauth(auth)})
	type said struct {
		Issuer                     string
		ClientID                   string `json:"client_id"`
		Caller                     string
		Audiences                  []string
		Scopes, Roles, Permissions []string
	}
	for _, scheme := range schemes {
		c, err := auth.Client(scheme, devauth.GetOnly)
		require.NoError(t, err)
		want := said{ClientID: c.ID, Audiences: c.Audiences[:1], Scopes: []string{}, Roles: []string{}, Permissions: []string{}}
		switch scheme {
		case devauth.OKQ8:
			want.Caller, want.Roles = "app", c.Levels
		case devauth.Messaging:
			want.Caller, want.Scopes = "unknown", c.Levels
		case devauth.Bokbasen:
			want.Caller, want.Permissions = "app", c.Levels
		}
		for _, i := range auth.Issuers() {
			if i.Scheme == scheme {
				want.Issuer = i.Issuer
			}
		}
		var got said
		w.get("/whoami", mint(t, auth, scheme, devauth.GetOnly, devauth.Sound)).decode(t, &got)
		assert.Equal(t, want, got)
	}
}

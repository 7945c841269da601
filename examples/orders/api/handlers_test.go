package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOrdersAreCreatedChangedAndRemoved(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "get post put delete"})
	for _, framework := range api.Frameworks() {
		cfg := trusting(issuer)
		cfg.Framework = framework
		w, token := start(t, cfg), issuer.Token()
		stored := func() []api.Order {
			t.Helper()
			var out struct{ Orders []api.Order }
			a := w.get("/orders", token)
			assert.Equal(t, "application/json", a.Header.Get("Content-Type"))
			assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
			a.Decode(t, &out)
			return out.Orders
		}
		seed := stored()
		assert.Len(t, seed, 3)

		var tea, more, chosen, next api.Order
		created := w.do(http.MethodPost, "/orders", token, `{"item":"tea","quantity":3,"id":"mine"}`)
		created.Decode(t, &tea)
		assert.Equal(t, http.StatusCreated, created.Status)
		assert.Equal(t, api.Order{ID: "4", Item: "tea", Quantity: 3}, tea, "the id is the API's own")
		assert.Equal(t, "/orders/4", created.Header.Get("Location"))

		changed := w.do(http.MethodPut, "/orders/4", token, `{"item":"green tea","quantity":5}`)
		changed.Decode(t, &more)
		assert.Equal(t, http.StatusOK, changed.Status)
		assert.Equal(t, api.Order{ID: "4", Item: "green tea", Quantity: 5}, more)

		w.do(http.MethodPut, "/orders/5", token, `{"item":"sugar"}`).Decode(t, &chosen)
		assert.Equal(t, append(seed, more, chosen), stored(), "a put under an id of one's own adds an order")

		w.do(http.MethodPost, "/orders", token, "").Decode(t, &next)
		assert.Equal(t, api.Order{ID: "6", Quantity: 1}, next, "no body is an order of nothing, and 5 is taken")

		for range 2 {
			removed := w.do(http.MethodDelete, "/orders/4", token, "")
			assert.Equal(t, http.StatusNoContent, removed.Status, "gone is gone")
			assert.Empty(t, removed.Body)
		}
		assert.Equal(t, append(seed, chosen, next), stored())
	}
}

func TestOrdersThatCannotBe(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "get post put delete"})
	w, token := start(t, trusting(issuer)), issuer.Token()
	for _, row := range []struct {
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"not JSON", "POST", "/orders", "tea", 400, "JSON object"},
		{"not an object", "PUT", "/orders/1", `["tea"]`, 400, "JSON object"},
		{"two objects", "POST", "/orders", `{} {}`, 400, "follows"},
		{"a number as text", "POST", "/orders", `{"quantity":"2"}`, 400, "quantity"},
		{"less than one", "POST", "/orders", `{"quantity":0}`, 400, "quantity must be between 1 and 1000000"},
		{"a long name", "POST", "/orders", `{"item":"` + strings.Repeat("a", 201) + `"}`, 400, "item is longer than 200 bytes"},
		{"a large body", "POST", "/orders", `{"item":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "larger than 65536 bytes"},
		{"an id that none can have", "PUT", "/orders/a%2Fb", "{}", 404, "no such order"},
		{"an id that is too long", "DELETE", "/orders/" + strings.Repeat("a", 65), "", 404, "no such order"},
		{"a method that is not there", "PATCH", "/orders/1", "{}", 405, ""},
		{"a route that is not there", "GET", "/nothing", "", 404, ""},
	} {
		a := w.do(row.method, row.path, token, row.body)
		assert.Equal(t, row.status, a.Status, row.name)
		assert.Contains(t, a.Body, row.says, row.name)
	}
}

func TestAStoreForgetsTheOldestOrders(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "get post"})
	w, token := start(t, trusting(issuer)), issuer.Token()
	for range 1000 {
		assert.Equal(t, http.StatusCreated, w.do(http.MethodPost, "/orders", token, "").Status)
	}
	var out struct{ Orders []api.Order }
	w.get("/orders", token).Decode(t, &out)
	assert.Len(t, out.Orders, 1000)
	assert.Equal(t, "4", out.Orders[0].ID)
	assert.Equal(t, "1003", out.Orders[999].ID)
}

func TestWhoamiTellsCallersWhatTheirTokenSays(t *testing.T) {
	t.Parallel()
	auth := testkit.Auth(t, devauth.Config{})
	w := start(t, api.Config{Auth: auth})
	type said struct {
		Issuer, Caller                        string
		ClientID                              string `json:"client_id"`
		Audiences, Scopes, Roles, Permissions []string
	}
	for n, issuer := range auth.Issuers() {
		c, err := auth.Client(issuer.Scheme, devauth.GetOnly)
		require.NoError(t, err)
		none, levels := []string{}, c.Levels
		want := []said{
			{issuer.Issuer, "app", c.ID, c.Audiences[:1], none, levels, none},
			{issuer.Issuer, "unknown", c.ID, c.Audiences[:1], levels, none, none},
			{issuer.Issuer, "app", c.ID, c.Audiences[:1], none, none, levels},
		}[n]
		var got said
		w.get("/whoami", testkit.Mint(t, auth, issuer.Scheme, devauth.GetOnly, devauth.Sound)).Decode(t, &got)
		assert.Equal(t, want, got)
	}
}

func TestEveryRouteForEveryClientOfEveryScheme(t *testing.T) {
	t.Parallel()
	auth := testkit.Auth(t, devauth.Config{})
	for _, framework := range api.Frameworks() {
		w := start(t, api.Config{Framework: framework, Auth: auth})
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
			for client, want := range map[string]int{devauth.AllLevels: route.all, devauth.GetOnly: route.reader, devauth.NoLevel: route.none} {
				for _, scheme := range devauth.Schemes {
					who := []any{"%s: %s %s of %s/%s", framework, route.method, route.path, scheme, client}
					a := w.do(route.method, route.path, testkit.Mint(t, auth, scheme, client, devauth.Sound), "")
					assert.Equal(t, want, a.Status, who...)
					want403 := ""
					if want == http.StatusForbidden {
						want403 = `Bearer realm="orders", error="insufficient_scope", scope="` + route.level + `"`
					}
					assert.Equal(t, want403, challenge(a), who...)
				}
			}
		}
	}
}

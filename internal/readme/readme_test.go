package readme_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

const root = "../../"

// The README's Go lines, compiled here. A line that changes in one place must
// change in the other.

func readmeServer() {
	gate, err := sallyport.New("https://issuer.example/", "api://orders") // the token's iss and aud, byte for byte
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()

	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(list)))
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", mux)) //nolint:gocritic // exitAfterDefer: a program that ends here ends everything
}

func list(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprintln(w, "orders for", c.ClientID())
}

func readmePresets() (gates []*sallyport.Gate, errs []error) {
	keep := func(g *sallyport.Gate, err error) { gates, errs = append(gates, g), append(errs, err) }
	{
		gate, err := sallyport.NewFrom(providers.Entra("<tenant>", "api://orders", "<app guid>")) // v1.0 and v2.0 tokens, both forms of aud
		keep(gate, err)
	}
	{
		gate, err := sallyport.NewFrom(providers.Auth0("login.example.com", providers.Auth0Permissions, "https://api.example.com/"))
		keep(gate, err)
	}
	{
		gate, err := sallyport.FromEnv() // SALLYPORT_ISSUER, SALLYPORT_AUDIENCE, ...: one binary for PROD and TEST
		keep(gate, err)
	}
	return gates, errs
}

func readmeRoutes(gate *sallyport.Gate, mux *http.ServeMux, r chi.Router, g *gin.Engine, del http.HandlerFunc, orders http.Handler, listOrders gin.HandlerFunc) {
	mux.Handle("/orders", gate.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}})(orders)) // get, post, put, delete
	r.With(gate.Require(claims.AnyRole("Orders.Admin"))).Delete("/orders/{id}", del)                            // Chi: the Guard is net/http middleware
	g.GET("/orders", ginauth.Require(gate, claims.AllScopes("orders.read")), listOrders)                        // Gin: adapters/ginauth
}

func TestTheReadmesAttack(t *testing.T) {
	t.Parallel()
	newAPI := func(issuer, audience string) http.Handler {
		gate, err := sallyport.New(issuer, audience)
		require.NoError(t, err)
		t.Cleanup(func() { _ = gate.Close() })
		return gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(list))
	}
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	api := newAPI(iss.Issuer(), iss.Audience())
	jwkstest.AttackHandler(t, iss, api, httptest.NewRequest("GET", "/orders", nil), jwkstest.Claims{"scope": "orders.read"}) //nolint:usestdlibvars // as the README has it
}

var _ = []any{readmeServer, readmePresets, readmeRoutes}

func TestTheReadmesGoLinesCompile(t *testing.T) {
	t.Parallel()
	readme, source := read(t, root+"README.md"), squeezed(read(t, "readme_test.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme, -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(line)
			if line == "" || line == "package main" || line == "func main() {" {
				continue
			}
			assert.Contains(t, source, squeezed(line), "a line of the README that no test compiles")
		}
	}
}

func TestTheReadmeFitsAndItsTargetsExist(t *testing.T) {
	t.Parallel()
	readme, makefile := read(t, root+"README.md"), read(t, root+"Makefile")
	assert.Less(t, strings.Count(readme, "\n"), 150)
	for _, target := range regexp.MustCompile(`(?m)(?:^|[^\w])make ([a-z0-9-]+)`).FindAllStringSubmatch(readme, -1) {
		if target[1] == "are" { // "Go 1.26 and make are all it takes"
			continue
		}
		assert.Regexp(t, `(?m)^`+target[1]+`:`, makefile)
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(readme, -1) {
		_, err := os.Stat(root + link[1])
		assert.NoError(t, err, "a link of the README")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

// squeezed makes runs of white space one space: gofmt aligns comments.
func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

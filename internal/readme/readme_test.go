package readme_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path"
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

// The README's program is program_test.go; its other Go lines are these.

func presets() (gates []*sallyport.Gate, errs []error) {
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

func routes(gate *sallyport.Gate, mux *http.ServeMux, r chi.Router, g *gin.Engine, del http.HandlerFunc, orders http.Handler, listOrders gin.HandlerFunc) {
	mux.Handle("/orders", gate.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}})(orders)) // get, post, put, delete
	r.With(gate.Require(claims.AnyRole("Orders.Admin"))).Delete("/orders/{id}", del)                            // Chi: the Guard is net/http middleware
	g.GET("/orders", ginauth.Require(gate, claims.AllScopes("orders.read")), listOrders)                        // Gin: adapters/ginauth
}

var _ = []any{main, presets, routes}

func TestTheREADMEsAttack(t *testing.T) {
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

func TestTheREADMEsGoLinesCompile(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, root+"README.md"), -1)
	require.NotEmpty(t, blocks)
	program := strings.Replace(read(t, "program_test.go"), "package readme_test\n", "package main\n", 1)
	assert.Equal(t, program, blocks[0][1], "the README's program is program_test.go")
	source := squeezed(read(t, "readme_test.go"))
	for _, block := range blocks[1:] {
		for line := range strings.Lines(block[1]) {
			assert.Contains(t, source, squeezed(line), "a line of the README that no test compiles")
		}
	}
}

func TestTheREADMEFitsAndItsTargetsExist(t *testing.T) {
	t.Parallel()
	readme, targets := read(t, root+"README.md"), makeTargets(t)
	assert.Less(t, strings.Count(readme, "\n"), 150)
	for _, found := range regexp.MustCompile(`(?:^|[^\w])make ([a-z0-9-]+)`).FindAllStringSubmatch(readme, -1) {
		assert.True(t, targets[found[1]] || found[1] == "are", "no target %s", found[1]) // "Go 1.26 and make are all it takes"
	}
}

func TestTheREADMELinksEveryPage(t *testing.T) {
	t.Parallel()
	list := map[string]string{"docs/": read(t, root+"README.md")}
	for _, dir := range []string{"docs/decisions/", "docs/guide/"} { // these have an index of their own
		list[dir] = read(t, root+dir+"README.md")
		require.Contains(t, list["docs/"], "]("+dir+"README.md)")
	}
	for page := range repositoryFiles(t) {
		if dir, name := path.Split(page); dir == "docs/" && path.Ext(name) == ".md" {
			assert.Contains(t, list["docs/"], "]("+page+")")
		} else if dir != "docs/" && list[dir] != "" && name != "README.md" {
			assert.Contains(t, list[dir], "]("+name+")")
		}
	}
}

func TestEveryLinkLeadsToAFile(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)[)#]`)
	for page, text := range repositoryFiles(t) {
		if path.Ext(page) != ".md" {
			continue
		}
		for _, found := range link.FindAllSubmatch(text, -1) {
			_, err := os.Stat(root + path.Join(path.Dir(page), string(found[1])))
			assert.NoError(t, err, "a link of %s", page)
		}
	}
}

func TestEveryLinkToAHeadingHasOne(t *testing.T) {
	t.Parallel()
	files := repositoryFiles(t)
	link := regexp.MustCompile(`\]\(([^)#:]*)#([^)]+)\)`)
	found := 0
	for page, text := range files {
		if path.Ext(page) != ".md" {
			continue
		}
		for _, to := range link.FindAllStringSubmatch(string(text), -1) {
			target := page
			if to[1] != "" {
				target = path.Join(path.Dir(page), to[1])
			}
			assert.True(t, anchors(files[target])[to[2]], "%s: a link to #%s of %s", page, to[2], target)
			found++
		}
	}
	assert.Greater(t, found, 5)
}

// anchors are the names that a page's headings have for links.
func anchors(page []byte) map[string]bool {
	names := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllSubmatch(page, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(string(heading[1])), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

// squeezed makes runs of white space one space: gofmt aligns comments.
func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

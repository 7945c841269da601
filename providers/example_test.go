package providers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/providers"
)

// The lines of the pages about these presets in docs/guide.

// A call without a token is refused before anything is fetched.
func ExampleGoogle_guard() {
	mux, orders := http.NewServeMux(), http.NotFoundHandler()
	gate, err := sallyport.NewFrom(providers.Google(
		providers.GoogleCallers{Emails: []string{"shop@acme-prod.iam.gserviceaccount.com"}},
		"https://orders-abc123.run.app"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()
	mux.Handle("GET /orders", gate.Require(claims.ClientIn("shop@acme-prod.iam.gserviceaccount.com"))(orders))

	fmt.Println(call(mux, "GET", "/orders"))
	// Output: 401
}

// The job must run in an environment, whose rules GitHub has.
func ExampleGitHubActions_guard() {
	mux, deploy := http.NewServeMux(), http.NotFoundHandler()
	gate, err := sallyport.NewFrom(providers.GitHubActions(
		providers.GitHubJobs{Repositories: []string{"456"}},
		"https://api.example.com"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()
	mux.Handle("POST /deploy", gate.Require(claims.Equals("production", "environment"))(deploy))

	fmt.Println(call(mux, "POST", "/deploy"))
	// Output: 401
}

// The document of an external tenant is apart from its issuer.
func ExampleEntraExternal_guard() {
	mux, todos := http.NewServeMux(), http.NotFoundHandler()
	gate, err := sallyport.NewFrom(providers.EntraExternal("a53d724c-15ea-4469-a987-82a5b30ec167", "contoso.ciamlogin.com",
		"6e74172b-be56-4843-9ff4-e66a39bb12e3"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()
	mux.Handle("GET /todos", gate.Require(claims.AllScopes("Todo.Read"))(todos))

	fmt.Println(call(mux, "GET", "/todos"))
	// Output: 401
}

// The policies of a B2C tenant are a list.
func ExampleEntraB2C_guard() {
	gate, err := sallyport.NewFrom(providers.EntraB2C("a53d724c-15ea-4469-a987-82a5b30ec167", "contoso.b2clogin.com", []string{"B2C_1_susi"},
		"6e74172b-be56-4843-9ff4-e66a39bb12e3"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()
	fmt.Println(gate.Keys()[0].Issuer)
	// Output: https://contoso.b2clogin.com/a53d724c-15ea-4469-a987-82a5b30ec167/v2.0/
}

// inCluster needs the files that a pod has.
func inCluster(mux *http.ServeMux, orders http.Handler) error {
	gate, err := sallyport.NewFrom(providers.Kubernetes(providers.Cluster{}, []string{"shop/checkout", "jobs/*"}, "https://api.example.com"))
	if err != nil {
		return err
	}
	defer gate.Close()
	mux.Handle("GET /orders", gate.Require(claims.ClientIn("system:serviceaccount:shop:checkout"))(orders))
	return nil
}

func call(h http.Handler, method, path string) int {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(method, path, http.NoBody))
	return answer.Code
}

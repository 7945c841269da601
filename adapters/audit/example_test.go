package audit_test

import (
	"fmt"
	"net/http"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// apiKey is middleware of one's own. With the method Requires, audits count it.
func apiKey(key string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return keyed{key: key, next: next} }
}

type keyed struct {
	key  string
	next http.Handler
}

func (k keyed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Api-Key") != k.key {
		http.Error(w, "an API key is required", http.StatusUnauthorized)
		return
	}
	k.next.ServeHTTP(w, r)
}

func (keyed) Requires(_, _ string) (access string, ruled bool) { return "the API key", true }

func ExampleDoor() {
	h := apiKey("s3cret")(http.NotFoundHandler())
	fmt.Println(audit.RouteBehind("GET", "/metrics", audit.DoorOf(h)))
	// Output:
	// GET /metrics -> the API key
}

func ExampleReport() {
	report := audit.Report{
		audit.RouteBehind("GET", "/metrics", audit.DoorOf(apiKey("s3cret")(http.NotFoundHandler()))),
		audit.RouteBehind("GET", "/debug"),
	}
	report.Sort()
	fmt.Print(report)
	fmt.Println(report.Err())
	// Output:
	// GET  /debug    -> FORGOTTEN: nothing
	// GET  /metrics  -> the API key
	// audit: no rule protects GET /debug (it requires nothing)
}

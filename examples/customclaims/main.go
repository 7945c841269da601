// Command customclaims reads claims of one's own: in a handler as a Go value,
// and in rules by their path.
//
//	ISSUER=https://issuer.example/ AUDIENCE=api://orders customclaims
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
)

// Tenancy is what our issuer says beyond the standard.
type Tenancy struct {
	Tenant string   `json:"https://orders.example/tenant"`
	Plan   string   `json:"plan"`
	Stores []string `json:"stores"`
}

func main() {
	gate, err := sallyport.New(os.Getenv("ISSUER"), os.Getenv("AUDIENCE"))
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: "127.0.0.1:8080", Handler: routes(gate), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func routes(gate *sallyport.Gate) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /tenancy", gate.Authenticate(http.HandlerFunc(tenancy)))
	mux.Handle("GET /reports", gate.Require(claims.Equals("gold", "plan"))(http.HandlerFunc(tenancy)))
	// One path segment an argument: a dot or a slash is part of a name.
	mux.Handle("GET /north", gate.Require(claims.AllOf(
		claims.Contains("north", "stores"),
		claims.Func("belongs to a tenant", func(c *claims.Claims) bool { return c.Has("https://orders.example/tenant") }),
	))(http.HandlerFunc(tenancy)))
	return mux
}

// tenancy decodes the token's own payload, the one that was verified.
func tenancy(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	var t Tenancy
	if err := c.Decode(&t); err != nil {
		http.Error(w, "the token's claims have another shape than this API knows", http.StatusForbidden)
		return
	}
	slices.Sort(t.Stores) // ours to change: every Decode is a copy
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(t)
}

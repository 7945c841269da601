//go:build !race

package adapters_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// discard is a ResponseWriter that costs nothing but its header.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header               { return d.header }
func (d *discard) WriteHeader(int)                   {}
func (d *discard) Write(p []byte) (int, error)       { return len(p), nil }
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }

func allocations(h http.Handler, r *http.Request) float64 {
	return testing.AllocsPerRun(500, func() {
		h.ServeHTTP(&discard{header: make(http.Header)}, r)
	})
}

// bare is the API of each framework without any door.
func bare() map[string]http.Handler {
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux, r, e := http.NewServeMux(), chi.NewRouter(), gin.New()
	for _, pattern := range []string{"/orders", "/twice", "/levels"} {
		mux.Handle(pattern, nothing)
		r.Handle(pattern, nothing)
		e.Any(pattern, func(*gin.Context) {})
	}
	return map[string]http.Handler{"net/http": mux, "Chi": r, "Gin": e}
}

// Not parallel: it counts what the whole process allocates.
func TestAllocations(t *testing.T) {
	iss := jwkstest.New(t, jwkstest.WithAudience(audience))
	gate, err := sallyport.New(iss.Issuer(), iss.Audience())
	require.NoError(t, err)
	defer gate.Close()
	require.NoError(t, gate.Ready(t.Context()))

	saved := answer
	answer = func(http.ResponseWriter, *http.Request) {} // what a handler writes is its own affair
	defer func() { answer = saved }()
	with := func(method, target, token string) *http.Request {
		r := httptest.NewRequest(method, target, nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return r
	}
	seen := iss.Token(scope("orders.read", "get"))
	for _, row := range []struct {
		name    string
		request *http.Request
		most    float64
		status  int
	}{
		{"a token that was seen before", with("GET", "/orders", seen), 4, 200},
		{"two doors", with("GET", "/twice", seen), 5, 200},
		{"an access level", with("GET", "/levels", seen), 4, 200},
		{"401 without a token", with("GET", "/orders", ""), 12, 401},
		{"401 for a bad token", with("GET", "/orders", "a.b.c"), 12, 401},
		{"403", with("POST", "/orders", seen), 12, 403},
	} {
		for _, fw := range frameworks {
			for _, wiring := range wirings {
				h, err := fw.serve(gate, wiring)
				require.NoError(t, err)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, row.request)
				require.Equal(t, row.status, w.Code)
				got := allocations(h, row.request) - allocations(bare()[fw.name], row.request)
				t.Logf("%-30s %-8s %-6s %3.0f", row.name, fw.name, wiring, got)
				assert.LessOrEqual(t, got, row.most, "%s, %s, %s", row.name, fw.name, wiring)
			}
		}
	}
}

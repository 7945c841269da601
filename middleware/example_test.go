package middleware_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// demoVerifier is a Verifier that knows one token.
type demoVerifier struct{}

func (demoVerifier) Verify(_ context.Context, token string) (*claims.Claims, error) {
	if token != "good" {
		return nil, reason.BadSignature
	}
	return claims.Parse([]byte(`{"sub":"warehouse","scope":"orders.read"}`), claims.DefaultMapping())
}

func demoGuard(cfg middleware.Config) *middleware.Guard {
	cfg.Verifier = demoVerifier{}
	guard, err := middleware.New(cfg)
	if err != nil {
		panic(err)
	}
	return guard
}

var ok = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// try sends one request and prints what a caller sees.
func try(h http.Handler, method, target, token string) {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Header().Get("WWW-Authenticate"))))
}

func Example() {
	guard := demoGuard(middleware.Config{Realm: "orders"})

	list := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		fmt.Println("listing for", c.Subject())
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", guard.Require(claims.AllScopes("orders.read"))(list))
	mux.Handle("POST /orders", guard.Require(claims.AllScopes("orders.read", "orders.write"))(list))

	try(mux, "GET", "/orders", "good")
	try(mux, "GET", "/orders", "")
	try(mux, "GET", "/orders", "tampered")
	try(mux, "POST", "/orders", "good")
	// Output:
	// listing for warehouse
	// 200
	// 401 Bearer realm="orders"
	// 401 Bearer realm="orders", error="invalid_token"
	// 403 Bearer realm="orders", error="insufficient_scope", scope="orders.read orders.write"
}

func ExampleNew() {
	_, err := middleware.New(middleware.Config{Realm: "bestå", Exempt: []string{"healthz"}})
	fmt.Println(err)
	// Output:
	// middleware: Config.Verifier is missing: without one no token can be verified
	// middleware: Config.Realm has characters outside printable ASCII: it is sent in a header
	// middleware: Config.Exempt: pattern "healthz": parsing "healthz": at offset 0: host/path missing /
}

// Authenticate around a whole router asks who is calling, and leaves it to the
// routes to ask whether they may.
func ExampleGuard_Authenticate() {
	guard := demoGuard(middleware.Config{Exempt: []string{"GET /healthz"}})

	mux := http.NewServeMux()
	mux.Handle("GET /healthz", ok)
	mux.Handle("GET /whoami", ok)
	mux.Handle("DELETE /orders/{id}", guard.Require(claims.AnyRole("Orders.Admin"))(ok))
	api := guard.Authenticate(mux)

	try(api, "GET", "/healthz", "")
	try(api, "GET", "/whoami", "")
	try(api, "GET", "/whoami", "good")
	try(api, "DELETE", "/orders/7", "good")
	// Output:
	// 200
	// 401 Bearer realm="api"
	// 200
	// 403 Bearer realm="api", error="insufficient_scope"
}

// A good token is no permission. Every client of the authorization server can
// get one for this API, so Authenticate alone lets each of them do everything.
func ExampleGuard_Authenticate_incorrect() {
	guard := demoGuard(middleware.Config{})
	deleteAll := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Println("all orders are gone") })

	incorrect := guard.Authenticate(deleteAll) // who is calling, but not whether they may
	try(incorrect, "DELETE", "/orders", "good")

	correct := guard.Require(claims.AllScopes("orders.delete"))(deleteAll)
	try(correct, "DELETE", "/orders", "good")
	// Output:
	// all orders are gone
	// 200
	// 403 Bearer realm="api", error="insufficient_scope", scope="orders.delete"
}

func ExampleGuard_Optional() {
	guard := demoGuard(middleware.Config{})
	home := guard.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, known := claims.FromContext(r.Context())
		fmt.Println("known:", known)
	}))
	try(home, "GET", "/", "")
	try(home, "GET", "/", "good")
	try(home, "GET", "/", "tampered")
	// Output:
	// known: false
	// 200
	// known: true
	// 200
	// 401 Bearer realm="api", error="invalid_token"
}

func ExampleGuard_RequireAccess() {
	guard := demoGuard(middleware.Config{})
	orders := guard.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}})(ok)
	try(orders, "PUT", "/orders", "good") // its scope is orders.read, no access level
	// Output:
	// 403 Bearer realm="api", error="insufficient_scope", scope="put"
}

// One table for a whole API. What is not in the table is refused.
func ExampleGuard_Enforce() {
	guard := demoGuard(middleware.Config{Exempt: []string{"GET /healthz"}})
	enforce, err := guard.Enforce(middleware.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders":         claims.AllScopes("orders.read"),
			"GET /orders/{id}":    claims.AllScopes("orders.read"),
			"DELETE /orders/{id}": claims.AnyRole("Orders.Admin"),
		},
	})
	if err != nil {
		panic(err)
	}
	api := enforce(ok)
	try(api, "GET", "/orders/7", "good")
	try(api, "DELETE", "/orders/7", "good")
	try(api, "GET", "/forgotten", "good")
	try(api, "GET", "/forgotten", "")
	try(api, "GET", "/healthz", "")
	// Output:
	// 200
	// 403 Bearer realm="api", error="insufficient_scope"
	// 403 Bearer realm="api", error="insufficient_scope"
	// 401 Bearer realm="api"
	// 200
}

// A framework that is not built on http.Handler checks, and lets Deny answer.
func ExampleGuard_Check() {
	guard := demoGuard(middleware.Config{})
	handle := func(w http.ResponseWriter, r *http.Request) {
		r, c, err := guard.Check(r, claims.AllScopes("orders.read"))
		if err != nil {
			guard.Deny(w, r, err)
			return // without this line the handler runs for everybody
		}
		fmt.Println("handling for", c.Subject(), "with", r.Method)
	}
	try(http.HandlerFunc(handle), "GET", "/orders", "good")
	try(http.HandlerFunc(handle), "GET", "/orders", "tampered")
	// Output:
	// handling for warehouse with GET
	// 200
	// 401 Bearer realm="api", error="invalid_token"
}

// An API with a body format of its own. Status and challenge stay the Guard's.
func ExampleConfig_errorBody() {
	guard := demoGuard(middleware.Config{
		ErrorBody: func(w http.ResponseWriter, r *http.Request, e *middleware.Error) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"message": http.StatusText(e.Status)})
		},
	})
	w := httptest.NewRecorder()
	guard.Authenticate(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	fmt.Print(w.Body)
	// Output:
	// 401 Bearer realm="api"
	// {"message":"Unauthorized"}
}

// Behind a proxy that hands the token on in a header of its own.
func ExampleConfig_credentials() {
	guard := demoGuard(middleware.Config{
		Credentials: func(r *http.Request) (middleware.Credential, error) {
			switch values := r.Header["X-Forwarded-Access-Token"]; len(values) {
			case 0:
				return middleware.Credential{}, reason.NoToken
			case 1:
				return middleware.Credential{Token: values[0]}, nil
			default:
				return middleware.Credential{}, reason.InvalidRequest
			}
		},
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("X-Forwarded-Access-Token", "good")
	_, c, err := guard.Check(r, claims.AnyToken())
	fmt.Println(c.Subject(), err)
	// Output:
	// warehouse <nil>
}

// Shadow mode tries a policy on live traffic: everything passes, and what
// would have been refused is in the log.
func ExampleConfig_shadow() {
	guard := demoGuard(middleware.Config{
		Shadow: true,
		Logger: logger(os.Stdout, slog.LevelInfo),
	})
	try(guard.Require(claims.AllScopes("orders.write"))(ok), "POST", "/orders", "good")
	// Output:
	// level=INFO msg="request would be refused" reason=insufficient_scope status=403 missing=[orders.write]
	// 200
}

// Preflights go to the CORS handler, here one of your own. Those of packages have
// the same form: cors.New(options).Handler of github.com/rs/cors, for instance.
func ExampleConfig_preflight() {
	allow := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
			w.Header().Set("Access-Control-Allow-Headers", "Authorization")
			w.WriteHeader(http.StatusNoContent)
		})
	}
	guard := demoGuard(middleware.Config{Preflight: allow})
	api := guard.Authenticate(ok)

	r := httptest.NewRequest(http.MethodOptions, "/orders", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Method", "GET")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Access-Control-Allow-Origin"))
	try(api, "OPTIONS", "/orders", "")
	// Output:
	// 204 https://app.example
	// 401 Bearer realm="api"
}

// Each call leaves a record with the names of ECS. Without ClientID and the like
// it names nobody.
func ExampleAudit() {
	withoutTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	audit := middleware.Audit(middleware.AuditConfig{Logger: slog.New(slog.NewTextHandler(os.Stdout, withoutTime)), Subject: true})
	guard := demoGuard(middleware.Config{OnEvent: audit})
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer good")
	guard.Authenticate(ok).ServeHTTP(httptest.NewRecorder(), r)
	// Output:
	// level=INFO msg="API access allowed" ecs.version=8.17.0 event.kind=event event.category=[api] event.type="[access allowed]" event.module=sallyport event.dataset=sallyport.audit event.action=verified event.outcome=success http.request.method=GET source.ip=192.0.2.1 source.port=1234 user.id=warehouse
}

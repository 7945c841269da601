package middleware

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/sallyport-go/sallyport/claims"
)

// Guard protects handlers. It is immutable, safe for concurrent use, and owns
// nothing that must be closed. The zero Guard and a nil one refuse every
// request with 503; [New] makes one that works.
//
// The handlers it returns pass the ResponseWriter on as it is, so Flush,
// Hijack and [http.ResponseController] work behind them.
//
// They also have a method Requires(method, pattern string) (access string,
// ruled bool), by which the audits of the adapters find out what a route asks for.
type Guard struct {
	verifier       Verifier
	realm          string
	credentials    func(*http.Request) (Credential, error)
	bindings       []Binding
	confirms       map[string]bool
	exempt         *routes
	exemptPatterns []string
	errorBody      func(http.ResponseWriter, *http.Request, *Error)
	problemJSON    bool
	logger         *slog.Logger
	logClientID    bool
	onEvent        func(context.Context, Event)
	shadow         bool
	counter        *requestCounter
}

// Authenticate lets requests with a good token through, whatever it allows,
// and refuses all others. Exempt paths pass untouched.
//
// The claims are in the request's context, for [claims.FromContext]. A good
// token is no permission: guard what a handler does with Require.
func (g *Guard) Authenticate(next http.Handler) http.Handler {
	return g.authenticating(func(w http.ResponseWriter, r *http.Request) {
		if g.isExempt(r) {
			next.ServeHTTP(w, r)
			return
		}
		g.serve(w, r, next, anyToken, false)
	}, anyToken.String())
}

// Optional lets requests without credentials through, without claims. Those
// that bring some are held to them: a bad token, another scheme or a malformed
// header is refused as by Authenticate.
func (g *Guard) Optional(next http.Handler) http.Handler {
	return g.authenticating(func(w http.ResponseWriter, r *http.Request) {
		g.serve(w, r, next, anyToken, true)
	}, "nothing, for credentials are optional")
}

// Require lets requests through whose token is good and passes the rule. It
// authenticates by itself, unless this Guard has done so already on the way.
//
// It panics when handlers are put together if the rule is faulty, as
// [http.ServeMux.Handle] does for a faulty pattern; see [claims.Rule.Err].
func (g *Guard) Require(rule claims.Rule) func(http.Handler) http.Handler {
	if err := rule.Err(); err != nil {
		panic(fmt.Errorf("middleware: Require: %w", err))
	}
	return func(next http.Handler) http.Handler {
		return g.ruling(func(w http.ResponseWriter, r *http.Request) {
			g.serve(w, r, next, rule, false)
		}, func(string) claims.Rule { return rule })
	}
}

// RequireAccess is Require with the access level that the method wants: get,
// post, put or delete. Methods without a level are refused with 403.
//
// It panics when handlers are put together if the levels are faulty.
func (g *Guard) RequireAccess(levels claims.AccessLevels) func(http.Handler) http.Handler {
	access, err := levels.Compile()
	if err != nil {
		panic(fmt.Errorf("middleware: RequireAccess: %w", err))
	}
	return func(next http.Handler) http.Handler {
		return g.ruling(func(w http.ResponseWriter, r *http.Request) {
			g.serve(w, r, next, access.Rule(r.Method), false)
		}, access.Rule)
	}
}

// serve leads a request through both doors to the next handler, or answers it.
func (g *Guard) serve(w http.ResponseWriter, r *http.Request, next http.Handler, rule claims.Rule, anonymous bool) {
	admitted, _, refused := g.admit(r, rule, anonymous)
	if refused != nil {
		g.write(w, r, refused)
		return
	}
	next.ServeHTTP(w, admitted)
}

// Check is Authenticate for those who write their own answers, such as
// adapters for other frameworks. It writes nothing. The request that it
// returns carries the claims for all that follows; the error is an [*Error].
// Callers must stop on an error:
//
//	r, c, err := guard.Check(r)
//	if err != nil {
//		guard.Deny(w, r, err)
//		return
//	}
//
// With an error the request comes back as it was, and without claims. So it
// does in shadow mode where a request would have been refused, but with a nil
// error. Check reports to the log, the events and the metric; Deny does not.
func (g *Guard) Check(r *http.Request) (*http.Request, *claims.Claims, error) {
	return g.CheckRule(r, anyToken)
}

// CheckRule is Require for those who write their own answers; see [Guard.Check].
// A faulty rule denies.
func (g *Guard) CheckRule(r *http.Request, rule claims.Rule) (*http.Request, *claims.Claims, error) {
	admitted, c, refused := g.admit(r, rule, false)
	if refused != nil {
		return admitted, nil, refused
	}
	return admitted, c, nil
}

// Deny writes the answer to a refused request, exactly as the middleware
// would: status, challenges, Cache-Control, Retry-After and body. It takes the
// errors of Check, those of a Verifier, and a bare [reason.Code]; any other is
// a 403, nil too: what is denied stays denied. Nothing of err but an [*Error]'s
// own fields reaches the caller. The handler must return after it.
func (g *Guard) Deny(w http.ResponseWriter, r *http.Request, err error) {
	g.write(w, r, g.denied(err))
}

func (g *Guard) isExempt(r *http.Request) bool {
	if g == nil {
		return false
	}
	return g.exempt.match(r) != nil
}

func (g *Guard) realmName() string {
	if g == nil || g.realm == "" {
		return DefaultRealm
	}
	return g.realm
}

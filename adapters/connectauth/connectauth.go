// Package connectauth puts a Guard in front of the procedures of a Connect server
// (connectrpc.com/connect), for clients of Connect, gRPC and gRPC-Web alike.
//
//	enforce, err := connectauth.Enforce(gate, connectauth.Policy{
//		Rules: map[string]claims.Rule{
//			"/orders.v1.Orders/*":      claims.AllScopes("orders.read"), // every procedure of the service,
//			"/orders.v1.Orders/Create": claims.AllScopes("orders.write"), // but for this one
//		},
//		Exempt: []string{"/grpc.health.v1.Health/Check"},
//	})
//	...
//	mux := http.NewServeMux()
//	mux.Handle(ordersv1connect.NewOrdersHandler(service))
//	server := &http.Server{Handler: enforce(mux)}
//
// It is middleware of net/http, because that is where a call can be judged before
// anything of its message is read: an interceptor of Connect runs behind the
// decoder, which has unpacked the message of a stranger by then. claims.FromContext
// finds the claims in the context of the procedure.
//
// # What callers see
//
// Refusals are errors of the protocol that the caller speaks, with the challenge in
// the WWW-Authenticate header, whatever the protocol:
//
//	400  invalid_argument   the credentials are malformed, or there are two; unauthenticated for gRPC and gRPC-Web
//	401  unauthenticated    there is no token, or it is not good
//	403  permission_denied  the token does not allow this, or no entry names the procedure
//	503  unavailable        the token could not be checked; with google.rpc.RetryInfo
//
// Each has a google.rpc.ErrorInfo; neither it nor the message says why a token was
// refused, unless [Policy.ShowReasons] is set. A call that its caller gave up is
// canceled or deadline_exceeded.
//
// What is no call of an RPC, such as the preflight of a browser, gets the Guard's own
// answer, as from net/http.
//
// # Streams
//
// With [Policy.EndAtExpiry] the context of a call ends with its token, and a Receive
// or a Send that waits for the caller returns. [ExpiryInterceptor] then tells the caller
// why.
package connectauth

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	"github.com/sallyport-go/sallyport/claims"
)

// Guard is a *middleware.Guard or a *sallyport.Gate.
type Guard interface {
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	Check(r *http.Request, rule claims.Rule) (*http.Request, *claims.Claims, error)
	Deny(w http.ResponseWriter, r *http.Request, err error)
	UntilExpiry(ctx context.Context, who *claims.Claims) (context.Context, context.CancelFunc)
}

// Enforce returns middleware that guards all procedures behind it by a table. It
// verifies by itself. A call of a procedure without an entry is refused:
// unauthenticated without a good token, permission denied with one. So is a path
// that is not written exactly as the procedure's name.
//
// Enforce judges the path that the handler behind it gets: put it inside of
// [http.StripPrefix]. The exempt patterns of the Guard's own configuration do not
// count here, and its ErrorBody writes only what is not an answer to an RPC.
//
// All mistakes of the table are reported together. The middleware is safe for
// concurrent use. See [Audit] for a test that all procedures have an entry.
func Enforce(guard Guard, p Policy) (func(http.Handler) http.Handler, error) {
	plan, err := compile(guard, p)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		e := &enforcer{
			guard: guard, none: guard.Require(claims.Rule{})(next), entries: make(map[string]*bound, len(plan)),
			endAtExpiry: p.EndAtExpiry, showReasons: p.ShowReasons,
		}
		for key, ent := range plan {
			b := &bound{entry: ent}
			if b.door = opened(e.none, next); !ent.exempt {
				b.door = guard.Require(ent.rule)(next)
			}
			e.entries[key] = b
		}
		return e
	}, nil
}

// enforcer is a table in front of a handler. It is immutable.
type enforcer struct {
	guard   Guard
	none    http.Handler // lets nothing through
	entries map[string]*bound

	endAtExpiry, showReasons bool
}

// bound is an entry in front of a handler.
type bound struct {
	entry
	door http.Handler // of the Guard
}

// opened returns the way through for an exemption, on which a Guard answers
// preflights.
func opened(door, next http.Handler) http.Handler {
	if d, ok := door.(interface {
		Open(next http.Handler) http.Handler
	}); ok {
		return d.Open(next)
	}
	return next
}

var errorWriter = connect.NewErrorWriter()

// ServeHTTP judges a call by its header, and hands on what passes.
func (e *enforcer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b := e.entryOf(r)
	switch {
	case b == nil:
		b = &bound{door: e.none} // whose zero Rule denies
	case b.exempt:
		b.door.ServeHTTP(w, r)
		return
	}
	if !errorWriter.IsSupported(r) {
		b.door.ServeHTTP(w, r)
		return
	}
	admitted, who, err := e.guard.Check(r, b.rule)
	if err != nil {
		e.refuse(w, r, b.service, err)
		return
	}
	if e.endAtExpiry {
		ctx, cancel := e.guard.UntilExpiry(admitted.Context(), who)
		defer cancel()
		admitted = admitted.WithContext(ctx)
	}
	if who != nil && r.Method == http.MethodGet { // the only answers that caches may store unasked
		p := &private{ResponseWriter: w}
		defer p.commit()
		w = p
	}
	w, end := endWaiting(w, admitted)
	defer end()
	b.door.ServeHTTP(w, admitted) // which finds the token verified
}

// entryOf returns the entry for a request, nil for none: that of the procedure, else
// that of its service. A path that was escaped where nothing has to be is none.
func (e *enforcer) entryOf(r *http.Request) *bound {
	if r.URL == nil || r.URL.RawPath != "" {
		return nil
	}
	return e.find(r.URL.Path)
}

func (e *enforcer) find(procedure string) *bound {
	service, method, ok := split(procedure)
	if !ok || method == "*" {
		return nil
	}
	if b, ok := e.entries[procedure]; ok {
		return b
	}
	return e.entries["/"+service+"/*"]
}

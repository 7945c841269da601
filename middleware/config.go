package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"

	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/claims"
)

// Verifier says whether a token is good. *verifier.Verifier is one.
//
// Implementations are safe for concurrent use and return claims or an error,
// never both and never neither. The Guard knows what to answer from a
// *verifier.Error or a [reason.Code] in the error's chain; any other error
// means that the token could not be judged, and is a 503.
type Verifier interface {
	Verify(ctx context.Context, token string) (*claims.Claims, error)
}

// DefaultRealm is the realm of a [Config] that names none. A Bearer challenge
// needs at least one parameter (RFC 6750 section 3), and this one tells an
// attacker nothing.
const DefaultRealm = "api"

// Config describes a [Guard]. Only the Verifier is required; what is left
// empty is safe. New copies it: changes made later have no effect.
type Config struct {
	_ [0]func()

	// Verifier judges the tokens. Required.
	Verifier Verifier

	// Realm names the protection space in challenges (RFC 9110 section 11.5),
	// in printable ASCII. "" is [DefaultRealm].
	Realm string

	// Credentials finds the token in a request, for instance in the header of
	// a proxy that is trusted. nil is [FromAuthorization]. Errors should be
	// [reason.NoToken], [reason.UnsupportedScheme] or [reason.InvalidRequest];
	// any other counts as the last. It may be called more than once for a
	// request and must not change it.
	Credentials func(*http.Request) (Credential, error)

	// Bindings check that a token is used by the sender it was issued to. A
	// token with a cnf claim that they do not cover is refused. The Verifier
	// must be told of the same members of cnf.
	Bindings []Binding

	// Exempt are [http.ServeMux] patterns, such as "GET /healthz", that
	// Authenticate and Enforce let through untouched. Require, RequireAccess,
	// Optional and Check know no exemptions. See [Policy] on patterns.
	Exempt []string

	// ErrorBody writes the body of a refusal instead of the Guard. It may set
	// headers of the body, such as Content-Type; the status, WWW-Authenticate,
	// Cache-Control and Retry-After are settled before it is called, and what
	// it does to them has no effect. It must not send e.Error() or e.Reason to
	// the caller: they tell an attacker how far a token got.
	ErrorBody func(w http.ResponseWriter, r *http.Request, e *Error)

	// ProblemJSON answers refusals with problem details (RFC 9457) always.
	// Otherwise they are sent to callers whose Accept prefers them to text.
	ProblemJSON bool

	// Logger gets refusals, at Info, and trouble with keys or revocation, at
	// Warn. It gets reason codes, the route's pattern, the configured issuer,
	// the quoted kid and the missing scopes: no token, no claim. nil: none.
	Logger *slog.Logger

	// LogClientID adds the verified client id, cut to 128 bytes, where a rule
	// refused a good token.
	LogClientID bool

	// OnEvent is told of every decision, in the request's goroutine and before
	// the answer is written. It must be safe for concurrent use and quick.
	OnEvent func(context.Context, Event)

	// Shadow lets every request through and only reports what would have been
	// refused, to try a policy on live traffic. THE API IS OPEN while it is
	// set. Handlers see claims only of requests that pass the rules.
	Shadow bool

	// MeterProvider gets the counter sallyport.requests with the attributes
	// outcome and reason. nil: nothing is measured.
	MeterProvider metric.MeterProvider
}

// New makes a Guard. All mistakes of the configuration are reported together.
func New(cfg Config) (*Guard, error) {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("middleware: Config."+format, args...))
	}

	if isNil(cfg.Verifier) {
		fail("Verifier is missing: without one no token can be verified")
	}
	if !isPrintable(cfg.Realm) {
		fail("Realm has characters outside printable ASCII: it is sent in a header")
	}
	exempt := &routes{mux: http.NewServeMux()}
	for _, pattern := range cfg.Exempt {
		if err := exempt.add(pattern, &route{exempt: true}); err != nil {
			fail("Exempt: %w", err)
		}
	}
	confirms := make(map[string]bool)
	for i, b := range cfg.Bindings {
		if err := confirm(confirms, b); err != nil {
			fail("Bindings[%d] %w", i, err)
		}
	}
	counter, err := newRequestCounter(cfg.MeterProvider)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newGuard(cfg, exempt, confirms, counter), nil
}

func newGuard(cfg Config, exempt *routes, confirms map[string]bool, counter *requestCounter) *Guard {
	g := &Guard{
		verifier:       cfg.Verifier,
		realm:          cfg.Realm,
		credentials:    cfg.Credentials,
		bindings:       slices.Clone(cfg.Bindings),
		confirms:       confirms,
		exemptPatterns: slices.Clone(cfg.Exempt),
		errorBody:      cfg.ErrorBody,
		problemJSON:    cfg.ProblemJSON,
		logger:         cfg.Logger,
		logClientID:    cfg.LogClientID,
		onEvent:        cfg.OnEvent,
		shadow:         cfg.Shadow,
		counter:        counter,
	}
	if len(cfg.Exempt) > 0 {
		g.exempt = exempt
	}
	if g.credentials == nil {
		g.credentials = FromAuthorization
	}
	return g
}

// confirm adds the members of cnf that a binding covers to those known.
func confirm(known map[string]bool, b Binding) error {
	if isNil(b) {
		return errors.New("is nil")
	}
	members := b.Confirms()
	if len(members) == 0 {
		return errors.New("confirms no member of cnf")
	}
	for _, name := range members {
		if name == "" {
			return errors.New("confirms a member of cnf without a name")
		}
		if known[name] {
			return fmt.Errorf("confirms %q, which another one confirms already", name)
		}
		known[name] = true
	}
	return nil
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if !printable(s[i]) {
			return false
		}
	}
	return true
}

// isNil sees through an interface that holds a nil pointer, the usual result
// of an ignored construction error.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map:
		return rv.IsNil()
	default:
		return false
	}
}

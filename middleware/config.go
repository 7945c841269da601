package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/claims"
)

// Verifier verifies tokens. *verifier.Verifier is one.
//
// Implementations are safe for concurrent use and return claims or an error,
// never both and never neither. The Guard takes its answer from a
// *verifier.Error or a [reason.Code] in the error's chain; any other error
// means that the token could not be judged, and is a 503.
//
// A Guard with Bindings calls VerifyBound instead, with the same signature, if
// its Verifier has that method: it may accept a token with a cnf claim, which
// the Guard then checks. A type that embeds a Verifier and checks more has its
// VerifyBound too, and must bring one of its own.
type Verifier interface {
	Verify(ctx context.Context, token string) (*claims.Claims, error)
}

// Config is the configuration of a [Guard]. Only the Verifier is required; what
// is left empty is safe. New copies it: changes made later have no effect; for
// another configuration there is [Guard.Replace].
type Config struct {
	_ [0]func()

	// Verifier verifies the tokens. Required.
	Verifier Verifier

	// Realm names the protection space in challenges (RFC 9110 section 11.5),
	// in printable ASCII. "" is "api".
	Realm string

	// Credentials finds the token in a request, for instance in the header of
	// a proxy that is trusted. nil is [FromAuthorization]. Errors should be
	// [reason.NoToken], [reason.UnsupportedScheme] or [reason.InvalidRequest];
	// any other counts as the last. It may be called more than once for a
	// request and must not change it.
	Credentials func(*http.Request) (Credential, error)

	// Bindings check that a token is used by the sender it was issued to. A
	// token with a cnf claim that they do not cover is refused. One that is a
	// [SchemeBinding] adds its scheme to those that tokens are read from.
	Bindings []Binding

	// SenderConstrained refuses tokens that are not bound to their sender, which
	// have no cnf. It wants Bindings.
	//
	// RFC 9700 section 2.2.1: https://www.rfc-editor.org/rfc/rfc9700#section-2.2.1
	SenderConstrained bool

	// Resource is the identifier of the API, an https URL, or http on loopback,
	// without a query or fragment. Challenges then name the address of its metadata
	// in resource_metadata. "" is none.
	//
	// RFC 9728 section 5.1: https://www.rfc-editor.org/rfc/rfc9728#section-5.1
	Resource string

	// Exempt are [http.ServeMux] patterns, such as "GET /healthz", that
	// Authenticate and Enforce let through untouched. Require, RequireAccess,
	// Optional and Check know no exemptions. See [Policy] on patterns.
	Exempt []string

	// Preflight makes a handler for the preflights of browsers (CORS), such as the
	// Handler method of github.com/rs/cors or the Wrap method of
	// github.com/jub0bs/cors. It gets every OPTIONS request with Origin and
	// Access-Control-Request-Method, without credentials and without a header
	// that overrides the method, in front of every rule, table and exemption of
	// this Guard, where the router lets such requests come to one. What it hands
	// on is answered with 204: no handler of the API is reached. Such requests
	// cause no event. nil judges preflights like any request, and as they carry
	// no token refuses them. See docs/guide/cors.md.
	Preflight func(http.Handler) http.Handler

	// ErrorBody writes the body of a refusal instead of the Guard. It may set
	// headers of the body, such as Content-Type; the status, WWW-Authenticate,
	// Cache-Control and Retry-After are fixed before it is called, and what
	// it does to them has no effect. It must not send e.Error() or e.Reason to
	// the caller: they tell an attacker how far a token got.
	ErrorBody func(w http.ResponseWriter, r *http.Request, e *Error)

	// ProblemJSON answers refusals with problem details (RFC 9457) always.
	// Otherwise they are sent to callers whose Accept names JSON, or prefers it to
	// text. Of Accept the first KiB is read.
	ProblemJSON bool

	// ChallengeScope adds to the challenge of a 401 the scope that the rule asks
	// for, so that a client gets the right token at once, as MCP clients do. It
	// shows strangers the names of scopes. A 403 names them in any case.
	//
	// RFC 6750 section 3: https://www.rfc-editor.org/rfc/rfc6750#section-3
	ChallengeScope bool

	// EndAtExpiry ends the context of a request when its token is no longer good:
	// at exp plus leeway, with the cause [ErrTokenExpired]. It is for answers that
	// last, such as server-sent events, long downloads and connections that a
	// handler has taken over, and ends those whose handler heeds the context. A
	// Verifier that is no *verifier.Verifier and has no method Remaining gives no
	// leeway.
	EndAtExpiry bool

	// NoCacheControl leaves Cache-Control to the handlers. Otherwise what passes
	// with a verified token is sent with "Cache-Control: private" where a handler
	// says nothing of its own, so that no cache between the API and its callers
	// hands one caller's answer to another (RFC 9111 section 3.5).
	NoCacheControl bool

	// Logger gets refusals, at Info, and trouble with keys or revocation, at
	// Warn. It gets reason codes, the route's pattern, the configured issuer,
	// the quoted kid, the missing scopes and the trace id of the request: no
	// token, no claim. nil is no log.
	Logger *slog.Logger

	// LogLimit is how many lines with the same reason and issuer are written in
	// ten seconds. The first line after others that were not says how many, as
	// dropped. 0 is 10, negative is no limit.
	LogLimit int

	// LogClientID adds the verified client id, cut to 128 bytes, where a rule
	// refused a good token.
	LogClientID bool

	// OnEvent is called with every decision, in the request's goroutine and
	// before the answer is written. It must be safe for concurrent use and quick.
	OnEvent func(context.Context, Event)

	// Shadow lets every request through and only reports what would have been
	// refused, to try a policy on live traffic. THE API IS OPEN while it is
	// set. Handlers see claims only of requests that pass the rules.
	Shadow bool

	// MeterProvider gets the counter sallyport.requests, by outcome, reason and
	// configured issuer, and the histogram sallyport.check.duration. nil is no
	// metric. See docs/guide/telemetry.md.
	MeterProvider metric.MeterProvider

	// SpanAttributes adds outcome, reason and issuer of each decision to the span
	// that the context of a request has, if one is recorded there.
	SpanAttributes bool
}

// New returns a Guard, or every mistake of the configuration at once.
func New(cfg Config) (*Guard, error) {
	now, err := cfg.build(new(family))
	if err != nil {
		return nil, err
	}
	g := &Guard{scopes: &scopeSet{names: map[string]bool{}}}
	g.now.Store(now)
	return g, nil
}

// build compiles the configuration of a Guard of that family.
func (cfg *Config) build(of *family) (*guard, error) {
	g, err := cfg.compile()
	if isNil(cfg.Verifier) {
		err = errors.Join(errors.New("middleware: Config.Verifier is missing: without one no token can be verified"), err)
	}
	if err != nil {
		return nil, err
	}
	g.decider.family = of
	g.decider.verify = verifyOf(cfg.Verifier, len(g.bound.bindings) > 0)
	g.lifetimes, _ = cfg.Verifier.(lifetimes)
	g.ages, _ = cfg.Verifier.(ages)
	if g.decider.meters != nil {
		g.decider.meters.begin(g.decider.labels)
	}
	return g, nil
}

// Validate returns every mistake of the configuration at once. It does not
// report a missing Verifier, which can be set later; [New] does.
func (cfg Config) Validate() error {
	_, err := cfg.compile()
	return err
}

// compile makes what is in force, but for what it gets from its Verifier.
func (cfg *Config) compile() (*guard, error) {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("middleware: Config."+format, args...))
	}
	if strings.ContainsFunc(cfg.Realm, func(c rune) bool { return c < ' ' || c > '~' }) {
		fail("Realm has characters outside printable ASCII: it is sent in a header")
	}
	metadata, err := metadataAddress(cfg.Resource)
	if err != nil {
		fail("Resource %w", err)
	}
	exempt := &routes{mux: http.NewServeMux()}
	for _, pattern := range cfg.Exempt {
		if err := exempt.add(pattern, &route{exempt: true}); err != nil {
			fail("Exempt: %w", err)
		}
	}
	bound, mistakes := bind(cfg.Bindings)
	errs = append(errs, mistakes...)
	if cfg.SenderConstrained && len(cfg.Bindings) == 0 {
		fail("SenderConstrained refuses every token without Bindings: give one, of DPoP or of certificates")
	}
	var preflight http.Handler
	if cfg.Preflight != nil {
		if preflight = cfg.Preflight(preflighted); isNil(preflight) {
			fail("Preflight returned no handler")
		}
	}
	meters, err := newMeters(cfg.MeterProvider)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	g := &guard{
		decider: decider{
			realm:       cfg.Realm,
			shadow:      cfg.Shadow,
			log:         newRefusalLog(cfg),
			meters:      meters,
			spans:       cfg.SpanAttributes,
			onEvent:     cfg.OnEvent,
			schemes:     bound.schemes,
			constrained: cfg.SenderConstrained,
			metadata:    metadata,
		},
		credentials:    cfg.Credentials,
		bound:          bound,
		exemptPatterns: slices.Clone(cfg.Exempt),
		errorBody:      cfg.ErrorBody,
		problemJSON:    cfg.ProblemJSON,
		noCacheControl: cfg.NoCacheControl,
		challengeScope: cfg.ChallengeScope,
		endAtExpiry:    cfg.EndAtExpiry,
		preflight:      preflight,
		resource:       cfg.Resource,
	}
	g.decider.label(cfg.Verifier)
	if len(cfg.Exempt) > 0 {
		g.exempt = exempt
	}
	if g.credentials == nil {
		g.credentials = fromAuthorization(g.decider.accepts)
	}
	return g, nil
}

// Package introspection asks issuers about tokens: about opaque ones, which only
// their issuer can read, and about JWTs that may have been revoked (RFC 7662).
//
// A [Verifier] stands in front of a [verifier.Verifier] and has its methods. A JWT
// of a known issuer goes to that one, anything else to the introspection endpoint
// of the issuer whose token it may be. What the answer says is held to the same
// policy as the claims of a JWT, and comes out as the same [claims.Claims], so that
// rules do not know the difference.
//
//	tokens, err := introspection.New(v, introspection.Config{
//		Issuer:      "https://issuer.example/",
//		Endpoint:    "https://issuer.example/introspect",
//		Credentials: introspection.Basic("orders-api", introspection.File("/run/secrets/introspection")),
//	})
//
// A Gate makes one from sallyport.Config.Introspection.
package introspection

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// judge is what a verifier has for this package; see [vetted.Judge].
type judge interface {
	Knows(issuer string) bool
	Now() time.Time
	MaxTokenBytes() (most int, tooLarge string)
	Read(ctx context.Context, issuer string, answer strictjson.Object) (known any, c *claims.Claims, err error)
	Check(ctx context.Context, known any, bound bool) (*claims.Claims, error)
	Explain(ctx context.Context, issuer string, answer strictjson.Object, rule *claims.Rule) verifier.Report
	Open(ctx context.Context, issuer, audience, text string) (strictjson.Object, error)
}

// Verifier verifies tokens by asking their issuers, and JWTs by a
// [verifier.Verifier]. It is made by [New] and safe for concurrent use. Close it
// when done. The zero value refuses every token.
type Verifier struct {
	jwts    *verifier.Verifier
	judge   judge
	sources []*source
	named   map[string]*source // by issuer
}

// New returns a Verifier that asks the issuers of configs, or every mistake in
// them at once. What their tokens must have is the configuration of v.
func New(v *verifier.Verifier, configs ...Config) (*Verifier, error) {
	if v == nil {
		return nil, errors.New("introspection: New needs a verifier.Verifier")
	}
	own, ok := vetted.Judge(v).(judge)
	if !ok {
		return nil, errors.New("introspection: the verifier does not fit")
	}
	if err := validateAll(configs, own.Knows); err != nil {
		return nil, err
	}
	out := &Verifier{jwts: v, judge: own, named: make(map[string]*source, len(configs))}
	for i := range configs {
		s, err := newSource(configs[i].withDefaults(), own)
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		out.sources = append(out.sources, s)
		out.named[configs[i].Issuer] = s
	}
	return out, nil
}

// Verify returns the claims of a good token, or a [*verifier.Error] with the
// reason of the refusal: inactive where the issuer says so, and
// introspection_unavailable where it could not be asked. A token with cnf is
// refused: see VerifyBound. The claims are immutable and shared.
//
// Verify waits for the answer of the issuer; ctx bounds that wait. A question goes
// on without its caller, for the others that ask the same.
func (v *Verifier) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	c, _, err := v.verify(ctx, token, false)
	return c, err
}

// VerifyBound is [Verifier.Verify] for a caller that checks cnf itself.
func (v *Verifier) VerifyBound(ctx context.Context, token string) (*claims.Claims, error) {
	c, _, err := v.verify(ctx, token, true)
	return c, err
}

// VerifySeen is [Verifier.Verify] or, where bound is true, [Verifier.VerifyBound],
// and reports whether the token was seen before: whether what its issuer answered
// was known, so that it was not asked, and whether the signature of a JWT was known
// to be good.
func (v *Verifier) VerifySeen(ctx context.Context, token string, bound bool) (c *claims.Claims, seen bool, err error) {
	return v.verify(ctx, token, bound)
}

var _ = vetted.RegisterAsking(func(v any) bool {
	_, own := v.(*Verifier)
	return own
})

func (v *Verifier) verify(ctx context.Context, token string, bound bool) (c *claims.Claims, seen bool, err error) {
	if v == nil || v.jwts == nil {
		return nil, false, errNotMadeByNew
	}
	if !isJWT(token) {
		return v.ask(ctx, token, bound, nil)
	}
	c, seen, err = v.jwts.VerifySeen(ctx, token, bound)
	switch {
	case err == nil:
		known, err := v.unlessRevoked(ctx, token, c)
		if err != nil {
			return nil, seen && known, err
		}
		return c, seen && known, nil
	case errors.Is(err, reason.UnknownIssuer):
		return v.ask(ctx, token, bound, err)
	}
	return nil, seen, err
}

// ask asks about a token that is not read here. otherwise is the refusal where no
// issuer is to be asked; nil is that of the verifier of JWTs. The token was seen
// before where every answer was known.
func (v *Verifier) ask(ctx context.Context, token string, bound bool, otherwise error) (c *claims.Claims, seen bool, err error) {
	if err := v.unfit(token); err != nil {
		return nil, false, err
	}
	asked, seen := false, true
	var refused error
	for s := range v.issuersOf(token) {
		asked = true
		a, known, err := s.answer(ctx, token, false)
		seen = seen && known
		if err == nil && a.known != nil {
			c, err := v.judge.Check(ctx, a.known, bound)
			return c, seen, err
		}
		if err == nil {
			err = a.refusal
		}
		refused = worse(refused, err)
	}
	switch {
	case asked:
		return nil, seen, refused
	case otherwise != nil:
		return nil, false, otherwise
	}
	return v.jwts.VerifySeen(ctx, token, bound)
}

// worse returns the refusal that says most: that an issuer could not be asked, for
// the token may be its own; that a token is wrong; that it is not active.
func worse(a, b error) error {
	if a == nil || rank(b) > rank(a) {
		return b
	}
	return a
}

func rank(err error) int {
	switch {
	case errors.Is(err, reason.Inactive):
		return 0
	case errors.Is(err, reason.IntrospectionUnavailable), errors.Is(err, reason.Canceled):
		return 2
	}
	return 1
}

// issuersOf yields the sources that may be asked about an opaque token.
func (v *Verifier) issuersOf(token string) func(yield func(*source) bool) {
	return func(yield func(*source) bool) {
		for _, s := range v.sources {
			if s.cfg.Tokens != JWTs && s.hasPrefix(token) {
				yield(s)
				return
			}
		}
		for _, s := range v.sources {
			if s.cfg.Tokens != JWTs && len(s.cfg.Prefixes) == 0 && !yield(s) {
				return
			}
		}
	}
}

// unlessRevoked asks about a JWT that is good, where its issuer is to be asked, and
// reports whether the answer was known.
//
// RFC 7662 section 4: https://www.rfc-editor.org/rfc/rfc7662#section-4
func (v *Verifier) unlessRevoked(ctx context.Context, token string, c *claims.Claims) (known bool, err error) {
	s := v.named[c.Issuer()]
	if s == nil || s.cfg.Tokens == Opaque {
		return true, nil
	}
	a, known, err := s.answer(ctx, token, true)
	switch {
	case err != nil:
		return known, revocation(err)
	case !a.active:
		return known, &verifier.Error{Reason: reason.Revoked, Issuer: s.cfg.Issuer, Detail: "by the issuer's introspection endpoint"}
	}
	return known, nil
}

// revocation returns the refusal of a JWT whose issuer could not be asked.
func revocation(err error) error {
	e, ok := errors.AsType[*verifier.Error](err)
	if !ok || e.Reason != reason.IntrospectionUnavailable {
		return err
	}
	own := *e
	own.Reason = reason.RevocationUnavailable
	return &own
}

// unfit returns why no issuer is asked about a token: it is too long, or no token
// of a request's header.
//
// RFC 6750 section 2.1: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func (v *Verifier) unfit(token string) error {
	if most, tooLarge := v.judge.MaxTokenBytes(); len(token) > most {
		return &verifier.Error{Reason: reason.TooLarge, Detail: tooLarge}
	}
	if body := strings.TrimRight(token, "="); body == "" || strings.ContainsFunc(body, breaksToken) {
		return &verifier.Error{Reason: reason.Malformed, Detail: "no token has such characters"}
	}
	return nil
}

func breaksToken(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._~+/", r)
}

// isJWT reports whether a token has the form of a signed JWT: three parts, of
// which the first begins as a JSON object does in base64url. Opaque tokens that
// have dots do not begin so.
//
// RFC 7519 section 3: https://www.rfc-editor.org/rfc/rfc7519#section-3
func isJWT(token string) bool {
	return strings.Count(token, ".") == 2 && (strings.HasPrefix(token, "ey") || strings.HasPrefix(token, "ew"))
}

// Remaining is [verifier.Verifier.Remaining]. It is meaningless for claims without
// exp, which an answer need not have.
func (v *Verifier) Remaining(c *claims.Claims) time.Duration {
	if v == nil || v.jwts == nil {
		return 0
	}
	return v.jwts.Remaining(c)
}

// Elapsed is [verifier.Verifier.Elapsed].
func (v *Verifier) Elapsed(t time.Time) time.Duration {
	if v == nil || v.jwts == nil {
		return -1
	}
	return v.jwts.Elapsed(t)
}

// Issuers is [verifier.Verifier.Issuers].
func (v *Verifier) Issuers() []string {
	if v == nil || v.jwts == nil {
		return nil
	}
	return v.jwts.Issuers()
}

// IssuerOf is [verifier.Verifier.IssuerOf].
func (v *Verifier) IssuerOf(c *claims.Claims) string {
	if v == nil || v.jwts == nil {
		return ""
	}
	return v.jwts.IssuerOf(c)
}

// Close ends the questions that are asked now. Later ones are refused. It returns
// nil.
func (v *Verifier) Close() error {
	if v == nil {
		return nil
	}
	for _, s := range v.sources {
		s.close()
	}
	return nil
}

var errNotMadeByNew = &verifier.Error{Reason: reason.IntrospectionUnavailable, Detail: "this Verifier was not made by New"}

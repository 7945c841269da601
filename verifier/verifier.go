// Package verifier decides whether an access token is good: a compact JWS of a
// configured issuer, signed with one of its keys, meant for this API, valid now
// (RFC 7515, 7519, 8725, 9068).
//
// It knows nothing of HTTP. [Verifier.Verify] is what a request pays for;
// [Verifier.Explain] runs the same list of checks to its end and says what each
// one found and expected.
package verifier

import (
	"context"
	"time"

	"github.com/sallyport-go/sallyport/claims"
)

// Verifier checks tokens. Make one with [New]; it is immutable, safe for
// concurrent use and needs no Close. The zero Verifier trusts nobody: it
// refuses every token.
type Verifier struct {
	issuers       map[string]*issuer
	templates     []*issuer
	leeway        time.Duration
	maxAge        time.Duration
	maxTokenBytes int
	tooLarge      string
	validators    []Validator
	revoked       func(context.Context, *claims.Claims) (bool, error)
	confirmations []string
	now           func() time.Time
	headers       headers
	cache         *cache
}

// Verify answers with the token's claims, or with an [*Error] that says why
// not. The claims are shared with other calls that bring the same token, which
// is safe because they are immutable.
//
// Verify waits only for keys that were never fetched yet or for a key id that
// nobody has seen; ctx bounds that wait. It never waits for a background
// refresh.
func (v *Verifier) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	return v.verify(ctx, token, false)
}

// VerifyBound is Verify for a caller that checks the cnf claim itself.
func (v *Verifier) VerifyBound(ctx context.Context, token string) (*claims.Claims, error) {
	return v.verify(ctx, token, true)
}

func (v *Verifier) verify(ctx context.Context, token string, bound bool) (*claims.Claims, error) {
	c := newCheck(ctx, v, token)
	c.bound = bound
	defer c.release()

	// 1. Size and dots: less than it costs to ask for the token.
	if err := c.run(shape); err != nil {
		return nil, err
	}
	// 2. A token seen before needs only what can change between two calls.
	if v.cache.recall(c) {
		return c.answer()
	}
	// 3. Header, issuer and key: cheap, and each caller's own wait for keys.
	if err := c.run(opening); err != nil {
		return nil, err
	}
	// 4. The signature and what it covers: the CPU's work, done once for all
	// who bring the token at the same moment.
	if err := v.cache.prove(c); err != nil {
		return nil, err
	}
	// 5. Time, validators, revocation.
	return c.answer()
}

// Package verifier decides whether an access token is good: a compact JWS of a
// configured issuer, signed with one of its keys, meant for this API, valid now
// (RFC 7515, 7519, 8725, 9068).
//
// It knows nothing of HTTP. [Verifier.Verify] is what a request pays for;
// [Verifier.Explain] runs the same list of checks to its end and reports what
// each one found and expected.
package verifier

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/jwks"
)

// Verifier checks tokens. It is made by [New], immutable and safe for
// concurrent use, and needs no Close. The zero value refuses every token.
type Verifier struct {
	names         []string // of the issuers
	issuers       map[string]*issuer
	templates     []*issuer
	hints         map[string]string
	leeway        time.Duration
	maxAge        time.Duration
	maxTokenBytes int
	tooLarge      string
	validators    []Validator
	revoked       func(context.Context, *claims.Claims) (bool, error)
	now           func() time.Time
	lookup        func(context.Context, string) (Known, error)
	headers       *headers
	cache         *cache
}

// Verify returns the claims of a good token, or an [*Error] with the reason of
// the refusal. A token with a cnf claim is refused, because Verify sees no
// request that could confirm it: see [Verifier.VerifyBound]. The claims are
// immutable, and shared with other calls that bring the same token.
//
// Verify waits only for keys that were never fetched, or for a key id that is
// unknown; ctx bounds that wait. It never waits for a background refresh.
func (v *Verifier) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	c, _, err := v.verify(ctx, token, false)
	return c, err
}

// VerifyBound is [Verifier.Verify] for a caller that checks the cnf claim
// against the request itself: what cnf holds is not judged at all.
//
// RFC 7800 section 3, RFC 8705 section 3, RFC 9449 section 6.
func (v *Verifier) VerifyBound(ctx context.Context, token string) (*claims.Claims, error) {
	c, _, err := v.verify(ctx, token, true)
	return c, err
}

// VerifySeen is [Verifier.Verify] or, where bound is true,
// [Verifier.VerifyBound], and reports whether the token was seen before: whether
// its signature was known to be good, so that it cost no check of one. Of a
// token that is refused before that is found out seen is false.
func (v *Verifier) VerifySeen(ctx context.Context, token string, bound bool) (c *claims.Claims, seen bool, err error) {
	return v.verify(ctx, token, bound)
}

func (v *Verifier) verify(ctx context.Context, token string, bound bool) (who *claims.Claims, seen bool, err error) {
	s := split{request: request{v: v, ctx: ctx, token: token, bound: bound}}
	// 1. Size and dots: less than it costs to look the token up.
	if refused := s.checkSize(); refused != nil {
		return nil, false, refused
	}
	if refused := s.cut(); refused != nil {
		return nil, false, refused
	}
	// 2. A token that was verified before needs only step 4.
	known, seen := v.cache.find(&s)
	if !seen {
		// 3. Header, issuer, key, signature, and the claims that it covers.
		if known, err = s.prove(); err != nil {
			return nil, false, err
		}
	}
	// 4. What can change between two calls: binding, time, validators,
	// revocation. The clock is read after the wait for keys.
	c := current{request: s.request, verified: known, now: v.clock()}
	if refused := c.check(); refused != nil {
		return nil, seen, refused
	}
	return known.claims, seen, nil
}

// prove does all that a token costs that was not seen before.
func (s *split) prove() (verified, error) {
	c := newCheck(s.request)
	defer c.release()
	c.split.is, c.split.reached = split{request: c.request.is, compact: s.compact}, true

	// Header, issuer and key: cheap, and each caller's own wait for keys.
	if err := c.run(untrusted); err != nil {
		return verified{}, err
	}
	// The signature and the claims that it covers: done once for all callers
	// that bring the token at the same moment.
	return c.prove()
}

// Remaining returns for how long Verify would go on to accept a token by its
// exp: until exp plus leeway, on the clock of this Verifier. It is not positive
// for a token that has expired, and meaningless for claims without exp.
func (v *Verifier) Remaining(c *claims.Claims) time.Duration {
	return c.ExpiresAt().Add(v.leeway).Sub(v.clock())
}

// Elapsed returns how long ago t was at least, on the clock of this Verifier: less
// the leeway, and 0 within it. It is negative for a t that lies further ahead.
func (v *Verifier) Elapsed(t time.Time) time.Duration {
	age := v.clock().Sub(t)
	if age < 0 {
		return min(0, age+v.leeway)
	}
	return max(0, age-v.leeway)
}

func (v *Verifier) clock() time.Time {
	if v.now == nil {
		return time.Now()
	}
	return v.now()
}

// The checks, in order. Their names are a contract: reports show them.
var (
	structural = []step{
		on("size", ofRequest, (*request).checkSize, (*request).describeSize),
		reach("structure", ofRequest, ofSplit, (*request).split, describeStructure),
	}
	untrusted = []step{
		reach("header", ofSplit, ofHeader, (*split).readHeader, describeHeader),
		on("critical", ofHeader, (*headed).checkCritical, (*headed).describeCritical),
		reach("payload", ofSplit, ofPayload, (*split).readPayload, describePayload),
		reach("issuer", ofPayload, ofIssuer, (*opened).findIssuer, describeIssuer),
		on("type", ofLocated, (*located).checkType, (*located).describeType),
		on("algorithm", ofLocated, (*located).checkAlgorithm, (*located).describeAlgorithm),
		reach("key", ofLocated, ofKey, (*located).findKeys, describeKey),
	}
	signed = []step{
		again(on("signature", ofKey, (*keyed).checkSignature, (*keyed).describeSignature), (*check).findNewer),
		reach("claims", ofIssuer, ofClaims, (*routed).decodeClaims, describeClaims),
		on("required", ofClaims, (*decoded).checkRequired, (*decoded).describeRequired),
		on("tenant", ofTenancy, (*tenancy).checkTenant, (*tenancy).describeTenant),
		on("kind", ofClaims, (*decoded).checkKind, (*decoded).describeKind),
		on("audience", ofClaims, (*decoded).checkAudience, (*decoded).describeAudience),
		on("client", ofClaims, (*decoded).checkClient, (*decoded).describeClient),
	}
	perCall = []step{
		on("binding", ofCurrent, (*current).checkBinding, (*current).describeBinding),
		on("expiry", ofCurrent, (*current).checkExpiry, (*current).describeExpiry),
		on("not_before", ofCurrent, (*current).checkNotBefore, (*current).describeNotBefore),
		on("issued_at", ofCurrent, (*current).checkIssuedAt, (*current).describeIssuedAt),
		on("age", ofCurrent, (*current).checkAge, (*current).describeAge),
		on("validators", ofGood, (*current).checkValidators, (*current).describeValidators),
		on("revocation", ofGood, (*current).checkRevocation, (*current).describeRevocation),
	}
	all = slices.Concat(structural, untrusted, signed, perCall)
)

// The stages of a verification. A check gets the stage that it reads, and only
// the check that establishes a stage makes one, so nothing is read too early.
type (
	request struct { // what the caller brought
		v     *Verifier
		ctx   context.Context //nolint:containedctx // lives for one verification
		token string
		bound bool // whether the caller checks cnf

		digest   digest // of the token
		digested bool   // whether that is known
		*scratch        // of a check
	}
	split struct { // cut at its dots, not decoded
		request // not by a pointer: of a seen token none of this is allocated
		compact jose.Compact
	}
	headed struct { // with its header, unverified
		*split
		header *jose.Header
	}
	opened struct { // with its payload, unverified
		*split
		payload strictjson.Object
	}
	routed struct { // with the issuer that the payload names
		*opened
		issuer *issuer
		tenant string // "" unless the issuer is a template
	}
	located struct { // header and issuer
		*headed
		issuer *issuer
		tenant string
	}
	keyed struct { // with the keys that may have signed it
		*located
		keys       *jwks.Snapshot
		query      jwks.Query
		candidates jwks.Candidates
		key        *jwks.Key // the one that did, and before that is known the first
	}
	decoded struct { // with its claims
		*routed
		claims *claims.Claims
	}
	tenancy struct { // all that must agree about the tenant
		*decoded
		key *keyed
	}
	current struct { // what the signature covers, at the moment of the call
		request // as above
		verified
		now time.Time
	}
)

// check is one verification under way: its stages, as far as they are reached.
type check struct {
	request stage[request]
	split   stage[split]
	header  stage[headed]
	payload stage[opened]
	issuer  stage[routed]
	located stage[located]
	key     stage[keyed]
	claims  stage[decoded]
	tenancy stage[tenancy]
	current stage[current]

	failed bool // whether a check refused the token, and a report goes on
}

// stage is a T that is there once it is reached.
type stage[T any] struct {
	is      T
	reached bool
}

func ofRequest(c *check) *stage[request] { return &c.request }
func ofSplit(c *check) *stage[split]     { return &c.split }
func ofHeader(c *check) *stage[headed]   { return &c.header }
func ofPayload(c *check) *stage[opened]  { return &c.payload }
func ofIssuer(c *check) *stage[routed]   { return &c.issuer }
func ofKey(c *check) *stage[keyed]       { return &c.key }
func ofClaims(c *check) *stage[decoded]  { return &c.claims }
func ofCurrent(c *check) *stage[current] { return &c.current }

func ofLocated(c *check) *stage[located] {
	c.located.is = located{headed: &c.header.is, issuer: c.issuer.is.issuer, tenant: c.issuer.is.tenant}
	c.located.reached = c.header.reached && c.issuer.reached
	return &c.located
}

func ofTenancy(c *check) *stage[tenancy] {
	c.tenancy.is = tenancy{decoded: &c.claims.is, key: &c.key.is}
	c.tenancy.reached = c.claims.reached && c.key.reached
	return &c.tenancy
}

// ofGood is for the user's own hooks, which see no token that was refused before.
func ofGood(c *check) *stage[current] {
	if c.failed {
		return new(stage[current])
	}
	return &c.current
}

// at reaches the last stage, now.
func (c *check) at(known verified) {
	now := &c.current.is
	now.request, now.verified = c.request.is, known
	now.now = now.v.clock()
	c.current.reached = true
}

// step is one check of the list.
type step struct {
	name    string
	run     func(*check) *Error
	explain func(*check) (Check, *Error)
}

// on makes the step of a check that reads stage S. A report skips it while S is
// not reached.
func on[S any](name string, of func(*check) *stage[S], run func(*S) *Error, describe func(*S) (found, expected string)) step {
	return step{
		name: name,
		run:  func(c *check) *Error { return run(&of(c).is) },
		explain: func(c *check) (Check, *Error) {
			from := of(c)
			if !from.reached {
				return Check{Name: name, Skipped: true}, nil
			}
			err := run(&from.is)
			found, expected := describe(&from.is)
			return line(name, found, expected, err), err
		},
	}
}

// reach makes the step of a check that leads from stage S to stage T. Its
// describe gets nil for a T that is not reached.
func reach[S, T any](name string, of func(*check) *stage[S], to func(*check) *stage[T], run func(*S) (T, *Error), describe func(*S, *T) (found, expected string)) step {
	advance := func(c *check) (err *Error) {
		into := to(c)
		into.is, err = run(&of(c).is)
		into.reached = err == nil
		return err
	}
	return step{
		name: name,
		run:  advance,
		explain: func(c *check) (Check, *Error) {
			from := of(c)
			if !from.reached {
				return Check{Name: name, Skipped: true}, nil
			}
			err := advance(c)
			into := &to(c).is
			if err != nil {
				into = nil
			}
			found, expected := describe(&from.is, into)
			return line(name, found, expected, err), err
		},
	}
}

// again makes a report take a refused step once more where another try is worth it.
func again(s step, another func(*check, *Error) (bool, *Error)) step {
	explain := s.explain
	s.explain = func(c *check) (Check, *Error) {
		report, err := explain(c)
		if err == nil {
			return report, nil
		}
		switch worth, failed := another(c, err); {
		case failed != nil:
			return line(s.name, "", report.Expected, failed), failed
		case worth:
			return explain(c)
		}
		return report, err
	}
	return s
}

// run takes the steps in order and stops at the first that refuses the token.
func (c *check) run(steps []step) error {
	for i := range steps {
		if err := steps[i].run(c); err != nil {
			return err
		}
	}
	return nil
}

// scratch is room that verifications use one after another. Of a token it holds
// the signature and where members lie, and neither outlives the call.
type scratch struct {
	members     [32]strictjson.Member
	signature   [512]byte // of an RSA key of 4096 bits
	headerSpace jose.Header
}

var checks = sync.Pool{New: func() any {
	return &check{request: stage[request]{is: request{scratch: new(scratch)}}}
}}

func newCheck(r request) *check {
	c := checks.Get().(*check)
	r.scratch = c.request.is.scratch
	c.request = stage[request]{is: r, reached: true}
	return c
}

// release forgets everything: nothing of a verification outlives its call.
func (c *check) release() {
	s := c.request.is.scratch
	if c.header.reached {
		s.headerSpace = jose.Header{}
	}
	*c = check{}
	c.request.is.scratch = s
	checks.Put(c)
}

package verifier

import (
	"context"
	"crypto/sha256"
	"hash"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
)

// check is the state of one verification: each step reads what earlier steps
// put there.
type check struct {
	v     *Verifier
	ctx   context.Context //nolint:containedctx // lives for one Verify, and its steps share it
	token string

	compact jose.Compact
	header  *jose.Header
	payload *strictjson.Object
	issuer  *issuer
	tenant  string
	key     *jwks.Key
	claims  *claims.Claims
	now     time.Time
	bound   bool // whether the caller checks cnf itself
	failed  bool // whether a step did not hold, and a report goes on

	digest   digest
	digested bool // whether digest is the token's

	headerSpace  jose.Header
	payloadSpace strictjson.Object
	*scratch
}

// scratch is room that checks use one after another. Of a token it holds the
// signature and where members lie, and neither outlives the call.
type scratch struct {
	members   [32]strictjson.Member
	signature [512]byte // of an RSA key of 4096 bits
	hash      hash.Hash
	sum       digest
}

// step is one check. Its run answers nil when it held; its describe says for a
// report what it found and what it expected.
type step struct {
	name     string
	run      func(*check) *Error
	describe func(*check) (found, expected string)
	ready    func(*check) bool // whether what the step reads is there
}

// The checks, in order. shape is what costs less than to look a token up;
// opening and proof depend on the token, the configuration and the keys alone;
// standing depends on the moment.
var (
	shape = []step{
		{"size", (*check).checkSize, describeSize, always},
		{"structure", (*check).checkStructure, describeStructure, always},
	}
	opening = []step{
		{"header", (*check).checkHeader, describeHeader, hasStructure},
		{"critical", (*check).checkCritical, describeCritical, hasHeader},
		{"payload", (*check).checkPayload, describePayload, hasStructure},
		{"issuer", (*check).checkIssuer, describeIssuer, hasPayload},
		{"type", (*check).checkType, describeType, hasHeaderAndIssuer},
		{"algorithm", (*check).checkAlgorithm, describeAlgorithm, hasHeaderAndIssuer},
		{"key", (*check).checkKey, describeKey, hasHeaderAndIssuer},
	}
	proof = []step{
		{"signature", (*check).checkSignature, describeSignature, hasKey},
		{"claims", (*check).checkClaims, describeClaims, hasIssuer},
		{"required", (*check).checkRequired, describeRequired, hasClaims},
		{"tenant", (*check).checkTenant, describeTenant, hasClaimsAndKey},
		{"kind", (*check).checkKind, describeKind, hasClaims},
		{"audience", (*check).checkAudience, describeAudience, hasClaims},
		{"client", (*check).checkClient, describeClient, hasClaims},
		{"binding", (*check).checkBinding, describeBinding, hasClaims},
	}
	standing = []step{
		{"expiry", (*check).checkExpiry, describeExpiry, hasClaims},
		{"not_before", (*check).checkNotBefore, describeNotBefore, hasClaims},
		{"issued_at", (*check).checkIssuedAt, describeIssuedAt, hasClaims},
		{"age", (*check).checkAge, describeAge, hasClaims},
		{"validators", (*check).checkValidators, describeValidators, allHeld},
		{"revocation", (*check).checkRevocation, describeRevocation, allHeld},
	}
	all = slices.Concat(shape, opening, proof, standing)
)

func always(*check) bool               { return true }
func hasStructure(c *check) bool       { return c.compact != jose.Compact{} }
func hasHeader(c *check) bool          { return c.header != nil }
func hasPayload(c *check) bool         { return c.payload != nil }
func hasHeaderAndIssuer(c *check) bool { return c.header != nil && c.issuer != nil }
func hasKey(c *check) bool             { return c.key != nil }
func hasIssuer(c *check) bool          { return c.issuer != nil } // and so a payload
func hasClaims(c *check) bool          { return c.claims != nil }
func hasClaimsAndKey(c *check) bool    { return c.claims != nil && c.key != nil }

// allHeld is for the user's own hooks, which see no token that failed before.
func allHeld(c *check) bool { return !c.failed }

// run takes the steps in order and stops at the first that does not hold.
func (c *check) run(steps []step) error {
	for i := range steps {
		if err := steps[i].run(c); err != nil {
			return err
		}
	}
	return nil
}

// prove runs the proof and remembers the header, if that is a new one.
func (c *check) prove() error {
	if err := c.run(proof); err != nil {
		return err
	}
	if c.header == &c.headerSpace {
		c.v.headers.add(c.compact.HeaderText(), c.header)
	}
	return nil
}

// answer judges the moment, which a wait for keys may have moved.
func (c *check) answer() (*claims.Claims, error) {
	c.now = c.v.clock()
	if !c.bound && len(c.v.confirmations) == 0 && c.claims.Has("cnf") {
		return nil, c.refuse(reason.UnsupportedBinding, "the token is bound to its sender by cnf, which is not checked here", nil)
	}
	if err := c.run(standing); err != nil {
		return nil, err
	}
	return c.claims, nil
}

// refuse is the answer of a step that does not hold.
func (c *check) refuse(code reason.Code, detail string, cause error) *Error {
	e := &Error{Reason: code, Detail: detail, Err: cause}
	if c.issuer != nil {
		e.Issuer = c.issuer.name
	}
	return e
}

var checks = sync.Pool{New: func() any { return &check{scratch: &scratch{hash: sha256.New()}} }}

func newCheck(ctx context.Context, v *Verifier, token string) *check {
	c := checks.Get().(*check)
	c.ctx, c.v, c.token = ctx, v, token
	return c
}

// release forgets everything: nothing of a check outlives its call.
func (c *check) release() {
	*c = check{scratch: c.scratch}
	checks.Put(c)
}

func (v *Verifier) clock() time.Time {
	if v.now == nil {
		return time.Now()
	}
	return v.now()
}

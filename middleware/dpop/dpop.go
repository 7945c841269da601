// Package dpop lets an API accept access tokens that are bound to a key of their
// client, which proves with each request that it has the key (DPoP, RFC 9449). A
// token that is stolen, from a log or by a script, then opens nothing.
//
//	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example"})
//	...
//	guard, err := middleware.New(middleware.Config{Verifier: v, Bindings: []middleware.Binding{proofs}})
//
// Beside them bearer tokens that are bound to nothing stay good, unless
// [Config.Required] is set. A bound token is never good as a bearer token.
//
// RFC 9449: https://www.rfc-editor.org/rfc/rfc9449
package dpop

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// Bounds and defaults.
const (
	// DefaultWindow is how far the iat of a proof may lie in the past or ahead.
	DefaultWindow = 30 * time.Second
	// DefaultNonceLifetime is for how long a nonce is good.
	DefaultNonceLifetime = 5 * time.Minute

	maxWindow        = 5 * time.Minute
	maxNonceLifetime = time.Hour
	maxProofBytes    = 4 << 10 // one by an RSA key of 8192 bits has 3.7 KiB

	// clockMargin is for how much longer than its window a proof is remembered: the
	// clocks of the instances that share a store differ.
	clockMargin = 5 * time.Second
)

// Config is the configuration of a [Binding]. Either Origin or Proxies is
// required; what else is left empty is safe. New copies it.
type Config struct {
	_ [0]func()

	// Origin is the scheme, host and port that clients know the API by, such as
	// "https://api.example": htu of a proof is compared with it and the path of the
	// request. It is https, or http on loopback. The Host of a request is never asked,
	// for it is the caller's own word.
	Origin string

	// Proxies are the addresses of proxies that say by which origin a request came, in
	// the place of Origin: in X-Forwarded-Proto and X-Forwarded-Host, which they must
	// set themselves, whatever a caller sends. A request from another peer has no
	// origin, and its proofs are refused. The peer is RemoteAddr: keep what
	// changes that, such as a RealIP middleware, behind the Guard.
	Proxies []netip.Prefix

	// Forwarded is set for Proxies that say it in the header Forwarded (RFC 7239), in
	// one element. The X-Forwarded ones are then not read.
	Forwarded bool

	// Required refuses bearer tokens: each token must come with a proof.
	Required bool

	// Algorithms are those that a proof may be signed with. nil is ES256, EdDSA (by
	// its other name Ed25519 too), PS256 and RS256. HMACs are not possible.
	Algorithms []string

	// Window is how far the iat of a proof may lie in the past or ahead. A proof is
	// remembered for as long, and five seconds more for clocks that differ. 0 is
	// DefaultWindow, at most five minutes.
	Window time.Duration

	// Nonces makes proofs carry a nonce of this server, so that nobody can make
	// proofs in advance. nil asks for none. See [NewNonces] and [SharedNonces].
	Nonces NonceSecrets

	// NonceLifetime is for how long a nonce is good. Callers get a new one with the
	// answers after half of it. 0 is DefaultNonceLifetime, at most an hour.
	NonceLifetime time.Duration

	// Replays remembers the proofs that were used. nil is a [Memory] of its own, which
	// is right for one instance: several accept a proof once each.
	Replays ReplayStore

	// Now is the clock. nil is time.Now.
	Now func() time.Time
}

// Binding checks proofs. New makes one; it is immutable, but for what its stores
// remember, and safe for concurrent use. The zero Binding refuses every proof. It
// belongs to one Guard: a second one on the way of a request would take the proof
// for one that was used.
type Binding struct {
	origin        origin
	required      bool
	algorithms    []string
	window        time.Duration
	nonces        NonceSecrets
	nonceLifetime time.Duration
	replays       ReplayStore
	now           func() time.Time
	known         *known
	late          *atomic.Int64 // the latest time that the clock showed, in nanoseconds
}

// New returns a Binding, or every mistake of the configuration at once.
func New(cfg Config) (*Binding, error) {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("dpop: Config."+format, args...)) }
	o, err := newOrigin(&cfg)
	if err != nil {
		errs = append(errs, err)
	}
	b := &Binding{
		origin: o, required: cfg.Required, algorithms: slices.Clone(cfg.Algorithms), nonces: cfg.Nonces, replays: cfg.Replays, now: cfg.Now,
		window: cmp.Or(cfg.Window, DefaultWindow), nonceLifetime: cmp.Or(cfg.NonceLifetime, DefaultNonceLifetime),
		known: newKnown(), late: new(atomic.Int64),
	}
	if b.algorithms == nil {
		b.algorithms = []string{"ES256", "EdDSA", "Ed25519", "PS256", "RS256"}
	}
	if len(b.algorithms) == 0 {
		fail("Algorithms is empty: leave it nil for the usual ones")
	}
	for _, alg := range b.algorithms {
		if !jose.Known(alg) || jose.Symmetric(alg) {
			fail("Algorithms has %.40q, which is no asymmetric signature algorithm that is implemented", alg)
		}
	}
	if b.window < time.Second || b.window > maxWindow {
		fail("Window %v must be between 1s and %v", cfg.Window, maxWindow)
	}
	if b.nonceLifetime < 10*time.Second || b.nonceLifetime > maxNonceLifetime {
		fail("NonceLifetime %v must be between 10s and %v", cfg.NonceLifetime, maxNonceLifetime)
	}
	if b.now == nil {
		b.now = time.Now
	}
	if b.replays == nil {
		b.replays = newMemory(b.now)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return b, nil
}

const scheme = "DPoP"

// Confirms returns jkt (RFC 9449 section 6.1).
func (b *Binding) Confirms() []string { return []string{"jkt"} }

// Challenge returns the scheme DPoP with the algorithms that a proof may be signed
// with (RFC 9449 section 7.1).
func (b *Binding) Challenge() middleware.Challenge {
	return middleware.Challenge{Scheme: scheme, Params: [][2]string{{"algs", strings.Join(b.algorithms, " ")}}}
}

// Required reports whether bearer tokens are refused.
func (b *Binding) Required() bool { return b.required }

// Describe returns what the metadata of the API says of proofs.
//
// RFC 9728 section 2: https://www.rfc-editor.org/rfc/rfc9728#section-2
func (b *Binding) Describe() map[string]any {
	return map[string]any{
		"dpop_signing_alg_values_supported": slices.Clone(b.algorithms),
		"dpop_bound_access_tokens_required": b.required,
	}
}

// Check returns nil if the token is bound to a key, comes by the scheme DPoP, and a
// proof made with that key for this very request comes with it; or if the token
// comes by another scheme and is not bound to a key.
//
// The error has one of four reasons. [reason.UnsupportedBinding], a 401
// invalid_token: the token is not bound, is bound to another key than the proof's,
// or is bound and comes by Bearer. [reason.InvalidDPoPProof] and
// [reason.ReplayedDPoPProof], a 401 invalid_dpop_proof. [reason.UseDPoPNonce], a
// 401 with a DPoP-Nonce. [reason.ProofsUnavailable], a 503: a store does not answer,
// or is full.
//
// RFC 9449 section 7.1: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
func (b *Binding) Check(r *http.Request, c middleware.Credential, cl *claims.Claims) error {
	jkt, bound := cl.Text("cnf", "jkt")
	if !bound {
		bound = cl.Has("cnf", "jkt") // one that is no string fits no key
	}
	if !strings.EqualFold(c.Scheme, scheme) {
		if bound { // RFC 9449 section 7.2: https://www.rfc-editor.org/rfc/rfc9449#section-7.2
			return errByBearer
		}
		return nil
	}
	if !bound {
		return errNotBound
	}
	room := spaces.Get().(*space)
	p := proof{
		binding: b, ctx: r.Context(), lines: r.Header[header], request: r, method: r.Method,
		token: c.Token, jkt: jkt, now: b.clock(), client: clientOf(cl),
		space: room,
	}
	err := p.check()
	spaces.Put(room) // no error has a part of the proof
	return err
}

// clock returns the time; the zero Binding has none, and refuses before it matters.
func (b *Binding) clock() time.Time {
	if b.now == nil {
		return time.Time{}
	}
	return b.now()
}

// latest returns the latest time that the clock has shown, now included. What ended
// by then is forgotten, also where the clock went back since.
func (b *Binding) latest(now time.Time) time.Time {
	at := now.UnixNano()
	for {
		late := b.late.Load()
		if late >= at {
			return time.Unix(0, late)
		}
		if b.late.CompareAndSwap(late, at) {
			return now
		}
	}
}

// refusal is why a proof is not accepted. It says nothing of what the proof holds.
type refusal struct {
	code  reason.Code
	text  string
	cause error
}

// Error returns what is wrong.
func (e *refusal) Error() string {
	if e.cause != nil {
		return "dpop: " + e.text + ": " + e.cause.Error()
	}
	return "dpop: " + e.text
}

// Unwrap returns the reason and the cause.
func (e *refusal) Unwrap() []error {
	if e.cause == nil {
		return []error{e.code}
	}
	return []error{e.code, e.cause}
}

func invalid(text string) *refusal { return &refusal{code: reason.InvalidDPoPProof, text: text} }

func invalidBy(text string, cause error) *refusal {
	return &refusal{code: reason.InvalidDPoPProof, text: text, cause: cause}
}

var (
	errByBearer = &refusal{code: reason.UnsupportedBinding, text: "the token is bound to a key and comes as a bearer token: it is good with the scheme DPoP and a proof alone"}
	errNotBound = &refusal{code: reason.UnsupportedBinding, text: "the token comes by the scheme DPoP and has no cnf.jkt: it is bound to no key"}
)

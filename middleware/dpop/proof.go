package dpop

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/view"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// header is the field of a proof, as net/http writes its name.
const header = "Dpop"

// proof is the check of one proof: what it is for, and what was read of it.
type proof struct {
	binding *Binding
	ctx     context.Context //nolint:containedctx // lives as long as the check
	lines   []string        // of the header DPoP
	request *http.Request   // nil if uri is known
	uri     string          // of the request, for a report
	method  string
	token   string
	jkt     string // the key that the token is bound to
	client  [sha256.Size]byte
	now     time.Time

	compact    jose.Compact
	header     strictjson.Object
	payload    strictjson.Object
	alg        string
	key        jose.Key
	thumbprint [sha256.Size]byte
	issued     time.Time
	jti        string

	*space
}

// space is room for what is read of a proof, for the time of its check. It holds no
// pointers, so that it pins nothing.
type space struct {
	header  [8]strictjson.Member
	payload [12]strictjson.Member
	text    [768]byte
	bytes   [1024]byte
}

var spaces = sync.Pool{New: func() any { return new(space) }}

// check is one check of a proof. Those of a request and of a report are the same.
type check struct {
	name     string
	needs    stage // what must have been read
	gives    stage // what is read when it holds
	run      func(*proof) error
	describe func(*proof) (found, expected string)
}

// stage is a set of what was read of a proof.
type stage uint8

const (
	single stage = 1 << iota
	split
	headed
	keyed
	opened
	timed
	named
)

// checks are all checks, the cheap ones first, and the signature before what is
// asked of a store.
//
// RFC 9449 section 4.3: https://www.rfc-editor.org/rfc/rfc9449#section-4.3
var checks = [...]check{
	{"proof", 0, single, (*proof).checkSingle, (*proof).describeSingle},
	{"size", single, 0, (*proof).checkSize, (*proof).describeSize},
	{"structure", single, split, (*proof).split, (*proof).describeStructure},
	{"header", split, headed, (*proof).readHeader, (*proof).describeHeader},
	{"critical", headed, 0, (*proof).checkCritical, (*proof).describeCritical},
	{"typ", headed, 0, (*proof).checkType, (*proof).describeType},
	{"alg", headed, 0, (*proof).checkAlgorithm, (*proof).describeAlgorithm},
	{"jwk", headed, keyed, (*proof).readKey, (*proof).describeKey},
	{"payload", split, opened, (*proof).readPayload, (*proof).describePayload},
	{"htm", opened, 0, (*proof).checkMethod, (*proof).describeMethod},
	{"htu", opened, 0, (*proof).checkURI, (*proof).describeURI},
	{"iat", opened, timed, (*proof).checkTime, (*proof).describeTime},
	{"jti", opened, named, (*proof).checkID, (*proof).describeID},
	{"ath", opened, 0, (*proof).checkToken, (*proof).describeToken},
	{"jkt", keyed, 0, (*proof).checkBinding, (*proof).describeBinding},
	{"signature", keyed, 0, (*proof).checkSignature, (*proof).describeSignature},
	{"nonce", opened, 0, (*proof).checkNonce, (*proof).describeNonce},
	{"replay", keyed | timed | named, 0, (*proof).checkReplay, (*proof).describeReplay},
}

// check runs the checks until one refuses. Those of a header that is known were run
// on the very same one.
func (p *proof) check() error {
	recalled := false
	for i := range checks {
		c := &checks[i]
		if recalled && c.isOfHeader() {
			continue
		}
		if err := c.run(p); err != nil {
			return err
		}
		if c.gives == split {
			recalled = p.recall()
		}
	}
	if !recalled {
		p.remember()
	}
	return nil
}

// isOfHeader reports whether the outcome depends on the header alone.
func (c *check) isOfHeader() bool { return c.gives == headed || c.needs == headed }

var (
	errNoProof     = invalid("the token comes by the scheme DPoP, and no proof with it")
	errProofs      = invalid("there is more than one header DPoP")
	errSize        = invalid("the proof is longer than 4 KiB")
	errCritical    = invalid("the header has crit or b64, which no proof needs")
	errType        = invalid("typ is not dpop+jwt")
	errAlg         = invalid("alg is not among the Algorithms")
	errJWK         = invalid("the header has no jwk")
	errKeyFit      = invalid("the jwk is not of the type that alg is for")
	errMethod      = invalid("htm is not the method of the request")
	errURI         = invalid("htu is not the address of the request")
	errTime        = invalid("iat is missing, or no number")
	errOld         = invalid("iat lies further in the past than the Window")
	errAhead       = invalid("iat lies further ahead than the Window")
	errID          = invalid("jti is missing, empty or no string")
	errToken       = invalid("ath is not the hash of the token")
	errBinding     = &refusal{code: reason.UnsupportedBinding, text: "the token is bound to another key than that of the proof"}
	errSignature   = invalid("the signature does not verify")
	errReplay      = &refusal{code: reason.ReplayedDPoPProof, text: "a proof of this key and jti was used before"}
	errClock       = &refusal{code: reason.ProofsUnavailable, text: "the clock went back: proofs that were used by then are forgotten"}
	errUnavailable = errors.New("dpop: the Binding was not made by New")
)

func (p *proof) checkSingle() error {
	switch {
	case p.binding.now == nil:
		return &refusal{code: reason.ProofsUnavailable, text: "proofs cannot be checked", cause: errUnavailable}
	case len(p.lines) == 0:
		return errNoProof
	case len(p.lines) > 1:
		return errProofs
	}
	return nil
}

func (p *proof) checkSize() error {
	if len(p.lines[0]) > maxProofBytes {
		return errSize
	}
	return nil
}

func (p *proof) split() (err error) {
	if p.compact, err = jose.Split(p.lines[0]); err != nil {
		return invalidBy("the proof is no JWT", err)
	}
	return nil
}

func (p *proof) readHeader() (err error) {
	if p.header, err = p.compact.HeaderObject(p.space.header[:0]); err != nil {
		return invalidBy("the header of the proof is malformed", err)
	}
	return nil
}

// RFC 7515 section 4.1.11: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11
func (p *proof) checkCritical() error {
	if _, critical := p.header.Get("crit"); critical {
		return errCritical
	}
	if _, unencoded := p.header.Get("b64"); unencoded {
		return errCritical
	}
	return nil
}

// checkType compares media types: without regard to case, and application/ may be
// left out.
//
// RFC 7515 section 4.1.9: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9
func (p *proof) checkType() error {
	const typ = "dpop+jwt"
	v, _ := p.header.Get("typ")
	text, _ := v.Text()
	if text == typ || strings.EqualFold(text, typ) || strings.EqualFold(text, "application/"+typ) {
		return nil
	}
	return errType
}

func (p *proof) checkAlgorithm() error {
	v, _ := p.header.Get("alg")
	p.alg, _ = v.Text()
	if !slices.Contains(p.binding.algorithms, p.alg) {
		return errAlg
	}
	return nil
}

func (p *proof) readKey() (err error) {
	jwk, ok := p.header.Get("jwk")
	if !ok {
		return errJWK
	}
	if p.key, p.thumbprint, err = jose.Embedded(jwk); err != nil {
		return invalidBy("the jwk cannot be used", err)
	}
	if !p.key.Fits(p.alg) {
		return errKeyFit
	}
	return nil
}

func (p *proof) readPayload() (err error) {
	if p.payload, err = p.compact.PayloadIn(p.space.text[:0], p.space.payload[:0]); err != nil {
		return invalidBy("the payload of the proof is malformed", err)
	}
	return nil
}

// text returns a claim of the proof, "" if it is no string.
func (p *proof) text(name string) string {
	v, _ := p.payload.Get(name)
	text, _ := v.Text()
	return text
}

// Methods are case-sensitive (RFC 9110 section 9.1).
func (p *proof) checkMethod() error {
	if v, _ := p.payload.Get("htm"); p.method == "" || !v.Is(p.method) {
		return errMethod
	}
	return nil
}

func (p *proof) checkURI() error {
	htu := p.text("htu")
	if p.request == nil {
		if !sameURI(htu, p.uri) {
			return errURI
		}
		return nil
	}
	origin, err := p.binding.origin.of(p.request)
	if err != nil {
		return invalidBy("the origin of the request is not known", err)
	}
	if !matches(htu, origin, targetOf(p.request)) {
		return errURI
	}
	return nil
}

// RFC 9449 section 11.1: https://www.rfc-editor.org/rfc/rfc9449#section-11.1
func (p *proof) checkTime() error {
	v, _ := p.payload.Get("iat")
	iat, err := v.Number()
	if err != nil {
		return errTime
	}
	const farthest = 1 << 40 // seconds, beyond which no time is computed
	age := float64(p.now.UnixNano())/1e9 - iat
	switch window := p.binding.window.Seconds(); {
	case age > window || iat < -farthest:
		return errOld
	case age < -window || iat > farthest:
		return errAhead
	}
	whole := int64(iat)
	p.issued = time.Unix(whole, int64((iat-float64(whole))*1e9))
	return nil
}

func (p *proof) checkID() error {
	if p.jti = p.text("jti"); p.jti == "" {
		return errID
	}
	return nil
}

// RFC 9449 section 4.2: https://www.rfc-editor.org/rfc/rfc9449#section-4.2
func (p *proof) checkToken() error {
	if v, _ := p.payload.Get("ath"); p.token == "" || !isHash(v, sha256.Sum256(view.Bytes(p.token))) {
		return errToken
	}
	return nil
}

// isHash reports whether a value is that digest in base64url.
func isHash(v strictjson.Value, digest [sha256.Size]byte) bool {
	var space [43]byte
	base64.RawURLEncoding.Encode(space[:], digest[:])
	return v.Is(view.String(space[:]))
}

// RFC 9449 section 6.1: https://www.rfc-editor.org/rfc/rfc9449#section-6.1
func (p *proof) checkBinding() error {
	var space [43]byte
	base64.RawURLEncoding.Encode(space[:], p.thumbprint[:])
	if string(space[:]) != p.jkt {
		return errBinding
	}
	return nil
}

func (p *proof) checkSignature() error {
	signature, err := p.compact.SignatureWith(p.bytes[:0])
	if err != nil {
		return invalidBy("the signature of the proof is malformed", err)
	}
	if p.key.Verify(p.alg, p.compact.SigningInput(), signature) != nil {
		return errSignature
	}
	return nil
}

func (p *proof) checkNonce() error {
	b := p.binding
	if b.nonces == nil {
		return nil
	}
	secrets, err := secretsOf(p.ctx, b.nonces)
	if err != nil {
		return &refusal{code: reason.ProofsUnavailable, text: "the secrets of nonces are not available", cause: err}
	}
	if age, ok := ageOf(p.text("nonce"), secrets, p.now); ok && age <= b.nonceLifetime {
		return nil
	}
	// RFC 9449 section 9: https://www.rfc-editor.org/rfc/rfc9449#section-9
	return &middleware.Error{
		Status: http.StatusUnauthorized,
		Reason: reason.UseDPoPNonce,
		Header: [][2]string{{nonceHeader, newNonce(secrets[0], p.now)}},
		Err:    errNonce,
	}
}

func (p *proof) checkReplay() error {
	until := p.issued.Add(p.binding.window + clockMargin)
	if until.Before(p.binding.latest(p.now)) {
		return errClock
	}
	fresh, err := p.binding.replays.Remember(p.ctx, p.entry(), p.client, until)
	switch {
	case err != nil:
		return &refusal{code: reason.ProofsUnavailable, text: "the proof cannot be compared with those used before", cause: err}
	case !fresh:
		return errReplay
	}
	return nil
}

// entry names the proof in the store: by a hash, for a jti may be long.
func (p *proof) entry() [sha256.Size]byte {
	var space [256]byte
	text := append(space[:0], p.thumbprint[:]...)
	return sha256.Sum256(append(text, p.jti...))
}

// clientOf names the caller in the store: client ids are of their issuer.
func clientOf(cl *claims.Claims) [sha256.Size]byte {
	issuer, kind, name := cl.Issuer(), byte('c'), cl.ClientID()
	if name == "" {
		kind, name = 's', cl.Subject()
	}
	var space [256]byte
	text := binary.BigEndian.AppendUint32(space[:0], uint32(len(issuer))) //nolint:gosec // G115: of a token
	text = append(append(append(text, issuer...), kind), name...)
	return sha256.Sum256(text)
}

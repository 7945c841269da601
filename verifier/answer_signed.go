package verifier

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// answerType is the typ of an answer that its issuer signed.
//
// RFC 9701 section 5: https://www.rfc-editor.org/rfc/rfc9701#section-5
const answerType = "token-introspection+jwt"

// maxAnswerAge is how old a signed answer may be: it is made when it is asked for.
const maxAnswerAge = time.Minute

// The checks of an answer that its issuer signed: those of a token up to the
// signature, with a typ of its own. It has no exp, so that nobody takes it for a
// token.
var (
	untrustedAnswer = []step{
		structural[1], // the length of the body is bounded where it is read
		untrusted[0], untrusted[1], untrusted[2], untrusted[3],
		on("type", ofLocated, (*located).checkAnswerType, (*located).describeAnswerType),
		untrusted[5], untrusted[6],
	}
	signatureOfAnswer = signed[:1]
)

// Open returns the claims about a token of an answer that issuer signed for
// audience.
func (j judge) Open(ctx context.Context, issuer, audience, text string) (strictjson.Object, error) {
	c := newCheck(request{v: j.v, ctx: ctx, token: text})
	defer c.release()
	if err := c.run(untrustedAnswer); err != nil {
		return strictjson.Object{}, err
	}
	if err := c.proveAnswer(); err != nil {
		return strictjson.Object{}, err
	}
	about, err := c.issuer.is.openAnswer(issuer, audience)
	if err != nil {
		return strictjson.Object{}, err
	}
	return about, nil
}

// proveAnswer checks the signature: at once, or, where the answer names no key,
// once more with newer ones.
func (c *check) proveAnswer() error {
	err := c.run(signatureOfAnswer)
	refused, ok := err.(*Error) //nolint:errorlint // of a check
	if !ok {
		return err
	}
	switch another, failed := c.findNewer(refused); {
	case failed != nil:
		return failed
	case another:
		return c.run(signatureOfAnswer)
	}
	return err
}

// checkAnswerType keeps answers and tokens apart, both ways.
//
// RFC 9701 section 8.1: https://www.rfc-editor.org/rfc/rfc9701#section-8.1
func (l *located) checkAnswerType() *Error {
	if l.header.ContentType != "" || !strings.EqualFold(mediaType(l.header.Type), answerType) {
		return l.issuer.refuse(reason.UnsupportedType, "typ of a signed answer must be "+answerType, nil)
	}
	return nil
}

func (l *located) describeAnswerType() (found, expected string) {
	return quote.Text(l.header.Type), answerType
}

// openAnswer checks for whom a signed answer is, and when it was made.
//
// RFC 9701 section 5: https://www.rfc-editor.org/rfc/rfc9701#section-5
func (r *routed) openAnswer(issuer, audience string) (strictjson.Object, *Error) {
	if r.issuer.name != issuer {
		return strictjson.Object{}, r.issuer.refuse(reason.UnknownIssuer, "iss of the signed answer is not the issuer that was asked", nil)
	}
	if !r.isFor(audience) {
		return strictjson.Object{}, r.issuer.refuse(reason.WrongAudience, "aud of the signed answer is not who asked", nil)
	}
	iat, ok := r.payload.Get("iat")
	if !ok {
		return strictjson.Object{}, r.issuer.refuse(reason.MissingClaim, "iat of the signed answer", nil)
	}
	made, err := iat.Number()
	if err != nil {
		return strictjson.Object{}, r.issuer.refuse(reason.MalformedClaims, "iat of the signed answer is no number", nil)
	}
	now := r.v.clock()
	if at := float64(now.Unix()); made > at+r.v.leeway.Seconds()+1 || made < at-maxAnswerAge.Seconds()-r.v.leeway.Seconds() {
		return strictjson.Object{}, r.issuer.refuse(reason.TooOld, "iat of the signed answer is not now: is a clock wrong, or was an old answer sent?", nil)
	}
	value, _ := r.payload.Get("token_introspection")
	about, err := value.Object()
	if err != nil {
		return strictjson.Object{}, r.issuer.refuse(reason.MalformedClaims, "token_introspection of the signed answer is no object", nil)
	}
	return about, nil
}

// isFor reports whether aud is or holds audience.
func (r *routed) isFor(audience string) bool {
	aud, _ := r.payload.Get("aud")
	if aud.Is(audience) {
		return true
	}
	for one := range aud.Elements() {
		if one.Is(audience) {
			return true
		}
	}
	return false
}

package verifier

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/reason"
)

// The checks of a token that is not read here: its issuer was asked about it and
// vouches for the claims in its answer. They are those of a token but for what a
// signature covers, so that a rule does not know the difference.

// judge is a Verifier for package introspection.
type judge struct{ v *Verifier }

var _ = vetted.RegisterJudge(func(v any) any {
	own, _ := v.(*Verifier)
	return judge{own}
})

var (
	answered = []step{
		on("issuer", ofIssuer, (*routed).checkAnswerIssuer, (*routed).describeAnswerIssuer),
		reach("claims", ofIssuer, ofClaims, (*routed).decodeClaims, describeClaims),
		on("required", ofClaims, (*decoded).checkAnswerRequired, (*decoded).describeAnswerRequired),
		on("kind", ofClaims, (*decoded).checkAnswerKind, (*decoded).describeAnswerKind),
		on("audience", ofClaims, (*decoded).checkAudience, (*decoded).describeAudience),
		on("client", ofClaims, (*decoded).checkClient, (*decoded).describeClient),
	}
	perCallOfAnswer = slices.Concat(perCall[:1], []step{
		on("expiry", ofCurrent, (*current).checkAnswerExpiry, (*current).describeExpiry),
	}, perCall[2:])
	allOfAnswer = slices.Concat(answered, perCallOfAnswer)
)

// Knows reports whether an issuer is configured by exactly that name.
func (j judge) Knows(issuer string) bool { return j.v.issuers[issuer] != nil }

// Now returns the time on the Verifier's clock.
func (j judge) Now() time.Time { return j.v.clock() }

// MaxTokenBytes returns how long a token may be, and what to say of a longer one.
func (j judge) MaxTokenBytes() (most int, tooLarge string) { return j.v.maxTokenBytes, j.v.tooLarge }

// Read returns what is known of a token by an answer of its issuer: all that does
// not change between two calls is checked. known is for Check.
func (j judge) Read(ctx context.Context, issuer string, answer strictjson.Object) (known any, c *claims.Claims, err error) {
	k := j.open(ctx, issuer, answer)
	defer k.release()
	if err := k.run(answered); err != nil {
		return nil, nil, err
	}
	v := k.claims.is.verified()
	return &v, v.claims, nil
}

// Check checks what can change between two calls, and returns the claims.
func (j judge) Check(ctx context.Context, known any, bound bool) (*claims.Claims, error) {
	own, ok := known.(*verified)
	if !ok {
		return nil, refuse(reason.IntrospectionUnavailable, "nothing is known of the token", nil)
	}
	k := newCheck(request{v: j.v, ctx: ctx, bound: bound})
	defer k.release()
	k.at(*own)
	if err := k.run(perCallOfAnswer); err != nil {
		return nil, err
	}
	return own.claims, nil
}

// Explain reports on an answer. rule may be nil.
func (j judge) Explain(ctx context.Context, issuer string, answer strictjson.Object, rule *claims.Rule) Report {
	k := j.open(ctx, issuer, answer)
	defer k.release()
	report := k.report(allOfAnswer)
	if rule != nil {
		k.reportRule(&report, *rule)
	}
	return report
}

// open begins the checks of an answer.
func (j judge) open(ctx context.Context, issuer string, answer strictjson.Object) *check {
	k := newCheck(request{v: j.v, ctx: ctx})
	i := j.v.issuers[issuer]
	k.split.is = split{request: k.request.is}
	k.payload.is = opened{split: &k.split.is, payload: withIssuer(answer, i.name)}
	k.payload.reached = true
	k.issuer.is = routed{opened: &k.payload.is, issuer: i}
	k.issuer.reached = true
	return k
}

// withIssuer names in an answer who gave it, where the answer does not: an issuer
// need not repeat its name, and sub means nothing without one.
//
// RFC 7662 section 2.2: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func withIssuer(answer strictjson.Object, name string) strictjson.Object {
	if iss, ok := answer.Get("iss"); ok && !iss.IsNull() {
		return answer
	}
	text := append(make([]byte, 0, len(answer.Text())+len(name)+16), `{"iss":`...)
	text = appendQuoted(text, name)
	for member, value := range answer.Value().Members() {
		if member == "iss" {
			continue
		}
		text = append(text, ',')
		text = appendQuoted(text, member)
		text = append(append(text, ':'), value.Raw()...)
	}
	whole, err := strictjson.Parse(append(text, '}'))
	if err != nil { // it is made of valid parts
		return answer
	}
	return whole
}

func appendQuoted(to []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // a string: cannot fail
	return append(to, quoted...)
}

// checkAnswerIssuer refuses an answer about another issuer's token: each answers
// for its own.
//
// RFC 7662 section 2.2: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func (r *routed) checkAnswerIssuer() *Error {
	if iss, _ := r.payload.Get("iss"); !iss.Is(r.issuer.name) {
		return r.issuer.refuse(reason.UnknownIssuer, "the issuer's answer is about a token of another issuer", nil)
	}
	return nil
}

func (r *routed) describeAnswerIssuer() (found, expected string) {
	return r.claim("iss"), quote.Text(r.issuer.name)
}

// checkAnswerRequired asks for no exp, which is optional in an answer: the issuer
// is asked again.
//
// RFC 7662 section 2.2: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func (d *decoded) checkAnswerRequired() *Error {
	for _, name := range d.issuer.required {
		if !d.claims.Has(name) {
			return d.issuer.refuse(reason.MissingClaim, name, nil)
		}
	}
	return nil
}

func (d *decoded) describeAnswerRequired() (found, expected string) {
	if len(d.issuer.required) == 0 {
		return "", "nothing: exp is optional in an answer"
	}
	return d.describeNames(d.issuer.required)
}

// otherTokens are what issuers call the tokens that their endpoint knows beside
// access tokens: a refresh token is active, and opens nothing here.
//
// RFC 7662 section 2.1: https://www.rfc-editor.org/rfc/rfc7662#section-2.1
var otherTokens = []string{"refresh_token", "refresh", "id_token", "id", "urn:ietf:params:oauth:token-type:refresh_token", "urn:ietf:params:oauth:token-type:id_token"}

// checkAnswerKind is checkKind, and what an answer says beside it.
//
// RFC 9449 section 6.2: https://www.rfc-editor.org/rfc/rfc9449#section-6.2
func (d *decoded) checkAnswerKind() *Error {
	if err := d.checkKind(); err != nil {
		return err
	}
	for _, name := range [...]string{"token_use", "token_type"} {
		if kind, _ := d.claims.Text(name); slices.Contains(otherTokens, strings.ToLower(kind)) {
			return d.issuer.refuse(reason.UnsupportedType, "by its "+name+" this is no access token", nil)
		}
	}
	if kind, _ := d.claims.Text("token_type"); strings.EqualFold(kind, "DPoP") {
		if jkt, _ := d.claims.Text("cnf", "jkt"); jkt == "" {
			return d.issuer.refuse(reason.UnsupportedBinding, "token_type is DPoP, and the answer does not say to which key (cnf.jkt)", nil)
		}
	}
	return nil
}

func (d *decoded) describeAnswerKind() (found, expected string) {
	found, expected = d.describeKind()
	for _, name := range [...]string{"token_use", "token_type"} {
		if kind, ok := d.claims.Text(name); ok {
			found += ", " + name + " " + quote.Text(kind)
		}
	}
	return found, expected + "; no refresh or ID token"
}

// checkAnswerExpiry is checkExpiry for a token that need not have one.
func (c *current) checkAnswerExpiry() *Error {
	if c.claims.ExpiresAt().IsZero() {
		return nil
	}
	return c.checkExpiry()
}

package dpop

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Request is what a proof is explained for.
type Request struct {
	_ [0]func()

	// Proof is the value of the header DPoP.
	Proof string
	// Method and URL are those of the request, as its client knows them.
	Method, URL string
	// Token is the access token that came with it.
	Token string
	// Thumbprint is the cnf.jkt of the token.
	Thumbprint string
}

// Explain runs the checks of [Binding.Check] on one proof, past the first that
// refuses it, and reports what each found and expected. The proof is not remembered:
// whether it was used before is not looked at.
//
// The report shows claims of the proof, but neither the token nor the signature. It
// is for people, and slower than Check.
func (b *Binding) Explain(ctx context.Context, q Request) verifier.Report {
	p := proof{binding: b, ctx: ctx, uri: q.URL, method: q.Method, token: q.Token, jkt: q.Thumbprint, now: b.clock(), space: new(space)}
	if q.Proof != "" {
		p.lines = []string{q.Proof}
	}
	report := verifier.Report{OK: true}
	var read stage
	for i := range checks {
		c := &checks[i]
		line := verifier.Check{Name: c.name, Skipped: read&c.needs != c.needs || c.name == "replay"}
		if !line.Skipped {
			err := c.run(&p)
			if err == nil {
				read |= c.gives
			}
			line = describe(c, &p, err)
			if err != nil && report.OK {
				report.OK, report.Reason, report.Hint = false, reasonOf(err), advice[c.name]
			}
		}
		report.Checks = append(report.Checks, line)
	}
	return report
}

const maxShown = 300

func describe(c *check, p *proof, err error) verifier.Check {
	found, expected := c.describe(p)
	if err != nil && found == "" {
		found = strings.TrimPrefix(err.Error(), "dpop: ")
	}
	return verifier.Check{Name: c.name, OK: err == nil, Found: quote.Line(found, maxShown), Expected: quote.Line(expected, maxShown)}
}

func reasonOf(err error) reason.Code {
	if e, ok := errors.AsType[*middleware.Error](err); ok {
		return e.Reason
	}
	code, _ := errors.AsType[reason.Code](err)
	return code
}

// advice is what to do about each check, in one sentence.
var advice = map[string]string{
	"proof":     "Send one header DPoP with a proof that was made for this request.",
	"size":      "Leave out of the proof's header what is not needed: certificates, for instance.",
	"structure": "Send the proof as a JWT in the compact serialisation, whole and alone in its header.",
	"header":    "Write the header of the proof as strict JSON in base64url without padding.",
	"critical":  "Leave crit and b64 out of the proof's header.",
	"typ":       "Set typ in the proof's header to dpop+jwt.",
	"alg":       "Sign the proof with one of the algorithms that the challenge names in algs.",
	"jwk":       "Put the public key, and nothing private, into jwk of the proof's header, each member in base64url of its exact length.",
	"payload":   "Write the payload of the proof as strict JSON in base64url without padding.",
	"htm":       "Set htm to the method of the request, in the same case.",
	"htu":       "Set htu to the address that the client calls; if it is, the API has another origin configured than the one that clients know.",
	"iat":       "Set iat to the time at which the proof is made, and set the clocks of both sides.",
	"jti":       "Give each proof a jti of its own.",
	"ath":       "Set ath to the SHA-256 digest of this access token, in base64url without padding.",
	"jkt":       "Make the proof with the key that the token was issued for.",
	"signature": "Sign header and payload as they are sent, with the key in jwk, and for ECDSA send r and s side by side.",
	"nonce":     "Take the nonce of the answer's DPoP-Nonce into the proof, and try again.",
}

// What each check found and expected.

func (p *proof) describeSingle() (found, expected string) {
	return strconv.Itoa(len(p.lines)) + " headers DPoP", "exactly one"
}

func (p *proof) describeSize() (found, expected string) {
	return strconv.Itoa(len(p.lines[0])) + " bytes", "at most " + strconv.Itoa(maxProofBytes)
}

func (p *proof) describeStructure() (found, expected string) {
	return strconv.Itoa(strings.Count(p.lines[0], ".")+1) + " parts", "3 parts: header.payload.signature"
}

func (p *proof) describeHeader() (found, expected string) {
	return object(p.header.Text())
}

func (p *proof) describePayload() (found, expected string) {
	return object(p.payload.Text())
}

func object(text string) (found, expected string) {
	if text != "" {
		found = "a JSON object"
	}
	return found, "a JSON object in canonical base64url, no member twice"
}

func (p *proof) describeCritical() (found, expected string) {
	_, critical := p.header.Get("crit")
	_, unencoded := p.header.Get("b64")
	if found = "neither"; critical || unencoded {
		found = "crit or b64"
	}
	return found, "neither crit nor b64"
}

func (p *proof) describeType() (found, expected string) { return p.member("typ"), `"dpop+jwt"` }

func (p *proof) describeAlgorithm() (found, expected string) {
	return p.member("alg"), "one of " + strings.Join(p.binding.algorithms, " ")
}

func (p *proof) member(name string) string { return shown(p.header.Get(name)) }

func (p *proof) claim(name string) string { return shown(p.payload.Get(name)) }

func shown(v strictjson.Value, ok bool) string {
	text, err := v.Text()
	switch {
	case !ok:
		return "none"
	case err == nil:
		return quote.UpTo(text, maxShown)
	}
	return v.Raw()
}

func (p *proof) describeKey() (found, expected string) {
	if p.key.Type() != "" && p.key.Fits(p.alg) {
		found = strings.TrimSpace(p.key.Type() + " " + p.key.Curve())
		if p.key.Curve() == "" {
			found += strconv.Itoa(p.key.Bits()) + " bits"
		}
	}
	return found, "a public key that fits alg"
}

func (p *proof) describeMethod() (found, expected string) {
	return p.claim("htm"), strconv.Quote(p.method)
}

func (p *proof) describeURI() (found, expected string) {
	return p.claim("htu"), strconv.Quote(withoutQuery(p.uri))
}

func (p *proof) describeTime() (found, expected string) {
	found = p.claim("iat")
	if !p.issued.IsZero() {
		found = p.issued.UTC().Format(time.RFC3339)
	}
	return found, fmt.Sprintf("within %v of %s", p.binding.window, p.now.UTC().Format(time.RFC3339))
}

func (p *proof) describeID() (found, expected string) { return p.claim("jti"), "a string" }

func (p *proof) describeToken() (found, expected string) {
	digest := sha256.Sum256([]byte(p.token))
	return p.claim("ath"), strconv.Quote(base64.RawURLEncoding.EncodeToString(digest[:]))
}

func (p *proof) describeBinding() (found, expected string) {
	if expected = strconv.Quote(p.jkt); p.jkt == "" {
		expected = "the token's cnf.jkt, and it has none"
	}
	return strconv.Quote(base64.RawURLEncoding.EncodeToString(p.thumbprint[:])), expected
}

func (p *proof) describeSignature() (found, expected string) {
	return "", "a signature by the key in jwk"
}

func (p *proof) describeNonce() (found, expected string) {
	if p.binding.nonces == nil {
		return p.claim("nonce"), "none is asked for"
	}
	return p.claim("nonce"), fmt.Sprintf("one of this server, at most %v old", p.binding.nonceLifetime)
}

func (p *proof) describeReplay() (found, expected string) {
	return "", "a jti that was not used before"
}

package verifier

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// hint is what to do about a refusal, in one sentence.
func hint(c *check, err *Error) string {
	if err.origin == byValidator { // whatever its reason
		return "A validator of your own refused the token: " + err.Err.Error() + "."
	}
	if h, ok := hints[err.Reason]; ok {
		return h(c, err)
	}
	return err.Detail
}

var hints = map[reason.Code]func(*check, *Error) string{
	reason.Malformed:          hintMalformed,
	reason.TooLarge:           say("Raise MaxTokenBytes if such tokens are meant to pass; else ask the issuer for fewer claims."),
	reason.CriticalHeader:     say("The issuer must not mark header members as critical, nor use b64, in access tokens."),
	reason.UnsupportedAlg:     hintAlgorithm,
	reason.UnsupportedType:    hintType,
	reason.UnknownIssuer:      hintIssuer,
	reason.UnknownTenant:      say("Add the tenant to Tenants if its customers are yours; the tenant is the GUID in iss and tid."),
	reason.UnknownKey:         hintKey,
	reason.UnusableKey:        hintUnusable,
	reason.BadSignature:       hintSignature,
	reason.MalformedClaims:    hintClaims,
	reason.MissingClaim:       func(_ *check, e *Error) string { return "The token lacks a claim that is needed: " + e.Detail + "." },
	reason.Expired:            hintExpired,
	reason.NotYetValid:        say("The token is valid later: is the clock here slow, or the issuer's fast?"),
	reason.IssuedInFuture:     say("The token was issued in the future: is the clock here slow, or the issuer's fast?"),
	reason.TooOld:             say("The caller must ask for a new token: this one is older than MaxAge."),
	reason.WrongAudience:      hintAudience,
	reason.WrongClient:        say("Add the client id to the issuer's Clients if this partner may call."),
	reason.Revoked:            say("The token was withdrawn: the caller must ask for a new one."),
	reason.KeysUnavailable:    hintUnavailable,
	reason.Canceled:           say("The wait for the issuer's keys was cut short: allow more time."),
	reason.UnsupportedBinding: say("The token is bound to its sender's key (cnf); this API must be told to check that binding, or the client must ask for an unbound token."),
	reason.RevocationUnavailable: func(_ *check, e *Error) string {
		return "The revocation hook failed, and the call was refused to be safe: " + causeOf(e) + "."
	},
}

func say(text string) func(*check, *Error) string {
	return func(*check, *Error) string { return text }
}

func causeOf(e *Error) string {
	if e.Err == nil {
		return "no cause given"
	}
	return cause(e.Err)
}

func hintMalformed(c *check, _ *Error) string {
	switch dots := strings.Count(c.request.is.token, "."); {
	case c.request.is.token == "":
		return "There is no token."
	case strings.HasPrefix(strings.ToLower(c.request.is.token), "bearer "):
		return "Give the token alone, without the word Bearer."
	case dots == 4:
		return "The token is encrypted (JWE): ask the issuer for signed access tokens."
	case dots == 0:
		return "This is no JWT but an opaque token: ask the issuer for JWT access tokens, or use introspection."
	case dots != 2:
		return "A signed token has three parts with two dots between them: was it cut when it was copied?"
	}
	return "A part of the token does not decode: was it cut or changed when it was copied?"
}

func hintAlgorithm(c *check, e *Error) string {
	if strings.EqualFold(c.header.is.header.Algorithm, "none") {
		return "The token is unsigned: no setting accepts it."
	}
	switch {
	case e.origin == keyUndeclared:
		return fmt.Sprintf("The issuer's key declares no alg, so that it verifies the first RSA algorithm of Algorithms alone: put %q first if that is what the issuer signs with.", c.header.is.header.Algorithm)
	case e.origin == keyMismatch && c.header.is.header.KeyID != "":
		return "The key of that kid is published for another alg: the issuer signs with the wrong one, or this is a forgery."
	case e.origin == keyMismatch:
		return "The token names no key, and none of the issuer's keys is for its alg."
	}
	return fmt.Sprintf("Add %q to the issuer's Algorithms if it really signs with it.", c.header.is.header.Algorithm)
}

func hintType(c *check, _ *Error) string {
	switch {
	case c.header.is.header.ContentType != "":
		return "The token holds another token (cty): ask the issuer for one that is signed alone."
	case c.issuer.is.issuer.allowsType(c.header.is.header.Type, c.header.is.header.HasType): // so a claim tells
		return "This is not an access token (an ID token, perhaps): send the access token of the same response."
	case !c.header.is.header.HasType:
		return `Add "" to the issuer's Types if its access tokens carry no typ.`
	default:
		return fmt.Sprintf("Add %q to the issuer's Types if its access tokens carry it; it may be another kind of token.", c.header.is.header.Type)
	}
}

// hintIssuer looks for near misses.
func hintIssuer(c *check, _ *Error) string {
	o := &c.payload.is
	value, _ := o.payload.Get("iss")
	iss, _ := value.Text()
	for name := range o.v.issuers {
		if strings.TrimSuffix(name, "/") == strings.TrimSuffix(iss, "/") {
			return fmt.Sprintf("Only the trailing slash differs: set the issuer to %s.", strconv.Quote(iss))
		}
		if strings.EqualFold(name, iss) {
			return fmt.Sprintf("Only upper and lower case differ: set the issuer to %s.", strconv.Quote(iss))
		}
	}
	return cmp.Or(o.v.configuredHint(hintIss, iss),
		"The token is from another issuer than the ones configured: is it from TEST while this is PROD?")
}

func hintKey(_ *check, e *Error) string {
	switch e.origin {
	case keyOfAnother:
		return "The signing key belongs to another issuer or tenant: " + e.Detail + "."
	case keyAmbiguous:
		return "The token does not say which key signed it: " + e.Detail + "."
	default:
		return "The issuer does not publish this key: was it just rotated, or is the token from another environment?"
	}
}

func hintUnusable(_ *check, e *Error) string {
	return "The issuer publishes the key that the token names, and it must not check access tokens: " + skipped(e) + "."
}

// skipped is why the key that a refusal is about is not usable.
func skipped(e *Error) string {
	if k, ok := errors.AsType[*jose.Skipped](e.Err); ok {
		return k.Error()
	}
	return causeOf(e)
}

func hintSignature(c *check, _ *Error) string {
	s := &c.split.is
	data, _ := base64.RawURLEncoding.DecodeString(s.compact.HeaderText()) // valid: it was read before
	header, _ := strictjson.Parse(data)
	for name := range header.Names() {
		if h := s.v.configuredHint(hintHeader, name); h != "" {
			return h
		}
	}
	if !c.key.is.candidates.Named {
		return "None of the issuer's keys that the token can mean made its signature: is the token from another environment, or was it changed after it was signed?"
	}
	return "The token was changed after it was signed, or signed by somebody else."
}

// The kinds of keys of [Issuer.Hints].
const (
	hintIss    = "iss"
	hintAud    = "aud"
	hintHeader = "header"
)

// configuredHint returns the sentence of the most exact key that fits value, ""
// if none does.
func (v *Verifier) configuredHint(kind, value string) string {
	if h, ok := v.hints[kind+":"+value]; ok {
		return h
	}
	if h, ok := v.hints[kind+":{guid}"]; ok && isGUID(value) {
		return h
	}
	longest := ""
	for key := range v.hints {
		prefix, ok := strings.CutSuffix(key, "*")
		if ok && strings.HasPrefix(kind+":"+value, prefix) && len(key) > len(longest) {
			longest = key
		}
	}
	return v.hints[longest]
}

// hintClaims finds dates in milliseconds, the usual mistake.
func hintClaims(c *check, e *Error) string {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if v, ok := c.payload.is.payload.Get(name); ok && inMilliseconds(v) {
			return name + " is in milliseconds: RFC 7519 wants seconds."
		}
	}
	return "A claim has the wrong type: " + causeOf(e) + "."
}

func inMilliseconds(v strictjson.Value) bool {
	n, err := v.Number()
	return err == nil && n > 253402300799
}

func hintExpired(c *check, _ *Error) string {
	now := &c.current.is
	ago := now.now.Sub(now.claims.ExpiresAt()).Round(time.Second)
	return fmt.Sprintf("Expired %s ago: the caller must ask for a new token; if it is new, is the clock right?", ago)
}

func hintAudience(c *check, e *Error) string {
	d := &c.claims.is
	if !d.claims.Has("aud") {
		return "The token has no aud, and what is accepted instead is not there: " + e.Detail + "."
	}
	for aud := range d.claims.Audiences() {
		for _, want := range d.issuer.audiences {
			if strings.TrimSuffix(want, "/") == strings.TrimSuffix(aud, "/") {
				return fmt.Sprintf("Only the trailing slash differs: set the audience to %s.", strconv.Quote(aud))
			}
		}
		if h := d.v.configuredHint(hintAud, aud); h != "" {
			return h
		}
	}
	return "The token is for another API: the client must ask for yours, or, if it means yours, add that value to the audiences."
}

func hintUnavailable(_ *check, e *Error) string {
	if e.origin == keyUnreadable {
		return "The issuer publishes a key that may have signed the token, and it cannot be read, so the token was not judged: " + skipped(e) + "."
	}
	return "The issuer's keys could not be had, so the token was not judged: " + causeOf(e) + "."
}

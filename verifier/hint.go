package verifier

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// hint is what to do about a refusal, in one sentence.
func hint(c *check, err *Error) string {
	if err.origin == byValidator { // whatever its reason
		return "A validator of your own refused the token: " + err.Err.Error() + "."
	}
	if err.origin == noAudience {
		return hintNoAudience(c, err)
	}
	if err.origin == byLimit {
		return hintLimit(c, err)
	}
	h, ok := hints[err.Reason]
	if !ok {
		return err.Detail
	}
	text := h(c, err)
	if err.Reason == reason.UnknownKey || err.Reason == reason.BadSignature {
		text += ofOwnKeys(c)
	}
	return text
}

var hints = map[reason.Code]func(*check, *Error) string{
	reason.Malformed:          hintMalformed,
	reason.TooLarge:           say("Raise MaxTokenBytes if such tokens are meant to pass; else ask the issuer for fewer claims."),
	reason.CriticalHeader:     hintCritical,
	reason.UnsupportedAlg:     hintAlgorithm,
	reason.UnsupportedType:    hintType,
	reason.UnknownIssuer:      hintIssuer,
	reason.UnknownTenant:      say("Add the tenant to Tenants if its customers are yours; the tenant is the GUID in iss and tid."),
	reason.UnknownKey:         hintKey,
	reason.UnusableKey:        hintUnusable,
	reason.BadSignature:       hintSignature,
	reason.MalformedClaims:    hintClaims,
	reason.MissingClaim:       hintMissing,
	reason.Expired:            hintExpired,
	reason.NotYetValid:        say("The token is valid later, from its nbf on: is the clock here slow, or the issuer's fast?"),
	reason.IssuedInFuture:     say("By its iat the token was issued in the future: is the clock here slow, or the issuer's fast?"),
	reason.TooOld:             say("The caller must ask for a new token: by its iat this one is older than MaxAge."),
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
	return briefly(e.Err)
}

func hintCritical(c *check, _ *Error) string {
	var names []string
	h := c.header.is.header
	if h.Critical {
		names = append(names, "crit")
	}
	if h.Unencoded {
		names = append(names, "b64")
	}
	return "The header has " + strings.Join(names, " and ") + ": the issuer must not mark header members as critical, nor use b64, in access tokens."
}

func hintAlgorithm(c *check, e *Error) string {
	alg := c.header.is.header.Algorithm
	shown := quote.Text(alg)
	switch {
	case alg == "":
		return "The header has no alg, which every token needs."
	case alg == "none":
		return "The token is unsigned: no setting accepts it."
	case strings.EqualFold(clean(alg), "none"):
		return "The token is unsigned: no setting accepts it. Its alg is " + shown + "."
	case e.origin == keyUndeclared:
		return fmt.Sprintf("The issuer's key declares no alg, so that it verifies the first RSA algorithm of Algorithms alone: put %q first if that is what the issuer signs with.", c.header.is.header.Algorithm)
	case e.origin == keyMismatch && c.header.is.header.KeyID != "":
		return "The key of that kid is published for another alg than " + shown + ": the issuer signs with the wrong one, or this is a forgery."
	case e.origin == keyMismatch:
		return "The token names no key, and none of the issuer's keys is for its alg, " + shown + "."
	case jose.Symmetric(alg):
		return "alg is " + shown + ", which signs with a secret that the API would have to share: have the issuer sign with RS256, PS256, ES256 or EdDSA."
	case jose.Known(alg):
		return "Add " + shown + " to the issuer's Algorithms if it really signs with it."
	}
	for _, known := range c.located.is.issuer.algorithms {
		if strings.EqualFold(clean(alg), known) {
			return "alg is " + shown + ", and is compared byte for byte: the issuer must write " + known + "."
		}
	}
	return "alg is " + shown + ", which is no signature that is implemented: have the issuer sign with RS256, PS256, ES256 or EdDSA."
}

func hintType(c *check, e *Error) string {
	h := c.header.is.header
	switch {
	case h == nil: // of an answer about the token
		return "By what its issuer says this is not an access token, but another kind: " + e.Detail + "."
	case h.ContentType != "":
		return "The token holds another token (cty): ask the issuer for one that is signed alone."
	case c.issuer.is.issuer.allowsType(h.Type, h.HasType): // so a claim tells
		name, _ := otherKind(c)
		if text := c.issuer.is.issuer.ownHint(hintClaim, name); text != "" {
			return text
		}
		return "This is not an access token (an ID token, perhaps), by its claim " + shownKind(c) + ": send the access token of the same response."
	case c.issuer.is.issuer.ownHint(hintTyp, h.Type) != "":
		return c.issuer.is.issuer.ownHint(hintTyp, h.Type)
	case !h.HasType:
		return `Add "" to the issuer's Types if its access tokens carry no typ.`
	case h.Type == "":
		return `The token's typ is empty: list "" in the issuer's Types, beside the types that it has, if its access tokens carry that.`
	default:
		return "Add " + quote.Text(h.Type) + " to the issuer's Types if its access tokens carry that typ; it may be another kind of token."
	}
}

// otherKind returns the claim that marks a token as another kind, and what it
// holds.
func otherKind(c *check) (name, value string) {
	d := &c.claims.is
	for i := range d.issuer.markers {
		if m := &d.issuer.markers[i]; !m.holds(d.claims) {
			return m.Claim, quote.Line(d.claim(m.Claim), short)
		}
	}
	return "", ""
}

func shownKind(c *check) string {
	name, value := otherKind(c)
	return name + " " + value
}

// short is how much a hint repeats of a claim.
const short = 64

// hintIssuer looks for near misses.
func hintIssuer(c *check, _ *Error) string {
	o := &c.payload.is
	value, _ := o.payload.Get("iss")
	iss, _ := value.Text()
	if h, ok := o.v.hints[hintIss+":"+iss]; ok { // it is known, however near it is
		return h
	}
	if near := o.v.nearIssuer(iss); near != "" {
		return near
	}
	return cmp.Or(o.v.configuredHint(hintIss, iss),
		"The token is from another issuer (iss) than the ones configured: is it from TEST while this is PROD?")
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
	if text := lengthOfSignature(c); text != "" {
		return text
	}
	if !c.key.is.candidates.Named {
		return "None of the issuer's keys that the token can mean made its signature: is the token from another environment, or was it changed after it was signed?"
	}
	return "The token was changed after it was signed, or signed by somebody else."
}

// lengthOfSignature says that a signature has another length than its alg
// makes, as one in ASN.1 has.
func lengthOfSignature(c *check) string {
	want := map[string]int{"ES256": 64, "ES384": 96, "ES512": 132, "EdDSA": 64, "Ed25519": 64}
	alg := c.header.is.header.Algorithm
	signature, err := c.split.is.compact.SignatureWith(nil)
	if n, ok := want[alg]; !ok || err != nil || len(signature) == n {
		return ""
	}
	return fmt.Sprintf("The signature has %d bytes, and one of %s has %d: it was cut, padded, or written in ASN.1 (DER).", len(signature), alg, want[alg])
}

// ofOwnKeys says that a key which a header brings along is never used.
func ofOwnKeys(c *check) string {
	data, _ := base64.RawURLEncoding.DecodeString(c.split.is.compact.HeaderText())
	header, _ := strictjson.Parse(data)
	var brought []string
	for _, name := range []string{"jwk", "jwks", "jku", "x5u", "x5c"} {
		if _, ok := header.Get(name); ok {
			brought = append(brought, name)
		}
	}
	if len(brought) == 0 {
		return ""
	}
	return " What its header brings along (" + strings.Join(brought, ", ") + ") is never used: keys come from the issuer alone."
}

// hintClaims names the claim, what it is and what it must be. It finds dates in
// milliseconds, and roles that are an object.
func hintClaims(c *check, e *Error) string {
	name, want := claimIn(e)
	o := &c.payload.is
	v, ok := o.payload.Get(name)
	if !ok {
		v, _ = o.payload.Lookup(strings.Split(name, ".")...)
	}
	switch {
	case slices.Contains([]string{"exp", "nbf", "iat"}, name) && inMilliseconds(v):
		return name + " is in milliseconds: RFC 7519 wants seconds."
	case v.Kind() == '{' && !slices.Contains([]string{"iss", "aud", "sub", "jti"}, name) && strings.Contains(want, "array"):
		return "The claim " + quote.Text(name) + " is an object: if its member names are what it grants, as with Zitadel's roles, set Keys in the Source that names it in Claims."
	}
	is := kindOf(v)
	switch n, err := v.Number(); {
	case v.Kind() == '[' && strings.Contains(want, "array"):
		is += " with something else than strings in it"
	case v.Kind() == '0' && strings.Contains(want, "seconds") && (err != nil || n > 0):
		is += " that is out of range"
	case v.Kind() == '0' && strings.Contains(want, "seconds"):
		is = "negative"
	}
	want, _, _ = strings.Cut(want, "; are these") // which is known by now
	return "The claim " + quote.Text(name) + " is malformed: it is " + is + "; " + want + "."
}

// claimIn returns which claim an error is about, and what that must be.
func claimIn(e *Error) (name, want string) {
	if name, ok := strings.CutSuffix(e.Detail, " is no string"); ok {
		return name, "want a string"
	}
	_, rest, _ := strings.Cut(causeOf(e), "claim ")
	prefix, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", causeOf(e)
	}
	name, _ = strconv.Unquote(prefix)
	_, want, _ = strings.Cut(rest[len(prefix):], ": ")
	return name, want
}

func inMilliseconds(v strictjson.Value) bool {
	n, err := v.Number()
	return err == nil && n > 253402300799 && n < 1e15
}

func hintExpired(c *check, _ *Error) string {
	now := &c.current.is
	ago := now.now.Sub(now.claims.ExpiresAt()).Round(time.Second)
	return fmt.Sprintf("Expired %s ago by its exp: the caller must ask for a new token; if it is new, is the clock right?", ago)
}

func hintMissing(c *check, e *Error) string {
	name, _, _ := strings.Cut(e.Detail, ",") // "iat, which MaxAge needs"
	if v, ok := c.payload.is.payload.Get(name); ok && v.IsNull() {
		return "The token's " + name + " is null, which counts as absent: have the issuer write a value."
	}
	if c.issuer.reached { // it is known whose token this is
		if h := c.issuer.is.issuer.ownHint(hintClaim, name); h != "" {
			return h
		}
	}
	return "The token lacks a claim that is needed: " + e.Detail + "."
}

// hintNoAudience says what NoAudience lacks, or that there is one.
func hintNoAudience(c *check, e *Error) string {
	d := &c.claims.is
	has := "The token has no aud"
	if aud, ok := d.payload.Get("aud"); ok {
		has = "The token's aud is null"
		if !aud.IsNull() {
			has = "The token's aud is an empty array"
		}
	}
	switch binding := &d.issuer.noAudience; {
	case binding.isZero() && d.issuer.ownHint(hintClaim, "aud") != "":
		return has + ". " + d.issuer.ownHint(hintClaim, "aud")
	case binding.isZero():
		return has + ": have the issuer write this API's audience into it, or accept the tokens of known clients by NoAudience."
	case e.Reason == reason.WrongAudience:
		return has + fmt.Sprintf(", and no scope of it begins with %q: ask for such a scope, or see NoAudience.ScopePrefix.", binding.ScopePrefix)
	case d.claims.ClientID() == "":
		return has + ", and it names no client: NoAudience goes by the client, which Claims.ClientID finds."
	default:
		return has + ", and its client is not among NoAudience.Clients: add it there if this partner may call."
	}
}

func hintAudience(c *check, _ *Error) string {
	d := &c.claims.is
	if len(slices.Collect(d.claims.Audiences())) == 0 { // hintNoAudience is for none at all
		return "The token's aud is an empty string, which is no API's: have the issuer write this API's audience into it."
	}
	for aud := range d.claims.Audiences() {
		if near := d.issuer.nearAudience(aud); near != "" {
			return near
		}
		if h := d.v.configuredHint(hintAud, aud); h != "" {
			return h
		}
		if aud == d.claims.Issuer() {
			return cmp.Or(d.v.hints[hintAud+":{issuer}"], "aud is the issuer itself: the token is for its own API, and the client must ask for yours.")
		}
	}
	if none(d.claims.Audiences()) {
		return "The token's aud names no API at all: have the issuer write yours into it."
	}
	if d.claims.ClientID() != "" && d.claims.HasAudience(d.claims.ClientID()) {
		return "aud is the client itself, as in an ID token: the client must send the access token, and ask for yours."
	}
	if h := d.issuer.ownHint(hintClaim, "aud"); h != "" {
		return "The token is for another API, by its aud. " + h
	}
	return "The token is for another API, by its aud: the client must ask for yours, or, if it means yours, add that value to the audiences."
}

func none(names iter.Seq[string]) bool {
	for range names {
		return false
	}
	return true
}

func hintUnavailable(_ *check, e *Error) string {
	if e.origin == keyUnreadable {
		return "The issuer publishes a key that may have signed the token, and it cannot be read, so the token was not judged: " + skipped(e) + "."
	}
	return "The issuer's keys could not be had, so the token was not judged: " + causeOf(e) + "."
}

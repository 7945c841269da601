package verifier

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// hint is the fix in one sentence.
func hint(c *check, err *Error) string {
	if err.Detail == detailValidator { // whatever reason it gave
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
	switch dots := strings.Count(c.token, "."); {
	case c.token == "":
		return "There is no token."
	case strings.HasPrefix(strings.ToLower(c.token), "bearer "):
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
	if strings.EqualFold(c.header.Algorithm, "none") {
		return "The token is unsigned: no setting accepts it."
	}
	switch {
	case e.KeyID != "" && c.header.KeyID != "":
		return "The key of that kid is published for another alg: the issuer signs with the wrong one, or this is a forgery."
	case e.KeyID != "":
		return "The token names no key, and none of the issuer's keys is for its alg."
	}
	return fmt.Sprintf("Add %q to the issuer's Algorithms if it really signs with it.", c.header.Algorithm)
}

func hintType(c *check, _ *Error) string {
	switch {
	case c.header.ContentType != "":
		return "The token holds another token (cty): ask the issuer for one that is signed alone."
	case c.issuer.allowsType(c.header.Type, c.header.HasType): // so a claim tells
		return "This is not an access token (an ID token, perhaps): send the access token of the same response."
	case !c.header.HasType:
		return `Add "" to the issuer's Types if its access tokens carry no typ.`
	default:
		return fmt.Sprintf("Add %q to the issuer's Types if its access tokens carry it; it may be another kind of token.", c.header.Type)
	}
}

// hintIssuer looks for the near misses that people make.
func hintIssuer(c *check, _ *Error) string {
	value, _ := c.payload.Get("iss")
	iss, _ := value.Text()
	for name := range c.v.issuers {
		if strings.TrimSuffix(name, "/") == strings.TrimSuffix(iss, "/") {
			return fmt.Sprintf("Only the trailing slash differs: set the issuer to %s.", strconv.Quote(iss))
		}
		if strings.EqualFold(name, iss) {
			return fmt.Sprintf("Only upper and lower case differ: set the issuer to %s.", strconv.Quote(iss))
		}
	}
	if strings.HasPrefix(iss, "https://sts.windows.net/") || strings.HasPrefix(iss, "https://login.microsoftonline.com/") {
		return "This is a Microsoft Entra token: v1.0 and v2.0 tokens have different issuers, and the API's manifest picks one; the Entra preset accepts both for your tenant."
	}
	return "The token is from another issuer than the ones configured: is it from TEST while this is PROD?"
}

func hintKey(c *check, e *Error) string {
	switch {
	case c.key != nil:
		return "The signing key belongs to another issuer or tenant: " + e.Detail + "."
	case e.Detail == detailAmbiguous:
		return "The token does not say which key signed it: " + e.Detail + "."
	}
	return "The issuer does not publish this key: was it just rotated, or is the token from another environment?"
}

func hintSignature(c *check, _ *Error) string {
	if c.header.Nonce {
		return "This token is for Microsoft Graph, which alone can verify it: the client must ask for your API's scope (api://.../.default)."
	}
	return "The token was changed after it was signed, or signed by somebody else."
}

// hintClaims finds dates in milliseconds, the usual mistake.
func hintClaims(c *check, e *Error) string {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if v, ok := c.payload.Get(name); ok && inMilliseconds(v) {
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
	ago := c.now.Sub(c.claims.ExpiresAt()).Round(time.Second)
	return fmt.Sprintf("Expired %s ago: the caller must ask for a new token; if it is new, is the clock right?", ago)
}

func hintAudience(c *check, e *Error) string {
	if !c.claims.Has("aud") {
		return "The token has no aud, and what should stand in for it does not: " + e.Detail + "."
	}
	for aud := range c.claims.Audiences() {
		if h := c.issuer.hintAudience(aud); h != "" {
			return h
		}
	}
	return "The token is for another API: the client must ask for yours, or, if it means yours, add that value to the audiences."
}

func (i *issuer) hintAudience(aud string) string {
	for _, want := range i.audiences {
		if strings.TrimSuffix(want, "/") == strings.TrimSuffix(aud, "/") {
			return fmt.Sprintf("Only the trailing slash differs: set the audience to %s.", strconv.Quote(aud))
		}
	}
	switch {
	case aud == "00000003-0000-0000-c000-000000000000" || strings.HasPrefix(aud, "https://graph.microsoft.com"):
		return "The token is for Microsoft Graph: the client must ask for your API's scope (api://.../.default)."
	case isGUID(aud):
		return "aud is a GUID, as Entra v2.0 tokens have it: if it is your app registration's, add it to the audiences."
	case aud == "account":
		return "Keycloak puts the API into aud only with an audience mapper on the client: add one."
	}
	return ""
}

func hintUnavailable(_ *check, e *Error) string {
	return "The issuer's keys could not be had, so the token was not judged: " + causeOf(e) + "."
}

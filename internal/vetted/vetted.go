// Package vetted lets verifier build claims from a payload that it has already
// parsed, without the function that does so being part of claims' exported API.
//
// claims and verifier are two packages, as are verifier and introspection, and
// Go has no other way for one to give the other something that no user gets:
// claims registers its functions here when it is initialised, which is before verifier is, because verifier
// imports claims. The parameters are of type any because this package cannot
// import claims; both sides hold pointers, so that a call allocates nothing
// more than a direct one would.
package vetted

import "github.com/sallyport-go/sallyport/internal/strictjson"

var (
	// Claims returns the *claims.Claims of a payload, read by mapping, which is
	// a *claims.Mapping that is valid. The claims keep payload. It judges types
	// only: whether a claim must be there, and whether its value is the right
	// one, is for the verifier to say. Every error is a reason.MalformedClaims.
	Claims func(payload strictjson.Object, mapping any) (claims any, err error)

	// Size returns about how many bytes of memory a *claims.Claims holds, for
	// caches that bound theirs.
	Size func(claims any) int

	// Kind returns what kind of thing a *claims.Claims lacks first for a
	// *claims.Rule: scope, role, permission or level, "" for anything else and
	// for a rule that holds.
	Kind func(rule, claims any) string

	// Judge returns how package introspection has a *verifier.Verifier judge what
	// an issuer answers about a token: claims that nobody signed, which no user may
	// bring. Package introspection says as an interface what it has.
	Judge func(verifier any) any

	// Asking reports whether a verifier is one of package introspection itself, and
	// no type around it, whose own methods may check more than those inside. It is
	// nil in a program without that package.
	Asking func(verifier any) bool
)

// Register sets Claims and Size. Package claims calls it, once, to initialise a
// variable; the result has no meaning.
func Register(read func(payload strictjson.Object, mapping any) (any, error), size func(claims any) int) struct{} {
	Claims, Size = read, size
	return struct{}{}
}

// RegisterKind sets Kind, as [Register] sets the others.
func RegisterKind(kind func(rule, claims any) string) struct{} {
	Kind = kind
	return struct{}{}
}

// RegisterAsking sets Asking. Package introspection calls it.
func RegisterAsking(asking func(verifier any) bool) struct{} {
	Asking = asking
	return struct{}{}
}

// RegisterJudge sets Judge. Package verifier calls it, as claims calls [Register].
func RegisterJudge(judge func(verifier any) any) struct{} {
	Judge = judge
	return struct{}{}
}

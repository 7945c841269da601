package verifier

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// Limit is a claim that says whose token it is, and the values of it that are
// accepted: an email, the id of a repository, a service account, a policy. It is
// for issuers that give a token for any audience to everyone they know.
//
// A Limit holds for a string that is one of Values or begins with one of
// Prefixes, byte for byte, or with True for the boolean true alone. A token
// without the claim is refused with reason missing_claim, with another value
// with reason wrong_client. What to do about both is said by the hint
// "claim:NAME" of the issuer, where NAME is the first of Claims, with dots.
type Limit struct {
	_ [0]func() // keyed literals only

	// Claims are the paths of the claim, in order; the first that is present
	// counts. At least one.
	Claims []claims.Path
	// Values and Prefixes are the strings accepted, and the beginnings of
	// others. At least one, unless True is set.
	Values, Prefixes []string
	// True accepts the boolean true, and no string.
	True bool
}

// find returns the claim and its path, a path of nothing where it is absent.
func (l *Limit) find(payload *strictjson.Object) (strictjson.Value, claims.Path) {
	for _, path := range l.Claims {
		if v, ok := payload.Lookup(path...); ok && !v.IsNull() {
			return v, path
		}
	}
	return strictjson.Value{}, nil
}

func (l *Limit) admits(v strictjson.Value) bool {
	if l.True {
		is, err := v.Bool()
		return err == nil && is
	}
	text, err := v.Text()
	return err == nil && (slices.Contains(l.Values, text) ||
		slices.ContainsFunc(l.Prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) }))
}

// checkLimits refuses a token of somebody that the issuer's Limits do not name.
func (d *decoded) checkLimits() *Error {
	for i := range d.issuer.limits {
		l := &d.issuer.limits[i]
		v, path := l.find(&d.payload)
		if path == nil {
			return d.issuer.limited(reason.MissingClaim, l.name())
		}
		if !l.admits(v) {
			return d.issuer.limited(reason.WrongClient, strings.Join(path, ".")+" is not among the issuer's Limits")
		}
	}
	return nil
}

// limited refuses a token by a [Limit].
func (i *issuer) limited(code reason.Code, detail string) *Error {
	e := i.refuse(code, detail, nil)
	e.origin = byLimit
	return e
}

// broken returns the first limit that the token does not hold, what the token
// has of it, and nil if there is none.
func (d *decoded) broken() (l *Limit, found string) {
	for i := range d.issuer.limits {
		l := &d.issuer.limits[i]
		v, path := l.find(&d.payload)
		switch {
		case path == nil:
			return l, "no " + l.name()
		case !l.admits(v):
			return l, strings.Join(path, ".") + " " + readable(v.Raw())
		}
	}
	return nil, ""
}

// name returns the names of the claim.
func (l *Limit) name() string {
	names := make([]string, len(l.Claims))
	for i, path := range l.Claims {
		names[i] = strings.Join(path, ".")
	}
	return strings.Join(names, " or ")
}

func (l *Limit) expectation() string {
	if l.True {
		return l.name() + " true"
	}
	values := quoteAll(l.Values)
	for _, prefix := range l.Prefixes {
		values = append(values, fmt.Sprintf("%q...", prefix))
	}
	const most = 8
	if more := len(values) - most; more > 0 {
		values = append(values[:most], fmt.Sprintf("%d more", more))
	}
	return l.name() + " " + oneOf(values)
}

func hintLimit(c *check, e *Error) string {
	d := &c.claims.is
	l, _ := d.broken()
	if l == nil {
		return e.Detail
	}
	if h := d.issuer.ownHint(hintClaim, strings.Join(l.Claims[0], ".")); h != "" {
		return h
	}
	if e.Reason == reason.MissingClaim {
		return "The token has no " + l.name() + ", which says whose it is: have the issuer write it."
	}
	return "The token is of somebody else: add its " + quote.Text(l.name()) + " to the issuer's Limits if it may call."
}

// mistakes reports why a limit could hold for no token, or for all.
func (l *Limit) mistakes(n int) error {
	var problems []error
	say := func(text string) { problems = append(problems, fmt.Errorf("Limits[%d] %s", n, text)) }
	if len(l.Claims) == 0 {
		say("names no claim")
	}
	for _, path := range l.Claims {
		if len(path) == 0 || slices.Contains(path, "") {
			say("has a path without a name")
		}
	}
	accepted := slices.Concat(l.Values, l.Prefixes)
	switch {
	case l.True && len(accepted) > 0:
		say("has True and Values or Prefixes: a claim is a boolean or a string")
	case !l.True && len(accepted) == 0:
		say("accepts nothing: give Values or Prefixes, or set True")
	case slices.Contains(accepted, ""):
		say("has an empty value")
	}
	return errors.Join(append(problems, setting.CheckList("Limits", accepted))...)
}

// cloneLimits copies what the configuration shares with its owner.
func cloneLimits(limits []Limit) []Limit {
	out := slices.Clone(limits)
	for i := range out {
		out[i].Claims, out[i].Values, out[i].Prefixes = slices.Clone(out[i].Claims), slices.Clone(out[i].Values), slices.Clone(out[i].Prefixes)
	}
	return out
}

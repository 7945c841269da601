// Package revocation is a denylist: it withdraws tokens before they expire, by
// their identifier, their subject, their client or their issuer.
//
// A [List] is kept in memory, a [File] follows a file of lines. Both are asked on
// every call, also for a token whose signature was checked before:
//
//	list, err := revocation.New(revocation.Config{})
//	if err != nil { ... }
//	cfg.Verifier.Revoked = list.Revoked
//	...
//	err = list.Deny(ctx, revocation.Token("https://issuer.example/", id, expires))
//
// A token is never known by its bytes, of which one token has many: an ECDSA
// signature (r, s) is as good as (r, n-s).
package revocation

import (
	"errors"
	"strings"
	"time"
)

// Entry says which tokens are withdrawn: the one with that ID, those of a Subject
// or of a Client, or with none of these all that the Issuer issued. It is a plain
// value; [Token], [Subject], [Client] and [Issuer] make those that are meant.
type Entry struct {
	// Issuer is the iss claim, byte for byte, of a template that of the tenant.
	// "" is any issuer, and only for an ID.
	Issuer string

	// ID is the token's identifier: jti (RFC 7519 section 4.1.7), or what
	// [claims.Mapping] names, such as Entra's uti.
	//
	// [claims.Mapping]: https://pkg.go.dev/github.com/sallyport-go/sallyport/claims#Mapping
	ID string
	// Subject is the sub claim.
	Subject string
	// Client is the client that asked for the token.
	Client string

	// Before withdraws what was issued before that time (iat), and what does not
	// say when it was issued. The zero Time withdraws what is issued later too.
	// It is not for an ID.
	Before time.Time

	// Until is when no token is left that the entry is for: then it is forgotten.
	// Add the Verifier's leeway. The zero Time keeps it until it is allowed.
	Until time.Time
}

// Token returns the entry of one token, which expires at that time. issuer "" is
// any issuer: another issuer's token with the same identifier is refused too.
func Token(issuer, id string, expires time.Time) Entry {
	return Entry{Issuer: issuer, ID: id, Until: expires}
}

// Subject returns the entry of what an issuer issued for a subject before a time.
// Set its Until to when the last of these tokens expires, so that it ends.
func Subject(issuer, subject string, before time.Time) Entry {
	return Entry{Issuer: issuer, Subject: subject, Before: before}
}

// Client returns the entry of what an issuer issued to a client before a time.
// Set its Until as for a Subject.
func Client(issuer, client string, before time.Time) Entry {
	return Entry{Issuer: issuer, Client: client, Before: before}
}

// Issuer returns the entry of all that an issuer issued before a time. Set its
// Until as for a Subject.
func Issuer(issuer string, before time.Time) Entry {
	return Entry{Issuer: issuer, Before: before}
}

// Validate returns what is wrong with the entry, without its values.
func (e Entry) Validate() error {
	names := 0
	for _, name := range []string{e.ID, e.Subject, e.Client} {
		if name != "" {
			names++
		}
	}
	switch {
	case names > 1:
		return errors.New("revocation: an Entry has more than one of ID, Subject and Client: make one entry of each")
	case e.Issuer == "" && e.ID == "":
		return errors.New("revocation: an Entry has no Issuer: a subject or a client is one only together with its issuer")
	case e.ID != "" && !e.Before.IsZero():
		return errors.New("revocation: an Entry has an ID and Before: a token with that ID is withdrawn whenever it was issued")
	}
	return nil
}

// kind is what an entry knows tokens by. The values are bits of a set.
type kind uint8

const (
	byIssuer kind = 1 << iota
	byID
	byIDOfAny // issuer
	bySubject
	byClient
)

// key is what an entry is found by.
type key struct {
	kind         kind
	issuer, name string
}

// span is when an entry holds.
type span struct{ before, until time.Time }

func (e *Entry) key() key {
	switch {
	case e.ID != "" && e.Issuer == "":
		return key{byIDOfAny, "", e.ID}
	case e.ID != "":
		return key{byID, e.Issuer, e.ID}
	case e.Subject != "":
		return key{bySubject, e.Issuer, e.Subject}
	case e.Client != "":
		return key{byClient, e.Issuer, e.Client}
	default:
		return key{byIssuer, e.Issuer, ""}
	}
}

// clone returns a key that shares no memory with a token.
func (k key) clone() key {
	return key{k.kind, strings.Clone(k.issuer), strings.Clone(k.name)}
}

// entry returns what the key and the span were made from.
func (k key) entry(s span) Entry {
	e := Entry{Issuer: k.issuer, Before: s.before, Until: s.until}
	switch k.kind {
	case byID, byIDOfAny:
		e.ID = k.name
	case bySubject:
		e.Subject = k.name
	case byClient:
		e.Client = k.name
	}
	return e
}

// covers reports whether a token that was issued at iat is withdrawn now. The iat of
// a token that has none is zero, before any time.
func (s span) covers(iat, now time.Time) bool {
	return !s.isOver(now) && (s.before.IsZero() || iat.Before(s.before))
}

func (s span) isOver(now time.Time) bool { return !s.until.IsZero() && !now.Before(s.until) }

// with returns a span that withdraws all that either does.
func (s span) with(other span) span {
	return span{later(s.before, other.before), later(s.until, other.until)}
}

// later returns the later of two times; zero is later than any.
func later(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.After(b) {
		return a
	}
	return b
}

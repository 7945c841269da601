package jwks

import (
	"time"
	"unicode/utf8"
)

// EventKind says what happened.
type EventKind string

// The kinds of [Event].
const (
	Fetched     EventKind = "fetched"      // the set was fetched
	NotModified EventKind = "not_modified" // the server says that it is the same (304)
	Failed      EventKind = "failed"       // it could not be had, or held no usable key: the old keys stay
	Rotated     EventKind = "rotated"      // beside Fetched: keys came, went or changed, after the first load
)

// Event is one thing that a [Fetcher] did. It is the receiver's.
type Event struct {
	Kind   EventKind
	Issuer string // as configured
	URL    string // of the JWK Set; "" if discovery did not get that far

	Duration time.Duration // of the fetch, discovery included
	Forced   bool          // for a caller who missed a key, not by schedule
	Err      error         // of Failed
	Next     time.Duration // until the next fetch by schedule or, of Failed, the next attempt

	Keys       int      // usable keys that there are now
	Generation uint64   // of the snapshot in force
	Added      []string // kids, cut to 64 bytes; a key that changed under its kid is in both
	Removed    []string
	Skipped    []error // why keys of the set are not usable

	rotated bool
}

// maxKid is how much of a kid is told: its sender chose the length.
const maxKid = 64

func displayedIDs(keys []*Key) []string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, cut(k.ID(), maxKid))
	}
	return ids
}

// cut is at most that many bytes of s, and no half character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

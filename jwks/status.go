package jwks

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// Status reports the state of a [Fetcher]. It is a copy that its receiver owns.
// As JSON it has snake_case names, and durations in seconds.
type Status struct {
	Issuer string // as configured
	URL    string // where the JWK Set was last asked for, "" before that

	Started   bool      // a fetch was asked for; before the first call there is none
	Usable    bool      // there are keys, within the maximum staleness
	Keys      []*Key    // in the order of the set
	Skipped   []string  // why other keys of the set are not usable, or not trusted
	FetchedAt time.Time // when the keys were last confirmed, zero if never

	LastError   error     // of the latest failure, also if fetches have succeeded since
	LastErrorAt time.Time // zero if there was none
	NextRefresh time.Time // zero before the first call of Ready or Refresh, and after Close

	Fetches  uint64 // that ended, however they ended
	Failures uint64 // of these, without usable keys

	// BudgetLeft is how many fetches may be made at once for unknown kids: 0 to
	// 5. Where it stays at 0, somebody sends tokens of kids that do not exist.
	BudgetLeft int
}

// Status reports the state of the Fetcher. It never waits for a fetch.
func (f *Fetcher) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status(time.Now())
}

// status is Status for a caller that holds the lock.
func (f *Fetcher) status(now time.Time) Status {
	s, snapshot := f.report, f.Snapshot()
	s.Started = f.started
	s.Usable, s.Keys, s.FetchedAt = snapshot.Usable(), slices.Collect(snapshot.Keys()), snapshot.fetchedAt
	s.Skipped = slices.Clone(f.report.Skipped)
	s.BudgetLeft = f.policy.budget.left(now)
	if f.started && !f.closed {
		s.NextRefresh = later(f.policy.next(), now)
	}
	return s
}

// String returns the state in a few words, without the issuer.
func (s Status) String() string {
	switch {
	case s.Usable:
		return "usable"
	case !s.Started:
		return "not started"
	case s.Fetches == 0:
		return "waiting for the first fetch"
	case !s.FetchedAt.IsZero():
		return "the keys are too old"
	default:
		return "no keys yet, fetches failed"
	}
}

// MarshalJSON implements [encoding/json.Marshaler].
func (s Status) MarshalJSON() ([]byte, error) {
	type key struct {
		ID        string `json:"kid,omitzero"` // cut to 64 bytes
		Algorithm string `json:"alg,omitzero"`
		Type      string `json:"kty"`
	}
	keys := make([]key, 0, len(s.Keys))
	for _, k := range s.Keys {
		keys = append(keys, key{cut(k.ID(), maxKid), k.Algorithm(), k.Type()})
	}
	var lastError string
	if s.LastError != nil {
		lastError = s.LastError.Error()
	}
	var age time.Duration
	if !s.FetchedAt.IsZero() {
		age = time.Since(s.FetchedAt)
	}
	return json.Marshal(struct {
		Issuer      string    `json:"issuer,omitzero"`
		URL         string    `json:"jwks_uri,omitzero"`
		State       string    `json:"state"`
		Usable      bool      `json:"usable"`
		Keys        []key     `json:"keys"`
		Skipped     []string  `json:"skipped,omitempty"`
		FetchedAt   time.Time `json:"fetched_at,omitzero"`
		AgeSeconds  float64   `json:"age_seconds"`
		LastError   string    `json:"last_error,omitzero"`
		LastErrorAt time.Time `json:"last_error_at,omitzero"`
		NextRefresh time.Time `json:"next_refresh,omitzero"`
		Fetches     uint64    `json:"fetches"`
		Failures    uint64    `json:"failures"`
		BudgetLeft  int       `json:"budget_left"`
	}{
		s.Issuer, s.URL, s.String(), s.Usable, keys, s.Skipped, s.FetchedAt, age.Round(time.Millisecond).Seconds(),
		lastError, s.LastErrorAt, s.NextRefresh, s.Fetches, s.Failures, s.BudgetLeft,
	})
}

// The kinds of [Event].
const (
	Fetched     = "fetched"      // the set was fetched
	NotModified = "not_modified" // the server says that it is the same (304)
	Failed      = "failed"       // it could not be had, or held no usable key: the old keys stay
	Rotated     = "rotated"      // beside Fetched: keys came, went or changed, after the first load
)

// Event reports one fetch of a [Fetcher]. It is a copy that its receiver owns.
type Event struct {
	Kind   string // Fetched, NotModified, Failed or Rotated
	Status Status // after the fetch; of Failed, LastError is why

	Forced  bool     // for a caller whose key was missing, not by schedule
	Added   []string // kids, cut to 64 bytes; a key that changed under its kid is in both
	Removed []string

	rotated bool
}

// maxKid bounds what is shown of a kid: its sender chose the length.
const maxKid = 64

func displayedIDs(keys []*Key) []string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, cut(k.ID(), maxKid))
	}
	return ids
}

// cut returns at most that many bytes of s, and no half character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

func (e *Event) describe(got fetched, diff change, loaded bool) {
	e.Kind = Fetched
	if got.notModified {
		e.Kind = NotModified
	}
	e.Added, e.Removed = displayedIDs(diff.added), displayedIDs(diff.removed)
	e.rotated = loaded && diff.any()
}

func (f *Fetcher) emit(e Event) {
	if f.cfg.OnEvent == nil {
		return
	}
	f.cfg.OnEvent(e)
	if e.rotated {
		e.Kind = Rotated
		f.cfg.OnEvent(e)
	}
}

func texts(errs []error) []string {
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

package jwks

import (
	"time"

	"github.com/go-json-experiment/json"
)

// Status is how a [Fetcher] does. It is a copy, and the receiver's. As JSON it
// has snake_case names, and durations in seconds.
type Status struct {
	Issuer string // as configured
	URL    string // the JWK Set's address, "" until it is known

	Usable     bool // there are keys, within the maximum staleness
	Keys       []KeyStatus
	Skipped    []string // why other keys of the set are not usable
	Generation uint64
	FetchedAt  time.Time     // when the keys were last confirmed, zero if never
	Age        time.Duration // since then

	LastError   error     // of the latest failure, also if fetches have succeeded since
	LastErrorAt time.Time // zero if there was none
	NextRefresh time.Time // zero before the first call of Ready or Refresh, and after Close

	Fetches     uint64 // that ended: all of them
	NotModified uint64 // of these, with 304
	Failures    uint64 // of these, without usable keys
}

// KeyStatus is one usable key.
type KeyStatus struct {
	ID        string `json:"kid,omitzero"` // cut to 64 bytes
	Algorithm string `json:"alg,omitzero"`
	Type      string `json:"kty"`
}

// MarshalJSON makes a Status fit to be shown.
func (s Status) MarshalJSON() ([]byte, error) {
	var lastError string
	if s.LastError != nil {
		lastError = s.LastError.Error()
	}
	return json.Marshal(struct {
		Issuer      string      `json:"issuer,omitzero"`
		URL         string      `json:"jwks_uri,omitzero"`
		Usable      bool        `json:"usable"`
		Keys        []KeyStatus `json:"keys"`
		Skipped     []string    `json:"skipped,omitempty"`
		Generation  uint64      `json:"generation"`
		FetchedAt   time.Time   `json:"fetched_at,omitzero"`
		AgeSeconds  float64     `json:"age_seconds"`
		LastError   string      `json:"last_error,omitzero"`
		LastErrorAt time.Time   `json:"last_error_at,omitzero"`
		NextRefresh time.Time   `json:"next_refresh,omitzero"`
		Fetches     uint64      `json:"fetches"`
		NotModified uint64      `json:"not_modified"`
		Failures    uint64      `json:"failures"`
	}{
		s.Issuer, s.URL, s.Usable, s.Keys, s.Skipped, s.Generation, s.FetchedAt, s.Age.Round(time.Millisecond).Seconds(),
		lastError, s.LastErrorAt, s.NextRefresh, s.Fetches, s.NotModified, s.Failures,
	})
}

func keyStatuses(s *Snapshot) []KeyStatus {
	out := make([]KeyStatus, 0, s.Len())
	for k := range s.Keys() {
		out = append(out, KeyStatus{ID: cut(k.ID(), maxKid), Algorithm: k.Algorithm(), Type: k.Type()})
	}
	return out
}

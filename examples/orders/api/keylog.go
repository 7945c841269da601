package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/jwks"
)

// keyLog logs what happens to the issuers' keys. A fetch that went as the one
// before it is logged at Debug only: a refresh a second would drown the rest.
type keyLog struct {
	log *slog.Logger

	mu   sync.Mutex
	well map[string]bool // by issuer: the latest fetch worked
}

func newKeyLog(log *slog.Logger) *keyLog {
	return &keyLog{log: log, well: map[string]bool{}}
}

// event is a jwks.FetcherConfig.OnEvent. The fetchers of several issuers call
// it at once.
func (k *keyLog) event(e jwks.Event) {
	s := e.Status
	next := time.Until(s.NextRefresh).Round(time.Millisecond)
	switch e.Kind {
	case jwks.Failed:
		k.turned(s.Issuer, false)
		k.log.Warn("keys cannot be had, still trying",
			"issuer", s.Issuer, "error", s.LastError, "keys", len(s.Keys), "next_try_in", next)
	case jwks.Rotated:
		k.log.Info("keys rotated", "issuer", s.Issuer, "added", e.Added, "removed", e.Removed)
	case jwks.Fetched, jwks.NotModified:
		level := slog.LevelDebug
		if k.turned(s.Issuer, true) {
			level = slog.LevelInfo
		}
		k.log.Log(context.Background(), level, "keys fetched", "issuer", s.Issuer, "url", s.URL, "keys", len(s.Keys),
			"next_refresh_in", next)
	}
	if e.Kind == jwks.Fetched {
		for _, why := range s.Skipped {
			k.log.Debug("a key is not usable", "issuer", s.Issuer, "why", why)
		}
	}
}

// turned notes how a fetch went, and reports whether the one before went otherwise.
func (k *keyLog) turned(issuer string, well bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := k.well[issuer] != well
	k.well[issuer] = well
	return changed
}

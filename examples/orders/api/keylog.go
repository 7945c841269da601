package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/jwks"
)

// keyLog returns a jwks.FetcherConfig.OnEvent that logs what happens to the
// issuers' keys. The fetchers of several issuers call it at once. A fetch that
// went as the one before it is logged at Debug only: a refresh a second would
// drown the rest.
func keyLog(log *slog.Logger) func(jwks.Event) {
	var mu sync.Mutex
	worked := map[string]bool{} // by issuer: the latest fetch
	return func(e jwks.Event) {
		s, level := e.Status, slog.LevelDebug
		if e.Kind == jwks.Rotated {
			log.Info("keys rotated", "issuer", s.Issuer, "added", e.Added, "removed", e.Removed)
			return
		}
		mu.Lock()
		if !worked[s.Issuer] {
			level = slog.LevelInfo
		}
		worked[s.Issuer] = e.Kind != jwks.Failed
		mu.Unlock()
		next := time.Until(s.NextRefresh).Round(time.Millisecond)
		if e.Kind == jwks.Failed {
			log.Warn("keys cannot be had, still trying", "issuer", s.Issuer, "error", s.LastError, "keys", len(s.Keys), "next_try_in", next)
			return
		}
		log.Log(context.Background(), level, "keys fetched", "issuer", s.Issuer, "url", s.URL, "keys", len(s.Keys), "next_refresh_in", next)
		for _, why := range s.Skipped {
			if e.Kind == jwks.Fetched {
				log.Debug("a key is not usable", "issuer", s.Issuer, "why", why)
			}
		}
	}
}

package main

import (
	"context"
	"log/slog"
	"sync"
)

// refusals is the API's log, as far as it is about refused requests: what the
// caller is not told. It is an slog.Handler.
type refusals struct {
	mu       sync.Mutex
	reasons  []string
	follower func(status int64, reason, pattern string)
}

// take returns the reasons since the last take.
func (r *refusals) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.reasons
	r.reasons = nil
	return taken
}

// follow hands every refusal from now on to f, instead of keeping it.
func (r *refusals) follow(f func(status int64, reason, pattern string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follower = f
}

// Handle keeps the reason of a refusal. All other records are about keys.
func (r *refusals) Handle(_ context.Context, record slog.Record) error {
	var reason, pattern string
	var status int64
	record.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "reason":
			reason = a.Value.String()
		case "pattern":
			pattern = a.Value.String()
		case "status":
			status = a.Value.Int64()
		}
		return true
	})
	if reason == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.follower != nil {
		r.follower(status, reason, pattern)
		return nil
	}
	r.reasons = append(r.reasons, reason)
	return nil
}

// Enabled takes what the Guard says of refusals.
func (*refusals) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// WithAttrs and WithGroup are not used by the API.
func (r *refusals) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup is as WithAttrs.
func (r *refusals) WithGroup(string) slog.Handler { return r }

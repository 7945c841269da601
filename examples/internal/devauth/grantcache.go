package devauth

import (
	"sync"
	"time"
)

// grantCache holds the token last handed out to each client for each audience,
// both from the table, so it stays small. Its zero value is empty.
type grantCache struct {
	mu     sync.Mutex
	tokens map[grantKey]issued
}

type grantKey struct{ client, audience string }

// bokbasenCached hands out the same token until less than the reserve is left
// of it, or until its key was retired, since nobody could verify it then.
func (s *Server) bokbasenCached(c Client, audience string) (issued, time.Time, error) {
	i, err := s.issuer(Bokbasen)
	if err != nil {
		return issued{}, time.Time{}, err
	}
	s.granted.mu.Lock()
	defer s.granted.mu.Unlock()

	now, key := s.now(), grantKey{c.ID, audience}
	if t, ok := s.granted.tokens[key]; ok && t.exp.Unix()-now.Unix() >= int64(bokbasenReserve/time.Second) && i.keys.publishes(t.kid) {
		return t, now, nil
	}
	t, err := i.issue(c, audience, c.Levels, now)
	if err != nil {
		return issued{}, time.Time{}, err
	}
	if s.granted.tokens == nil {
		s.granted.tokens = map[grantKey]issued{}
	}
	s.granted.tokens[key] = t
	return t, now, nil
}

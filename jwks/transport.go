package jwks

import (
	"net/http"
	"sync"
	"time"
)

// transports are those of all Fetchers that were given none: one for each way to
// dial, from the first Fetcher that uses it to the Close of the last.
var transports = shelf{open: make(map[dialing]*shared)}

// dialing is how a transport dials.
type dialing struct {
	like   *http.Transport // it is a copy of this one
	public bool            // it dials public addresses alone
}

// shelf is safe for concurrent use.
type shelf struct {
	mu   sync.Mutex
	open map[dialing]*shared
}

type shared struct {
	*http.Transport
	users int
}

// idleConnection is how long a connection waits for another request of the same
// fetch: for the keys after the metadata. The next fetch is minutes away.
const idleConnection = time.Second

// take returns the transport that dials like that, to be given back.
func (s *shelf) take(how dialing) *borrowed {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.open[how]
	if t == nil {
		own := how.like.Clone()
		own.MaxResponseHeaderBytes = maxHeader
		own.MaxIdleConnsPerHost = 1
		own.IdleConnTimeout = idleConnection
		if how.public {
			dialPublic(own)
		}
		t = &shared{Transport: own}
		s.open[how] = t
	}
	t.users++
	return &borrowed{Transport: t.Transport, give: sync.OnceFunc(func() { s.give(how, t) })}
}

func (s *shelf) give(how dialing, t *shared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.users--
	if t.users == 0 {
		delete(s.open, how)
	}
	t.CloseIdleConnections() // of another's fetch too, at worst one that dials again
}

// borrowed is a transport that one Fetcher uses.
type borrowed struct {
	*http.Transport

	give func()
}

// CloseIdleConnections gives the transport back.
func (b *borrowed) CloseIdleConnections() { b.give() }

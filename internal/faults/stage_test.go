package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// stage is a world whose issuer and API are servers, and the ledger of what happens there.
type stage struct {
	*world
	bubble  bool   // everything happens in a synctest bubble, over pipes
	dial    dialer // of the clients, nil for the loopback interface
	ledger  *ledger
	foreign *jwkstest.Issuer // that the API does not trust
	url     string
	revoked sync.Map // of jti
	tokens  atomic.Int64
	ring    []*jwkstest.Key // in the set, the oldest first
}

// cacheBytes is small, so that the cache is full, and drops tokens, soon.
const cacheBytes = 1 << 20

// newStage has servers on loopback or, in a bubble, whose clock stands while
// anybody computes, at the far ends of pipes.
func newStage(t *testing.T, r rules, bubble bool) *stage {
	t.Helper()
	s := &stage{bubble: bubble, ledger: newLedger(r), foreign: jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))}
	options := []jwkstest.Option{jwkstest.WithAlgorithm("EdDSA")}
	if bubble {
		options = append(options, jwkstest.WithoutServer())
	}
	iss := jwkstest.New(t, options...)
	s.ring = []*jwkstest.Key{iss.Key()}
	s.ledger.published(iss.Key().ID(), func() {})
	way := iss.Client().Transport
	if !bubble {
		sockets := &http.Transport{MaxIdleConns: 1, IdleConnTimeout: 5 * time.Second}
		t.Cleanup(sockets.CloseIdleConnections)
		way = sockets
	}
	s.world = openWorld(t, iss, &wire{healthy: numbered{s.ledger, way}}, func(cfg *sallyport.Config) {
		cfg.Keys.RefreshInterval, cfg.Keys.MaxStaleness = r.refresh, r.staleness
		cfg.Keys.Cooldown, cfg.Keys.Timeout, cfg.Keys.OnEvent = r.cooldown, r.timeout, s.fetched
		cfg.Verifier.Leeway, cfg.Verifier.CacheBytes, cfg.Verifier.Revoked = -1, cacheBytes, s.isRevoked
	})
	iss.Serve(s.serve)
	s.ready()
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.door.ServeHTTP(w, r.WithContext(withReason(r.Context(), func(why reason.Code) { w.Header().Set(reasonHeader, string(why)) })))
	})
	if bubble {
		s.url, s.dial = "http://api.example", servePipes(t, api)
		return s
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

const (
	numberHeader = "X-Request"
	reasonHeader = "X-Reason"
)

// numbered numbers the Gate's requests for the issuer.
type numbered struct {
	ledger *ledger
	next   http.RoundTripper
}

func (n numbered) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(numberHeader, strconv.Itoa(n.ledger.asks(!isMetadata(r))))
	return n.next.RoundTrip(r)
}

func isMetadata(r *http.Request) bool { return strings.Contains(r.URL.Path, "/.well-known/") }

// serve answers the Gate, and notes which keys it was sent.
func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	if isMetadata(r) {
		s.iss.Answer(w, r)
		return
	}
	number, err := strconv.Atoi(r.Header.Get(numberHeader))
	if err != nil {
		http.Error(w, "not a request of the Gate", http.StatusBadRequest)
		return
	}
	s.ledger.serves(number, func() { s.iss.Answer(w, r) }) // into the server's buffer
}

func (s *stage) fetched(e jwks.Event) {
	if e.Kind != jwks.Rotated { // which comes beside Fetched
		s.ledger.ended(e.Kind == jwks.Failed, e.Forced)
	}
}

func (s *stage) publishNext() *jwkstest.Key {
	key := s.iss.NewKey("EdDSA")
	s.ledger.published(key.ID(), func() { s.iss.Publish(key) })
	s.ring = append(s.ring, key)
	return key
}

// retire withdraws the oldest keys but for the last few.
func (s *stage) retire(keep int) {
	for len(s.ring) > keep {
		kid := s.ring[0].ID()
		s.ledger.withdrawn(kid, func() { s.iss.Remove(kid) })
		s.ring = s.ring[1:]
	}
}

var troubles = []http.HandlerFunc{
	fixed(http.StatusInternalServerError, "", ""), hang, breakOff, text("text/html", "<html>Back soon</html>"),
	fixed(http.StatusServiceUnavailable, "Retry-After", "1"),
}

// fall makes the issuer answer so until rise.
func (s *stage) fall(trouble http.HandlerFunc) {
	s.ledger.outage(true)
	s.iss.Serve(trouble)
}

func (s *stage) rise() {
	s.iss.Serve(s.serve)
	s.ledger.outage(false)
}

func (s *stage) isRevoked(_ context.Context, c *claims.Claims) (bool, error) {
	jti, _ := c.Text("jti")
	_, found := s.revoked.Load(jti)
	return found, nil
}

func (s *stage) revoke(c credential) {
	from := time.Now()
	s.revoked.Store(c.jti, true)
	if c.revoked.CompareAndSwap(nil, &span{from, time.Now()}) {
		time.AfterFunc(time.Until(c.expires)+horizon, func() { s.revoked.Delete(c.jti) })
	}
}

// token mints one of the issuer's for that long, with the key that signs now.
func (s *stage) token(life time.Duration) credential {
	key := s.iss.Key()
	c := credential{
		genuine: true, kid: key.ID(), jti: strconv.FormatInt(s.tokens.Add(1), 10),
		expires: time.Now().Add(life).Truncate(time.Second), revoked: new(atomic.Pointer[span]),
	}
	c.text = s.iss.Token(jwkstest.WithKey(key), jwkstest.Claims{"exp": c.expires, "jti": c.jti})
	return c
}

// forgery is a token that must not pass, of one of four kinds.
func (s *stage) forgery(n int) credential {
	key := s.iss.Key()
	c := credential{kid: key.ID()}
	switch n % 4 {
	case 0: // another key under a known kid
		c.text = s.signedByAnother(key.ID())
	case 1:
		c.text = s.iss.Token(jwkstest.WithKey(key), jwkstest.WithAudience("api://another"))
	case 2:
		c.text = s.foreign.Token()
	default:
		c.text = s.iss.Token(jwkstest.WithKey(key), jwkstest.Claims{"exp": time.Now().Add(-time.Hour)})
	}
	return c
}

// stranger is a token of a key that was never published.
func (s *stage) stranger() credential {
	kid := fmt.Sprintf("made-up-%d", s.tokens.Add(1))
	return credential{kid: kid, text: s.signedByAnother(kid)}
}

func (s *stage) signedByAnother(kid string) string {
	return s.iss.Token(jwkstest.WithKey(s.foreign.NewKey("EdDSA", jwkstest.JWK{"kid": kid})))
}

package soak_test

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

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// stage is an issuer and an API on loopback, and the ledger of what happens.
type stage struct {
	iss     *jwkstest.Issuer
	foreign *jwkstest.Issuer // that the API does not trust
	gate    *sallyport.Gate
	url     string
	books   *ledger

	trouble atomic.Pointer[http.HandlerFunc] // nil: the issuer is well
	revoked sync.Map                         // jti: span

	ring []*jwkstest.Key // in the set, the oldest first
}

// cacheBytes is small, so that the cache is full, and drops tokens, soon.
const cacheBytes = 1 << 20

func newStage(t *testing.T, r rules) *stage {
	t.Helper()
	s := &stage{books: newLedger(r)}
	s.iss = jwkstest.New(t, jwkstest.WithAlgorithm("ES256"))
	s.foreign = jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	s.ring = []*jwkstest.Key{s.iss.Key()}
	s.books.published(s.iss.Key().ID(), func() {})
	s.iss.Serve(s.serve)

	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(s.iss.Issuer(), s.iss.Audience())},
		Keys: jwks.FetcherConfig{
			Client:          &http.Client{Transport: numbered{s.books, &http.Transport{MaxIdleConns: 1, IdleConnTimeout: 5 * time.Second}}},
			RefreshInterval: r.refresh, MaxStaleness: r.staleness, Cooldown: r.cooldown, Timeout: r.timeout,
			OnEvent: s.hear,
		},
		Verifier: verifier.Config{Leeway: -1, CacheBytes: cacheBytes, Revoked: s.isRevoked},
		Guard:    middleware.Config{OnEvent: tell},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	s.gate = gate
	require.NoError(t, gate.Ready(t.Context()))

	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	api := httptest.NewServer(telling(gate.Require(claims.AnyToken())(ok)))
	t.Cleanup(api.Close)
	s.url = api.URL
	return s
}

const (
	numberHeader = "X-Request"
	reasonHeader = "X-Reason"
)

// numbered tells the issuer which of the Gate's requests this is.
type numbered struct {
	books *ledger
	next  *http.Transport
}

func (n numbered) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(numberHeader, strconv.Itoa(n.books.asks(!isMetadata(r))))
	return n.next.RoundTrip(r)
}

func (n numbered) CloseIdleConnections() { n.next.CloseIdleConnections() }

func isMetadata(r *http.Request) bool { return strings.Contains(r.URL.Path, "/.well-known/") }

// serve answers the Gate, and notes which keys it told of.
func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	if trouble := s.trouble.Load(); trouble != nil {
		(*trouble)(w, r)
		return
	}
	if isMetadata(r) {
		s.iss.Answer(w, r)
		return
	}
	number, err := strconv.Atoi(r.Header.Get(numberHeader))
	if err != nil {
		http.Error(w, "who are you?", http.StatusBadRequest)
		return
	}
	answer := httptest.NewRecorder()
	s.books.serves(number, func() { s.iss.Answer(answer, r) })
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (s *stage) hear(e jwks.Event) {
	if e.Kind != jwks.Rotated { // which comes beside Fetched
		s.books.hears(e.Kind == jwks.Failed, e.Forced)
	}
}

type toldKey struct{}

// telling lets the Guard's reason, which never goes over the wire, do so here.
func telling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), toldKey{}, w)))
	})
}

func tell(ctx context.Context, ev middleware.Event) {
	if w, ok := ctx.Value(toldKey{}).(http.ResponseWriter); ok && ev.Reason != "" {
		w.Header().Set(reasonHeader, string(ev.Reason))
	}
}

// publish puts a new key into the set.
func (s *stage) publish() *jwkstest.Key {
	key := s.iss.NewKey("ES256")
	s.books.published(key.ID(), func() { s.iss.Publish(key) })
	s.ring = append(s.ring, key)
	return key
}

// retire withdraws the oldest keys but for the last few.
func (s *stage) retire(keep int) {
	for len(s.ring) > keep {
		kid := s.ring[0].ID()
		s.books.withdrawn(kid, func() { s.iss.Remove(kid) })
		s.ring = s.ring[1:]
	}
}

// fall makes the issuer answer so until rise.
func (s *stage) fall(trouble http.HandlerFunc) {
	s.books.outage(true)
	s.trouble.Store(&trouble)
}

func (s *stage) rise() {
	s.trouble.Store(nil)
	s.books.outage(false)
}

func (s *stage) isRevoked(_ context.Context, c *claims.Claims) (bool, error) {
	jti, _ := c.Text("jti")
	_, found := s.revoked.Load(jti)
	return found, nil
}

// token mints one of the issuer's for that long, with the key that signs now.
func (s *stage) token(life time.Duration) credential {
	key := s.iss.Key()
	expires := time.Now().Add(life).Truncate(time.Second)
	jti := fmt.Sprintf("%p-%d", s, tokens.Add(1))
	return credential{
		text:    s.iss.Token(jwkstest.WithKey(key), jwkstest.Claims{"exp": expires, "jti": jti}),
		genuine: true, kid: key.ID(), expires: expires,
		revoked: func() span {
			at, _ := s.revoked.Load(jti)
			found, _ := at.(*revocation)
			return found.span()
		},
		revoke: func() {
			at := &revocation{from: time.Now()}
			if _, again := s.revoked.LoadOrStore(jti, at); !again {
				at.done()
				time.AfterFunc(time.Until(expires)+horizon, func() { s.revoked.Delete(jti) })
			}
		},
	}
}

var tokens atomic.Int64

// revocation is when a token was revoked.
type revocation struct {
	from time.Time
	to   atomic.Pointer[time.Time]
}

func (r *revocation) done() {
	now := time.Now()
	r.to.Store(&now)
}

func (r *revocation) span() span {
	if r == nil {
		return span{}
	}
	out := span{from: r.from}
	if to := r.to.Load(); to != nil {
		out.to = *to
	}
	return out
}

// forgery is a token that may never pass, of one of many kinds.
func (s *stage) forgery(n int) credential {
	key := s.iss.Key()
	c := credential{kid: key.ID(), revoked: func() span { return span{} }}
	switch n % 4 {
	case 0: // a known kid, somebody else's key
		c.text = s.iss.Token(jwkstest.WithKey(s.foreign.NewKey("ES256", jwkstest.JWK{"kid": key.ID()})))
	case 1:
		c.text = s.iss.Token(jwkstest.WithKey(key), jwkstest.WithAudience("api://another"))
	case 2:
		c.text = s.foreign.Token()
	default:
		c.text = s.iss.Token(jwkstest.WithKey(key), jwkstest.Claims{"exp": time.Now().Add(-time.Hour)})
	}
	return c
}

// stranger is a token of a key that nobody published.
func (s *stage) stranger() credential {
	kid := fmt.Sprintf("made-up-%d", tokens.Add(1))
	return credential{
		text: s.iss.Token(jwkstest.WithKey(s.foreign.NewKey("ES256", jwkstest.JWK{"kid": kid}))),
		kid:  kid, revoked: func() span { return span{} },
	}
}

// troubles are how the issuer fails.
var troubles = []http.HandlerFunc{
	func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Back soon</html>")) },
	func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	},
}

func isReason(h http.Header) reason.Code { return reason.Code(h.Get(reasonHeader)) }

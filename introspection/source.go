package introspection

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/version"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// maxWaiting is how many questions about tokens that are not known to be good wait
// for their turn.
const maxWaiting = 1000

// source asks one issuer. It is safe for concurrent use.
type source struct {
	cfg    Config
	judge  judge
	client *http.Client
	own    *http.Transport // nil if the client's transport was given

	cache   *cache
	circuit circuit
	count   counter

	flights   singleflight.Group
	slots     chan struct{} // one for each question in flight
	strangers chan struct{} // one for each about a token that is not known to be good
	waiting   atomic.Int64

	mu     sync.Mutex
	closed bool
	asking sync.WaitGroup
	end    context.CancelFunc
	onEnd  func(func()) (stop func() bool) // calls a function when the source is closed
}

func newSource(cfg Config, j judge) (*source, error) {
	count, err := newCounter(cfg)
	if err != nil {
		return nil, err
	}
	known, err := newCache(cfg.CacheBytes)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	s := &source{
		cfg: cfg, judge: j, cache: known, count: count, end: end,
		slots:     make(chan struct{}, cfg.MaxInFlight),
		strangers: make(chan struct{}, max(1, cfg.MaxInFlight*3/4)),
		onEnd:     func(f func()) func() bool { return context.AfterFunc(life, f) },
	}
	s.client, s.own = newClient(cfg)
	return s, nil
}

// newClient returns a client that follows no redirect, and its transport if that
// is its own.
func newClient(cfg Config) (*http.Client, *http.Transport) {
	client := new(http.Client)
	if cfg.Client != nil {
		*client = *cfg.Client
	}
	var own *http.Transport
	base, given := client.Transport.(*http.Transport)
	if client.Transport == nil {
		base, _ = http.DefaultTransport.(*http.Transport)
	}
	if base != nil && (!given || cfg.Credentials.certificate != nil) {
		own = base.Clone()
		own.MaxResponseHeaderBytes = maxBody
		own.MaxIdleConnsPerHost = cfg.MaxInFlight
		client.Transport = own
	}
	if certificate := cfg.Credentials.certificate; certificate != nil && own != nil {
		if own.TLSClientConfig == nil {
			own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		own.TLSClientConfig.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return certificate(info.Context())
		}
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Jar = nil
	return client, own
}

func (s *source) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.asking.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}

// begin reports whether a question may begin, which ends with asking.Done.
func (s *source) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.asking.Add(1)
	}
	return !s.closed
}

// hasPrefix reports whether a token begins with one of the issuer's prefixes.
func (s *source) hasPrefix(token string) bool {
	for _, p := range s.cfg.Prefixes {
		if strings.HasPrefix(token, p) {
			return true
		}
	}
	return false
}

// answer returns what the issuer says of a token, asked now or, where it is known,
// a moment ago. Those
// who ask about the same token at once share one question, which is no caller's
// own: each waits by its own context. An error is a [*verifier.Error].
func (s *source) answer(ctx context.Context, token string, jwt bool) (a *answer, known bool, err error) {
	d := s.cache.digestOf(token)
	a, active := s.cache.find(d, time.Now(), s.judge.Now())
	if a != nil {
		return a, true, nil
	}
	if wait := s.circuit.waits(time.Now()); wait > 0 {
		return nil, false, s.unavailable(errPaused, wait)
	}
	done := s.flights.DoChan(string(d[:]), func() (any, error) {
		if !s.begin() {
			return nil, s.unavailable(errClosed, 0)
		}
		defer s.asking.Done()
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer s.onEnd(cancel)()
		return s.fetch(own, d, token, active, jwt)
	})
	select {
	case got := <-done:
		if got.Err != nil {
			return nil, false, got.Err
		}
		a, _ := got.Val.(*answer)
		return a, false, nil
	case <-ctx.Done():
		return nil, false, &verifier.Error{Reason: reason.Canceled, Issuer: s.cfg.Issuer, Detail: "while waiting for the answer of the issuer", Err: context.Cause(ctx)}
	}
}

// fetch asks, judges the answer and remembers it.
func (s *source) fetch(ctx context.Context, d digest, token string, known, jwt bool) (*answer, error) {
	r, asked, err := s.ask(ctx, token, known)
	if err != nil {
		return nil, err
	}
	a := &answer{active: r.active, until: asked.Add(s.cfg.CacheRefusalsFor)}
	switch {
	case !r.active:
		a.refusal = &verifier.Error{Reason: reason.Inactive, Issuer: s.cfg.Issuer, Detail: "the issuer calls the token inactive: expired, revoked, unknown or not for this API"}
	case jwt:
		a.until = asked.Add(s.cfg.CacheFor)
		if err := s.aboutOwn(r.about); err != nil {
			return nil, err
		}
	default:
		a.known, a.claims, a.refusal = s.judge.Read(ctx, s.cfg.Issuer, r.about)
		if a.refusal == nil {
			a.until, a.exp = asked.Add(s.cfg.CacheFor), a.claims.ExpiresAt()
		}
	}
	if a.until.After(asked) {
		s.cache.keep(d, a)
	}
	return a, nil
}

// aboutOwn refuses an answer about a JWT that names another issuer.
func (s *source) aboutOwn(about strictjson.Object) error {
	if iss, ok := about.Get("iss"); ok && !iss.IsNull() && !iss.Is(s.cfg.Issuer) {
		return s.unavailable(errOther, 0)
	}
	return nil
}

// ask waits for its turn and asks. It returns when the question was sent, because
// what is revoked later is not in the answer. An error is a [*verifier.Error].
func (s *source) ask(ctx context.Context, token string, known bool) (r reply, asked time.Time, err error) {
	leave, err := s.enter(ctx, known)
	if err != nil {
		return reply{}, asked, err
	}
	defer leave()
	asked = time.Now()
	if wait, ok := s.circuit.allow(asked); !ok {
		return reply{}, asked, s.unavailable(errPaused, wait)
	}
	r, f := s.post(ctx, token)
	if f == nil {
		s.circuit.done(time.Now(), alive, 0)
		s.count.answered(ctx, r.active)
		return r, asked, nil
	}
	s.circuit.done(time.Now(), f.is, f.retryAfter)
	s.count.failed(ctx)
	return reply{}, asked, s.unavailable(f, s.circuit.waits(time.Now()))
}

// enter waits until one more question may be in flight. A token that is not known
// to be good waits behind at most a thousand such, and leaves room for those that
// are.
func (s *source) enter(ctx context.Context, known bool) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if !known {
		defer s.waiting.Add(-1)
		if s.waiting.Add(1) > maxWaiting {
			return nil, s.unavailable(errBusy, 0)
		}
		select {
		case s.strangers <- struct{}{}:
		case <-ctx.Done():
			return nil, s.unavailable(errBusy, 0)
		}
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		if !known {
			<-s.strangers
		}
		return nil, s.unavailable(errBusy, 0)
	}
	return func() {
		<-s.slots
		if !known {
			<-s.strangers
		}
	}, nil
}

// post asks once. Its time begins here: a queue must not look like a dead endpoint.
//
// RFC 7662 section 2.1: https://www.rfc-editor.org/rfc/rfc7662#section-2.1
func (s *source) post(ctx context.Context, token string) (reply, *failure) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	q := &question{
		header: http.Header{"Accept": {s.accepts()}, "Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {"sallyport/" + version.Built()}},
		form:   url.Values{"token": {token}, "token_type_hint": {"access_token"}},
		issuer: s.cfg.Issuer,
	}
	if err := s.cfg.Credentials.add(ctx, q); err != nil {
		return reply{}, &failure{is: unasked, err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.Endpoint, strings.NewReader(q.form.Encode()))
	if err != nil {
		return reply{}, fail(unasked, "%w", err)
	}
	req.Header = q.header
	resp, err := s.client.Do(req)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return reply{}, fail(unasked, "%w", errClosed)
	case err != nil && ctx.Err() != nil:
		return reply{}, fail(dead, "%s: no answer within %v", s.cfg.Endpoint, s.cfg.Timeout)
	case err != nil:
		return reply{}, fail(dead, "%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	return s.read(ctx, resp)
}

var (
	errPaused = errors.New("the endpoint is left alone for a while: it failed, or asked for it")
	errBusy   = errors.New("too many questions are in flight")
	errClosed = errors.New("the Verifier was closed")
	errOther  = errors.New("the answer is about a token of another issuer")
)

func (s *source) unavailable(cause error, retryAfter time.Duration) error {
	return &verifier.Error{Reason: reason.IntrospectionUnavailable, Issuer: s.cfg.Issuer, RetryAfter: max(minPause, retryAfter), Err: cause}
}

package jwks

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/quote"
)

// Bounds of what an issuer may send.
const (
	maxBody   = 512 << 10 // bytes, decompressed
	maxHeader = 64 << 10
	maxETag   = 1 << 10
	maxURL    = 2 << 10
	maxText   = 1 << 10 // of an error, which may repeat the server
)

// source makes the requests to one issuer. It is used by one goroutine.
type source struct {
	client    *http.Client
	own       []idler // what is given back in the end
	once      bool    // connections serve one fetch
	userAgent string
	timeout   time.Duration
	discovery discovery
	telemetry *telemetry                             // nil is none
	trusted   func([]jose.Key) ([]jose.Key, []error) // leaves out what the owner distrusts

	etag     string    // of the current set
	etagFrom string    // the address that sent it
	etagAt   time.Time // when it came
	etagLife time.Duration
	lifetime time.Duration
	stated   bool // the server stated the lifetime
}

func newSource(cfg FetcherConfig) *source {
	s := &source{
		userAgent: cfg.UserAgent,
		timeout:   cfg.Timeout,
		discovery: newDiscovery(cfg),
		client:    &http.Client{},
		etagLife:  cfg.MaxStaleness / 2, // refreshes are at most as far apart, so a 304 hides a withdrawal for MaxStaleness at most
	}
	if cfg.Client != nil {
		*s.client = *cfg.Client
	}
	if t, ok := cfg.transport().(*http.Transport); ok && (cfg.Client == nil || cfg.PublicNetworksOnly) {
		b := transports.take(dialing{like: t, public: cfg.PublicNetworksOnly})
		s.own, s.once, s.client.Transport = append(s.own, b), true, b.Transport
	}
	s.withFiles(cfg)
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// idler is a transport that the source uses up.
type idler interface{ CloseIdleConnections() }

// withFiles puts what is read from files between the client and its transport.
func (s *source) withFiles(cfg FetcherConfig) {
	if s.client.Transport == nil {
		s.client.Transport = http.DefaultTransport
	}
	if t, ok := s.client.Transport.(*http.Transport); ok && cfg.CAFile != "" {
		a := &authority{base: t, file: cfg.CAFile}
		s.own, s.once, s.client.Transport = append(s.own, a), true, a
	}
	if u, err := url.Parse(cfg.address()); err == nil && cfg.BearerFile != "" {
		s.client.Transport = &bearer{base: s.client.Transport, file: cfg.BearerFile, origin: originOf(u)}
	}
}

func (s *source) close() {
	for _, t := range s.own {
		t.CloseIdleConnections()
	}
}

// fetched is what one fetch brought.
type fetched struct {
	url         string // of the JWK Set, "" if it was not found
	keys        []jose.Key
	skipped     []error
	notModified bool
	lifetime    time.Duration
	stated      bool // the server stated the lifetime
}

// fetch finds and reads the JWK Set, all within the timeout. A forced fetch, and
// any fetch long after the set was last read, sends no ETag and accepts no cached
// copy: a server whose ETag is wrong must not pin old keys.
func (s *source) fetch(ctx context.Context, forced bool) (fetched, error) {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	out, err := s.fetchWithin(bounded, forced)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("jwks: no complete answer within %v: %w", s.timeout, err)
	}
	return out, brief(err)
}

func (s *source) fetchWithin(ctx context.Context, forced bool) (fetched, error) {
	url, err := s.discovery.address(ctx, s, forced)
	if err != nil {
		return fetched{}, err
	}
	out, err := s.fetchSet(ctx, url, forced)
	out.url = url
	if err != nil {
		s.discovery.doubt()
	}
	return out, err
}

func (s *source) fetchSet(ctx context.Context, url string, forced bool) (fetched, error) {
	header := make(http.Header)
	header.Set("Accept", "application/jwk-set+json, application/json")
	switch {
	case forced:
		header.Set("Cache-Control", "no-cache")
	case s.etag != "" && s.etagFrom == url && time.Since(s.etagAt) < s.etagLife:
		header.Set("If-None-Match", s.etag)
	}
	resp, err := s.get(ctx, url, header, true)
	if err != nil {
		return fetched{}, err
	}
	life, stated := lifetime(resp.header)
	if resp.status == http.StatusNotModified {
		if !stated { // RFC 9111 section 3.2: https://www.rfc-editor.org/rfc/rfc9111#section-3.2
			life, stated = s.lifetime, s.stated
		}
		return fetched{notModified: true, lifetime: life, stated: stated}, nil
	}
	out := fetched{lifetime: life, stated: stated}
	out.keys, out.skipped, err = jose.ParseSet(resp.body)
	for i, why := range out.skipped {
		out.skipped[i] = brief(why)
	}
	if trusted, distrusted := s.trusted(out.keys); err == nil && len(trusted) == 0 {
		err = noUsableKey(append(distrusted, out.skipped...))
	}
	if err != nil {
		return out, setError{fmt.Errorf("jwks: %s (%.64q): %w", url, resp.header.Get("Content-Type"), err)}
	}
	s.lifetime, s.stated = life, stated
	s.etag, s.etagFrom, s.etagAt = resp.header.Get("ETag"), url, time.Now()
	if len(s.etag) > maxETag {
		s.etag = ""
	}
	return out, nil
}

// setError is an answer that is no JWK Set, or holds no usable key.
type setError struct{ error }

func (e setError) Unwrap() error { return e.error }

type response struct {
	status int
	header http.Header
	body   []byte
}

// statusError is an answer with another status: the server could be reached.
type statusError struct {
	url        string
	status     int
	location   string        // of a redirect
	retryAfter time.Duration // of 429 and 503
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("jwks: %s answered %d %s", e.url, e.status, http.StatusText(e.status))
	if e.location != "" {
		text += fmt.Sprintf(" to %.200q: redirects are not followed, configure the final address", e.location)
	}
	return text
}

// get makes one request. It returns a 200 with a bounded body, a 304 if header
// asks for it, or an error. After the last of a fetch the connection is closed.
func (s *source) get(ctx context.Context, url string, header http.Header, last bool) (response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return response{}, fmt.Errorf("jwks: %w", err)
	}
	req.Header, req.Close = header, last && s.once
	header.Set("User-Agent", s.userAgent)
	resp, err := s.client.Do(req)
	if err != nil {
		return response{}, fmt.Errorf("jwks: %w", explain(err))
	}
	defer func() { _ = resp.Body.Close() }()
	conditional := header.Get("If-None-Match") != ""
	if resp.StatusCode != http.StatusOK && (resp.StatusCode != http.StatusNotModified || !conditional) {
		return response{}, refusal(url, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return response{}, fmt.Errorf("jwks: %s broke off: %w", url, err)
	}
	if len(body) > maxBody {
		return response{}, fmt.Errorf("jwks: %s sent more than %d KiB: is it the right address?", url, maxBody>>10)
	}
	return response{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

func refusal(url string, resp *http.Response) error {
	err := &statusError{url: url, status: resp.StatusCode}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		err.retryAfter = retryAfter(resp.Header, time.Now())
	default:
		err.location = resp.Header.Get("Location")
	}
	return err
}

// briefError is an error whose text is cut and holds nothing that a terminal
// obeys: a server can have made it.
type briefError struct{ error }

func (e briefError) Error() string { return quote.Lines(cut(e.error.Error(), maxText)) }

func (e briefError) Unwrap() error { return e.error }

func brief(err error) error {
	if err == nil {
		return nil
	}
	b := briefError{err}
	if b.Error() == err.Error() {
		return err
	}
	return b
}

// explain adds what to change to an error of a request that does not say so.
func explain(err error) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w: give a Client that trusts the issuer's CA, or set CAFile", err)
	}
	return err
}

// longest caps the durations that a server states, so that nothing overflows.
const longest = 10 * 365 * 24 * time.Hour

// lifetime returns how long an answer stays fresh for a private cache: max-age
// less Age, or 0 for no-store and no-cache. stated is false if the answer does
// not say so in a form that can be read.
//
// RFC 9111 section 4.2.1: https://www.rfc-editor.org/rfc/rfc9111#section-4.2.1
func lifetime(h http.Header) (d time.Duration, stated bool) {
	for name, value := range directives(h.Values("Cache-Control")) {
		switch name {
		case "no-store", "no-cache":
			return 0, true
		case "max-age":
			if age, ok := seconds(value); ok && (!stated || age < d) {
				d, stated = age, true
			}
		}
	}
	if age, ok := seconds(h.Get("Age")); ok && stated {
		d = max(0, d-age)
	}
	return d, stated
}

// seconds reads delta-seconds; a number that is too large becomes longest.
//
// RFC 9111 section 1.2.2: https://www.rfc-editor.org/rfc/rfc9111#section-1.2.2
func seconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > int64(longest/time.Second) {
		return longest, true
	}
	return time.Duration(n) * time.Second, true
}

// directives yields the names, in lower case, and unquoted arguments of
// Cache-Control lines.
//
// RFC 9111 section 5.2: https://www.rfc-editor.org/rfc/rfc9111#section-5.2
func directives(lines []string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for _, line := range lines {
			for line != "" {
				var part string
				part, line = cutDirective(line)
				name, value, _ := strings.Cut(part, "=")
				name = strings.ToLower(strings.TrimSpace(name))
				if name != "" && !yield(name, unquote(strings.TrimSpace(value))) {
					return
				}
			}
		}
	}
}

// cutDirective cuts at the first comma outside of quotes.
func cutDirective(line string) (part, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// retryAfterOf returns the Retry-After of an answer.
func retryAfterOf(err error) time.Duration {
	var refused *statusError
	if errors.As(err, &refused) {
		return refused.retryAfter
	}
	return 0
}

// retryAfter reads Retry-After: seconds or a date.
//
// RFC 9110 section 10.2.3: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if d, ok := seconds(value); ok {
		return d
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, min(longest, date.Sub(now)))
	}
	return 0
}

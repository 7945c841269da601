package introspection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// maxBody is how much an answer may have, in bytes.
const maxBody = 64 << 10

// maxText bounds the text of an error, which may repeat the server.
const maxText = 1 << 10

// failure is a question without an answer.
type failure struct {
	is         outcome
	retryAfter time.Duration
	err        error
}

func (f *failure) Error() string { return quote.Line(f.err.Error(), maxText) }

func (f *failure) Unwrap() error { return f.err }

func fail(is outcome, format string, args ...any) *failure {
	return &failure{is: is, err: fmt.Errorf("introspection: "+format, args...)}
}

// reply is an answer as it came.
type reply struct {
	active bool
	about  strictjson.Object
}

// read reads an answer: JSON with active, a boolean, or one that is signed.
//
// RFC 7662 section 2.2: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func (s *source) read(ctx context.Context, resp *http.Response) (reply, *failure) {
	if resp.StatusCode != http.StatusOK {
		return reply{}, s.refused(resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return reply{}, fail(dead, "%s broke off: %w", s.cfg.Endpoint, err)
	}
	if len(body) > maxBody {
		return reply{}, fail(odd, "%s sent more than %d KiB", s.cfg.Endpoint, maxBody>>10)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if wanted := s.accepts(); err != nil || kind != wanted {
		return reply{}, fail(dead, "%s sent %.64q, not %s: is it the right address?", s.cfg.Endpoint, resp.Header.Get("Content-Type"), wanted)
	}
	about, err := s.open(ctx, body)
	if err != nil {
		return reply{}, fail(odd, "%s: %w", s.cfg.Endpoint, err)
	}
	value, _ := about.Get("active")
	active, err := value.Bool()
	if err != nil {
		return reply{}, fail(odd, "%s: active is no boolean", s.cfg.Endpoint)
	}
	return reply{active: active, about: about}, nil
}

// accepts returns the one media type that an answer may have. A plain answer in
// place of a signed one is none.
//
// RFC 9701 section 4: https://www.rfc-editor.org/rfc/rfc9701#section-4
func (s *source) accepts() string {
	if s.cfg.Signed {
		return "application/token-introspection+jwt"
	}
	return "application/json"
}

func (s *source) open(ctx context.Context, body []byte) (strictjson.Object, error) {
	if !s.cfg.Signed {
		return strictjson.Parse(body)
	}
	about, err := s.judge.Open(ctx, s.cfg.Issuer, s.cfg.Credentials.clientID, strings.TrimSpace(string(body)))
	if err != nil {
		return about, fmt.Errorf("the signed answer is not good: %w", hidden(err))
	}
	return about, nil
}

// hidden keeps the reason of a signed answer out of the chain of errors: it is not
// that of the token.
func hidden(err error) error { return errors.New(err.Error()) }

// refused returns what an answer with another status means. Of those, 401 and 403
// are about who asks, not about the token.
//
// RFC 7662 section 2.3: https://www.rfc-editor.org/rfc/rfc7662#section-2.3
func (s *source) refused(resp *http.Response) *failure {
	f := fail(odd, "%s answered %d %s", s.cfg.Endpoint, resp.StatusCode, http.StatusText(resp.StatusCode))
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests:
		f.retryAfter = max(minPause, retryAfter(resp.Header, time.Now()))
	case status == http.StatusServiceUnavailable:
		f.is, f.retryAfter = dead, retryAfter(resp.Header, time.Now())
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		f.is, f.err = dead, fmt.Errorf("%w: are the Credentials right?", f.err)
	case 300 <= status && status < 400:
		f.is, f.err = dead, fmt.Errorf("%w to %.200q: redirects are not followed, configure the final address", f.err, resp.Header.Get("Location"))
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout, status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		f.is = dead
	}
	return f
}

// retryAfter reads Retry-After: seconds or a date. What cannot be read is 0.
//
// RFC 9110 section 10.2.3: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if value != "" && strings.Trim(value, "0123456789") == "" {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(n) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

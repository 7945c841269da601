package middleware

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// answer is a refusal as it is sent. It is complete before any hook sees the
// Error that it was made from.
type answer struct {
	status     int
	challenges []string
	retryAfter string
	header     [][2]string
	code       string // the RFC 6750 error code, "" for none
	scope      string
	body       bool
}

// answerTo makes the answer to r from an error. A 401 is never without a
// challenge, a Bearer challenge never without a parameter, a 5xx never with a
// challenge.
//
// RFC 9110 section 15.5.2: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2
// RFC 6750 section 3: https://www.rfc-editor.org/rfc/rfc6750#section-3
func (g *guard) answerTo(r *http.Request, e *Error) answer {
	a := answer{status: e.status(), header: e.Header, body: r == nil || r.Method != http.MethodHead}
	if a.status == http.StatusServiceUnavailable || e.RetryAfter > 0 {
		a.retryAfter = seconds(e.RetryAfter)
	}
	if a.status >= http.StatusInternalServerError {
		return a
	}
	a.add(e.Challenges, g.decider.realmName())
	if len(a.challenges) == 0 {
		a.add(g.decider.usualChallenges(a.status, e.Reason), g.decider.realmName())
	}
	return a
}

func (a *answer) add(challenges []Challenge, realm string) {
	for _, c := range challenges {
		if len(c.Params) == 0 {
			c.Params = [][2]string{{"realm", realm}}
		}
		line := c.String()
		if line == "" {
			continue
		}
		if a.code == "" {
			a.code, _ = lookup(c.Params, "error")
			a.scope, _ = lookup(c.Params, "scope")
		}
		a.challenges = append(a.challenges, line)
	}
}

// seal sets the headers that are the answer, in slices of its own: an outer
// handler may change what is in the header map.
func (a *answer) seal(h http.Header) {
	for _, field := range a.header {
		h[http.CanonicalHeaderKey(field[0])] = []string{field[1]}
	}
	h["Cache-Control"] = []string{"no-store"}
	delete(h, "Www-Authenticate")
	if len(a.challenges) > 0 {
		h["Www-Authenticate"] = a.challenges
	}
	delete(h, "Retry-After")
	if a.retryAfter != "" {
		h["Retry-After"] = []string{a.retryAfter}
	}
}

// dropBodyHeaders removes headers that describe a body we replace.
func dropBodyHeaders(h http.Header) {
	for _, name := range [...]string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified"} {
		delete(h, name)
	}
}

func (g *guard) write(w http.ResponseWriter, r *http.Request, e *Error) {
	a := g.answerTo(r, e)
	h := w.Header()
	dropBodyHeaders(h)
	a.seal(h)
	values := []string{"nosniff", "text/plain; charset=utf-8"} // one allocation, cut so that neither can grow into the other
	h["X-Content-Type-Options"] = values[:1:1]
	if g.errorBody != nil && r != nil {
		g.writeOwn(w, r, e, &a)
		return
	}
	problem := g.problemJSON || r != nil && prefersProblem(r.Header["Accept"])
	if problem {
		values[1] = "application/problem+json"
	}
	h["Content-Type"] = values[1:]
	w.WriteHeader(a.status)
	switch {
	case !a.body:
	case problem:
		_, _ = w.Write(a.problem()) //nolint:gosec // JSON-quoted, of a type that no browser runs, nosniff
	default:
		_, _ = io.WriteString(w, a.text()) //nolint:gosec // fixed words
	}
}

// text returns the short body for people: fixed words, nothing of the request.
func (a *answer) text() string {
	title, detail := http.StatusText(a.status), a.detail()
	if detail == "" {
		return title + "\n"
	}
	return title + ": " + detail + "\n"
}

func (a *answer) detail() string {
	switch a.code {
	case "invalid_request":
		return "the credentials are malformed"
	case "invalid_token":
		return "the access token is not valid here"
	case "invalid_dpop_proof":
		return "the DPoP proof is not valid for this request"
	case "use_dpop_nonce":
		return "the DPoP proof has to have the nonce of DPoP-Nonce"
	case "insufficient_scope":
		return "the access token does not allow this"
	case "insufficient_user_authentication":
		return "the user has to authenticate in another way, or again"
	case "":
		switch a.status {
		case http.StatusUnauthorized:
			return "a bearer access token is required"
		case http.StatusServiceUnavailable:
			return "access tokens cannot be checked at the moment, try again later"
		}
	}
	return ""
}

// seconds returns the delay-seconds of Retry-After, rounded up.
//
// RFC 9110 section 10.2.3: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func seconds(d time.Duration) string {
	d = max(d, leastRetry)
	return strconv.FormatInt(int64((d-1)/time.Second)+1, 10)
}

// problem returns the body as problem details. The extension members error and
// scope repeat what the challenge says.
//
// RFC 9457 section 3: https://www.rfc-editor.org/rfc/rfc9457#section-3
func (a *answer) problem() []byte {
	b := make([]byte, 0, 256)
	b = append(b, `{"type":"about:blank","title":`...)
	b = appendJSON(b, http.StatusText(a.status))
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(a.status), 10)
	b = appendMember(b, `,"detail":`, a.detail())
	b = appendMember(b, `,"error":`, a.code)
	b = appendMember(b, `,"scope":`, a.scope)
	return append(b, '}', '\n')
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendJSON(append(b, name...), value)
}

// appendJSON quotes a string, less what no challenge could carry either.
func appendJSON(b []byte, value string) []byte {
	clean := make([]byte, 0, len(value))
	for i := range len(value) {
		if printable(value[i]) {
			clean = append(clean, value[i])
		}
	}
	b, _ = jsontext.AppendQuote(b, clean) // printable ASCII: cannot fail
	return b
}

// maxAccept is how much of Accept is read, in bytes. Real ones are shorter, and
// a refusal must cost a stranger more than it costs here.
const maxAccept = 1 << 10

// prefersProblem reports whether Accept prefers JSON, as problem details or by
// its general name, to plain text. Of equal weights the more precise range wins,
// and text if neither is, unless JSON is named: */* asks for nothing, and who
// names JSON reads it. A member beyond the first KiB is not read, nor is one that
// the KiB cuts.
//
// RFC 9110 section 12.5.1: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
func prefersProblem(accept []string) bool {
	var problem, json, text preference
	left := maxAccept
	for _, line := range accept {
		if left <= 0 {
			break
		}
		line, left = upTo(line, left)
		left-- // for a line that is empty too
		for member := range strings.SplitSeq(line, ",") {
			if mediaRange, q, ok := parseRange(member); ok {
				problem.consider(mediaRange, "application/problem+json", q)
				json.consider(mediaRange, "application/json", q)
				text.consider(mediaRange, "text/plain", q)
			}
		}
	}
	problem = problem.or(json)
	if problem.q != text.q {
		return problem.q > text.q
	}
	return problem.q > 0 && (problem.precision > text.precision || json.precision == exact && json.q == problem.q)
}

// upTo returns what may be read of a line, in whole members, and how much is left.
func upTo(line string, left int) (read string, rest int) {
	if len(line) <= left {
		return line, left - len(line)
	}
	read = line[:left]
	return read[:max(0, strings.LastIndexByte(read, ','))], 0
}

// preference is the weight of one media type, by the most precise range for it.
type preference struct {
	q         float64
	precision int
}

func (p *preference) consider(mediaRange, mediaType string, q float64) {
	if n := precision(mediaRange, mediaType); n > p.precision {
		p.q, p.precision = q, n
	}
}

// or returns the preference for either of two names of what is sent: the higher
// weight, unless p refuses by its own name.
func (p preference) or(other preference) preference {
	refused := p.precision == exact && p.q == 0
	if !refused && (other.q > p.q || other.q == p.q && other.precision > p.precision) {
		return other
	}
	return p
}

const exact = 3 // the precision of a range that is the type itself

// precision returns 3 for the type itself, 2 for type/*, 1 for */*, 0 for no match.
func precision(mediaRange, mediaType string) int {
	major, _, _ := strings.Cut(mediaType, "/")
	rangeMajor, rangeMinor, _ := strings.Cut(mediaRange, "/")
	switch {
	case strings.EqualFold(mediaRange, mediaType):
		return exact
	case rangeMinor == "*" && strings.EqualFold(rangeMajor, major):
		return 2
	case mediaRange == "*/*":
		return 1
	default:
		return 0
	}
}

// parseRange reads one member of Accept; a weight that is none voids it.
func parseRange(member string) (mediaRange string, q float64, ok bool) {
	mediaRange, params, _ := strings.Cut(member, ";")
	q = 1
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		var err error
		q, err = strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(0 <= q && q <= 1) {
			return "", 0, false
		}
	}
	return strings.TrimSpace(mediaRange), q, true
}

// bodyWriter is what an ErrorBody hook writes to: its body and headers of its
// own are sent, the status and the headers that make the answer are not its to
// change. It has no Unwrap on purpose.
type bodyWriter struct {
	w         http.ResponseWriter
	header    http.Header // the hook's own, until the first byte
	answer    *answer
	committed bool
}

// writeOwn lets the ErrorBody hook write the body.
func (g *guard) writeOwn(w http.ResponseWriter, r *http.Request, e *Error, a *answer) {
	b := &bodyWriter{w: w, header: w.Header().Clone(), answer: a}
	b.header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	g.errorBody(b, r, e)
	b.commit()
}

// Header returns the header that the hook may change, with what outer handlers set.
func (b *bodyWriter) Header() http.Header { return b.header }

// WriteHeader ends the headers. The status is the Guard's, whatever is given.
func (b *bodyWriter) WriteHeader(int) { b.commit() }

// Write writes the body, or to nowhere in answer to HEAD.
func (b *bodyWriter) Write(p []byte) (int, error) {
	b.commit()
	if !b.answer.body {
		return len(p), nil
	}
	return b.w.Write(p)
}

func (b *bodyWriter) commit() {
	if b.committed {
		return
	}
	b.committed = true
	h := b.w.Header()
	clear(h)
	for name, values := range b.header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	b.answer.seal(h) // whatever the hook called them
	b.w.WriteHeader(b.answer.status)
}

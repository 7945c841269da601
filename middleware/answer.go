package middleware

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// answer is a refusal as it goes over the wire, settled before any hook sees
// the Error that it was made from.
type answer struct {
	status     int
	challenges []string
	retryAfter string
	code       string // the RFC 6750 error code, "" for none
	scope      string
	body       bool
}

// settle turns an error into the answer to r. A 401 is never without a
// challenge, a Bearer challenge never without a parameter, a 5xx never with a
// challenge (RFC 9110 section 15.5.2, RFC 6750 section 3).
func (g *Guard) settle(r *http.Request, e *Error) answer {
	a := answer{status: e.status(), body: r == nil || r.Method != http.MethodHead}
	if a.status == http.StatusServiceUnavailable || e.RetryAfter > 0 {
		a.retryAfter = seconds(e.RetryAfter)
	}
	if a.status >= http.StatusInternalServerError {
		return a
	}
	g.challenge(&a, e.Challenges)
	if len(a.challenges) > 0 {
		return a
	}
	switch a.status {
	case http.StatusBadRequest:
		g.challenge(&a, g.refuse(badRequest, e.Reason, "").Challenges)
	case http.StatusUnauthorized:
		g.challenge(&a, g.refuse(badTokenOr(classes[e.Reason]), e.Reason, "").Challenges)
	case http.StatusForbidden:
		g.challenge(&a, g.refuse(notAllowed, e.Reason, "").Challenges)
	}
	return a
}

// badTokenOr is the class of a 401: the reason's own if it is one.
func badTokenOr(c class) class {
	if c == noCredentials {
		return c
	}
	return badToken
}

func (g *Guard) challenge(a *answer, challenges []Challenge) {
	for _, c := range challenges {
		if len(c.Params) == 0 {
			c.Params = []Param{{"realm", g.realmName()}}
		}
		line := c.String()
		if line == "" {
			continue
		}
		if a.code == "" {
			a.code, a.scope = c.Param("error"), c.Param("scope")
		}
		a.challenges = append(a.challenges, line)
	}
}

// unbody removes what outer handlers said of the body that is not sent.
func unbody(h http.Header) {
	for _, name := range [...]string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified"} {
		delete(h, name)
	}
}

// seal sets the headers that are the answer, in slices of its own: what is in a
// header map may be changed by whoever holds the map.
func (a *answer) seal(h http.Header) {
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

func (g *Guard) write(w http.ResponseWriter, r *http.Request, e *Error) {
	a := g.settle(r, e)
	h := w.Header()
	unbody(h)
	a.seal(h)
	values := []string{"nosniff", "text/plain; charset=utf-8"} // one allocation, cut so that neither can grow into the other
	h["X-Content-Type-Options"] = values[:1:1]
	if g != nil && g.errorBody != nil && r != nil {
		g.writeOwn(w, r, e, &a)
		return
	}
	problem := g != nil && g.problemJSON || r != nil && prefersProblem(r.Header["Accept"])
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

// text is the short body for people: fixed words, nothing of the request.
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
	case "insufficient_scope":
		return "the access token does not allow this"
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

// seconds is the delay-seconds of RFC 9110 section 10.2.3, rounded up.
func seconds(d time.Duration) string {
	d = max(d, leastRetry)
	return strconv.FormatInt(int64((d-1)/time.Second)+1, 10)
}

package fiberauth

import (
	"maps"
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v3"
)

// passage is the ResponseWriter of the Guard, which writes its denial to it or gives
// it to the next handler. It is never used for a second request.
type passage struct {
	c        fiber.Ctx
	before   http.Header // what was set in front of the door
	header   http.Header
	status   int
	body     []byte
	admitted *http.Request // with the claims; nil: not let through
	private  bool
}

func newPassage(c fiber.Ctx) *passage {
	before := make(http.Header)
	for name, value := range c.Response().Header.All() {
		key := http.CanonicalHeaderKey(string(name))
		before[key] = append(before[key], string(value))
	}
	return &passage{c: c, before: before, header: before.Clone()}
}

// passed is the next handler in the sense of net/http.
var passed = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if p, ok := w.(*passage); ok {
		p.admitted = r
	}
})

// Header returns the header of the answer.
func (p *passage) Header() http.Header { return p.header }

// WriteHeader notes the status of the denial, the first one that counts.
func (p *passage) WriteHeader(status int) {
	if p.status == 0 && status >= http.StatusOK {
		p.status = status
	}
}

// Write notes a part of the body of the denial.
func (p *passage) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	p.body = append(p.body, b...)
	return len(b), nil
}

// KeepPrivate tells the passage that the answer is for its caller alone. The Guard
// calls it, instead of wrapping the ResponseWriter.
func (p *passage) KeepPrivate() { p.private = true }

// makePrivate keeps the answer out of shared caches unless its handler says
// otherwise. fasthttp sends it when all handlers have returned.
//
// RFC 9111 section 3.5: https://www.rfc-editor.org/rfc/rfc9111#section-3.5
func (p *passage) makePrivate() {
	if h := &p.c.Response().Header; p.private && len(h.Peek(fiber.HeaderCacheControl)) == 0 {
		h.Set(fiber.HeaderCacheControl, "private")
	}
}

// keepHeader puts what the Guard did to the header into that of Fiber.
func (p *passage) keepHeader() {
	h := &p.c.Response().Header
	for name := range p.before {
		if _, still := p.header[name]; !still {
			h.Del(name)
		}
	}
	for name, values := range maps.All(p.header) {
		if slices.Equal(values, p.before[name]) {
			continue
		}
		h.Del(name)
		for _, value := range values {
			h.Add(name, value)
		}
	}
}

// refuse answers the request as the Guard has. It is a 500 if a Guard that is none of
// ours has neither let the request through nor answered it.
func (p *passage) refuse() {
	response := p.c.Response()
	p.keepHeader()
	if p.status == 0 {
		p.status = http.StatusInternalServerError
	}
	if values := p.header["Content-Type"]; len(values) > 0 {
		response.Header.SetContentType(values[0]) // which fasthttp leaves out where it is its own and there is no body
	}
	response.SetStatusCode(p.status)
	response.SetBody(p.body)
}

package middleware

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"

	"github.com/sallyport-go/sallyport/internal/cachecontrol"
)

// admission is the context of a call that passes and the ResponseWriter for
// what runs next, in one allocation.
type admission struct {
	stamp
	answer  private
	release context.CancelFunc // of a context that ends with the token; nil: none
}

// newAdmission is where the decision puts the stamp of a call that a Guard serves.
func newAdmission() (*stamp, context.Context) {
	a := new(admission)
	return &a.stamp, a
}

// private is a ResponseWriter whose answer is for the caller alone unless its
// headers say otherwise: caches between the API and its callers may store what
// an Authorization header was sent for, once an answer seems to allow it, and
// some do whatever it says of its age.
//
// RFC 9111 section 3.5: https://www.rfc-editor.org/rfc/rfc9111#section-3.5
// RFC 9111 section 5.2.2.7: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.7
//
// The header is looked at when it is sent, so it makes no difference whether a
// handler sets or adds its own, or clears all on the way, as http.Error and
// httputil.ReverseProxy do.
type private struct {
	http.ResponseWriter
	sent  bool
	value [1]string // of the header
}

// serve serves a request that passes, with an answer that is private if it says
// nothing else.
func (a *admission) serve(w http.ResponseWriter, r *http.Request, next http.Handler, isPrivate bool) {
	keeper, kept := w.(cachecontrol.Keeper) // of a Guard further out, or of an adapter, where next returns before it has served
	if kept && isPrivate {
		keeper.KeepPrivate()
	}
	if a.release != nil && !kept {
		defer a.release()
	}
	if kept || !isPrivate {
		next.ServeHTTP(w, r)
		return
	}
	next.ServeHTTP(privately(w, &a.answer), r)
	a.answer.commit() // of a handler that wrote nothing
}

// privately returns the ResponseWriter for what runs behind a verified token. It
// has the optional interfaces that w has of http.Flusher, http.Hijacker and
// http.Pusher, and for http.ResponseController all that w has. None of the types
// is larger than a pointer, so none is allocated.
func privately(w http.ResponseWriter, p *private) http.ResponseWriter {
	p.ResponseWriter = w
	_, flushes := w.(http.Flusher)
	_, hijacks := w.(http.Hijacker)
	_, pushes := w.(http.Pusher)
	switch {
	case flushes && hijacks && pushes:
		return pushingHijacker{hijacker{flusher{p}}}
	case flushes && hijacks:
		return hijacker{flusher{p}}
	case flushes && pushes:
		return pusher{flusher{p}}
	case flushes:
		return flusher{p}
	default:
		return p
	}
}

// commit settles the header, once.
func (p *private) commit() {
	if !p.sent {
		p.sent = true
		cachecontrol.Private(p.ResponseWriter.Header(), &p.value)
	}
}

// WriteHeader sends the header. An interim answer is not the one that counts.
func (p *private) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		p.commit()
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write sends the header, if that was not done, and a part of the body.
func (p *private) Write(b []byte) (int, error) {
	p.commit()
	return p.ResponseWriter.Write(b)
}

// WriteString is Write without a copy.
func (p *private) WriteString(s string) (int, error) {
	p.commit()
	return io.WriteString(p.ResponseWriter, s)
}

// ReadFrom is Write of all that there is, by sendfile where that is possible.
func (p *private) ReadFrom(src io.Reader) (int64, error) {
	p.commit()
	return io.Copy(p.ResponseWriter, src)
}

// FlushError sends what was written.
func (p *private) FlushError() error {
	p.commit()
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// Unwrap returns the ResponseWriter that the Guard was given.
func (p *private) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// KeepPrivate makes private a [cachecontrol.Keeper], for Guards further in.
func (*private) KeepPrivate() {}

type flusher struct{ *private }

// Flush implements http.Flusher.
func (w flusher) Flush() { _ = w.FlushError() }

type hijacker struct{ flusher }

// Hijack implements http.Hijacker.
func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

type pusher struct{ flusher }

// Push implements http.Pusher.
func (w pusher) Push(target string, opts *http.PushOptions) error {
	return push(w.ResponseWriter, target, opts)
}

type pushingHijacker struct{ hijacker }

// Push implements http.Pusher.
func (w pushingHijacker) Push(target string, opts *http.PushOptions) error {
	return push(w.ResponseWriter, target, opts)
}

func push(w http.ResponseWriter, target string, opts *http.PushOptions) error {
	if p, ok := w.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

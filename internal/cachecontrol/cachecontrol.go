// Package cachecontrol keeps answers for one caller out of shared caches. The
// Guard and the adapters have it in common.
package cachecontrol

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// Default is the value that an answer gets.
//
// RFC 9111 section 5.2.2.7: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.7
const Default = "private"

// Private sets Cache-Control in a header that has none, in a slice that the
// caller gives away.
func Private(h http.Header, value *[1]string) {
	if len(h["Cache-Control"]) == 0 {
		value[0] = Default
		h["Cache-Control"] = value[:1:1]
	}
}

// Keeper is a ResponseWriter that does this by itself, once it was told to.
type Keeper interface{ KeepPrivate() }

// Writer is a ResponseWriter whose answer is for the caller alone unless its
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
type Writer struct {
	http.ResponseWriter
	sent  bool
	value [1]string // of the header
}

// Around returns the ResponseWriter for what runs behind a verified token. It
// has the optional interfaces that w has of http.Flusher, http.Hijacker and
// http.Pusher, and for http.ResponseController all that w has. None of the types
// is larger than a pointer, so none is allocated.
func (p *Writer) Around(w http.ResponseWriter) http.ResponseWriter {
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

// Commit settles the header, once.
func (p *Writer) Commit() {
	if !p.sent {
		p.sent = true
		Private(p.Header(), &p.value)
	}
}

// WriteHeader sends the header. An interim answer is not the one that counts.
func (p *Writer) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		p.Commit()
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write sends the header, if that was not done, and a part of the body.
func (p *Writer) Write(b []byte) (int, error) {
	p.Commit()
	return p.ResponseWriter.Write(b)
}

// WriteString is Write without a copy.
func (p *Writer) WriteString(s string) (int, error) {
	p.Commit()
	return io.WriteString(p.ResponseWriter, s)
}

// ReadFrom is Write of all that there is, by sendfile where that is possible.
func (p *Writer) ReadFrom(src io.Reader) (int64, error) {
	p.Commit()
	return io.Copy(p.ResponseWriter, src)
}

// FlushError sends what was written.
func (p *Writer) FlushError() error {
	p.Commit()
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// Unwrap returns the ResponseWriter that the Guard was given.
func (p *Writer) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// KeepPrivate makes Writer a [Keeper], for Guards further in.
func (*Writer) KeepPrivate() {}

type flusher struct{ *Writer }

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

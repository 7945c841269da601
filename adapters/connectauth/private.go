package connectauth

import "net/http"

// private is the ResponseWriter of an answer that no cache may hand to another
// caller, unless its handler says otherwise.
//
// RFC 9111 section 3.5: https://www.rfc-editor.org/rfc/rfc9111#section-3.5
type private struct {
	http.ResponseWriter
	sent bool
}

func (p *private) commit() {
	if p.sent {
		return
	}
	p.sent = true
	if h := p.Header(); len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = []string{"private"}
	}
}

// WriteHeader sends the header.
func (p *private) WriteHeader(status int) {
	p.commit()
	p.ResponseWriter.WriteHeader(status)
}

// Write sends the header, if that was not done, and a part of the body.
func (p *private) Write(b []byte) (int, error) {
	p.commit()
	return p.ResponseWriter.Write(b)
}

// Flush sends what was written.
func (p *private) Flush() {
	p.commit()
	_ = http.NewResponseController(p.ResponseWriter).Flush()
}

// Unwrap returns the ResponseWriter of the server.
func (p *private) Unwrap() http.ResponseWriter { return p.ResponseWriter }

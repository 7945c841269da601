package middleware

import "net/http"

// bodyWriter is what an ErrorBody hook writes to: its body and headers of its
// own go through, the status and the headers that make the answer do not
// belong to it. It has no Unwrap on purpose.
type bodyWriter struct {
	w         http.ResponseWriter
	header    http.Header // the hook's own, until the first byte
	answer    *answer
	committed bool
}

// writeOwn lets the ErrorBody hook write the body.
func (g *Guard) writeOwn(w http.ResponseWriter, r *http.Request, e *Error, a *answer) {
	b := &bodyWriter{w: w, header: w.Header().Clone(), answer: a}
	b.header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	g.errorBody(b, r, e)
	b.commit()
}

// Header is the header that the hook may change, with what outer handlers set.
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

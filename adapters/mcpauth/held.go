package mcpauth

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"sync"
)

// held is an answer that is held back until its message is judged. One that is
// refused is never sent: the Guard writes another in its place. It is safe for
// concurrent use, as the SDK writes an answer from several goroutines. A nil one has
// nothing to hold.
type held struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	header  http.Header // of the SDK, until the answer is sent
	status  int         // 0: none yet
	body    bytes.Buffer
	flush   bool
	sent    bool  // what is written goes through
	refused error // why it is not sent
	ended   bool  // the handler has returned
}

func newHeld(w http.ResponseWriter) *held { return &held{w: w, header: w.Header().Clone()} }

// Header returns the header of the answer.
func (h *held) Header() http.Header {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sent {
		return h.w.Header()
	}
	return h.header
}

// WriteHeader notes the status, or sends it.
func (h *held) WriteHeader(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ended:
	case h.sent:
		h.w.WriteHeader(status)
	case h.status == 0:
		h.status = status
	}
}

// Write keeps the bytes, or sends them.
func (h *held) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ended:
		return 0, io.ErrClosedPipe
	case h.sent:
		return h.w.Write(p)
	}
	return h.body.Write(p)
}

// Flush flushes what is sent. It is for [http.ResponseController].
func (h *held) Flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sent && !h.ended {
		_ = http.NewResponseController(h.w).Flush()
		return
	}
	h.flush = true
}

// refuse has the answer replaced, unless it is sent already.
func (h *held) refuse(why error) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.sent && h.refused == nil {
		h.refused = why
	}
}

// release sends what there is of the answer, and all that comes.
func (h *held) release() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.send()
}

func (h *held) send() {
	if h.sent || h.ended || h.refused != nil {
		return
	}
	h.sent = true
	to := h.w.Header()
	clear(to)
	maps.Copy(to, h.header)
	if h.status != 0 {
		h.w.WriteHeader(h.status)
	}
	if h.body.Len() > 0 {
		_, _ = h.w.Write(h.body.Bytes())
		h.body = bytes.Buffer{}
	}
	if h.flush {
		_ = http.NewResponseController(h.w).Flush()
	}
}

// finish returns why the answer was refused, if it was. Otherwise it is sent, for
// instance that of a message which the SDK itself did not accept.
func (h *held) finish() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.send()
	return h.refused
}

// end drops what is written from now on: the handler has returned.
func (h *held) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
}

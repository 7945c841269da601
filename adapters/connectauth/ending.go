package connectauth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/middleware"
)

// lastWords is how long the rest of an answer may take when the token has ended.
const lastWords = 5 * time.Second

// ending is the ResponseWriter of a call that ends with its token. A handler that waits
// for its caller to send or to read does not see its context, nor does one that sends
// and sends: reading and writing end by deadlines. An answer that has not begun, as
// that of a unary procedure at work, may begin later.
//
// What net/http itself reads ahead on a connection of HTTP/1, for the next request,
// must not meet the deadline: the context of every later request on it would be
// canceled. So there reading ends only if no answer has begun, and that answer closes
// the connection.
type ending struct {
	http.ResponseWriter
	control *http.ResponseController
	isHTTP1 bool
	limited bool // the server has a deadline for the answer

	mu    sync.Mutex
	ended bool // the token has
	begun bool // the answer has; on HTTP/1 nothing is read of the message from then on
}

// endWaiting has what waits for the caller end when the token of the call does. The
// function that it returns must be called before the handler of net/http returns.
func endWaiting(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, func()) {
	ctx := r.Context()
	if _, ends := ctx.Deadline(); !ends {
		return w, func() {}
	}
	e := &ending{ResponseWriter: w, control: http.NewResponseController(w), isHTTP1: r.ProtoMajor < 2}
	if server, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok {
		e.limited = server.WriteTimeout > 0
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		if errors.Is(context.Cause(ctx), middleware.ErrTokenExpired) {
			e.end()
		}
	})
	return e, func() {
		if !stop() {
			<-done
		}
		e.begin() // net/http does, where the handler has written nothing
	}
}

// end sets the deadlines. Not every ResponseWriter has them.
func (e *ending) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	if !e.isHTTP1 || !e.begun {
		_ = e.control.SetReadDeadline(time.Now())
	}
	if e.begun {
		e.limit()
	}
}

// begin is called before something is sent.
func (e *ending) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.begun {
		return
	}
	e.begun = true
	if !e.ended {
		return
	}
	if e.isHTTP1 {
		e.Header().Set("Connection", "close")
	}
	e.limit()
}

func (e *ending) limit() {
	if !e.limited {
		_ = e.control.SetWriteDeadline(time.Now().Add(lastWords))
	}
}

// WriteHeader sends the header.
func (e *ending) WriteHeader(status int) {
	e.begin()
	e.ResponseWriter.WriteHeader(status)
}

// Write sends the header, if that was not done, and a part of the body.
func (e *ending) Write(b []byte) (int, error) {
	e.begin()
	return e.ResponseWriter.Write(b)
}

// Flush sends what was written.
func (e *ending) Flush() {
	e.begin()
	_ = e.control.Flush()
}

// Unwrap returns the ResponseWriter of the server.
func (e *ending) Unwrap() http.ResponseWriter { return e.ResponseWriter }
